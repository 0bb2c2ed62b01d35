"""KServe's Python server with a predictor of its own, without gRPC and latency logging."""

from typing import Any

import numpy as np
from kserve import InferOutput, InferRequest, InferResponse, Model, ModelServer

from . import arguments
from .scoring import DATATYPES, Scorer


class Predictor(Model):
    def __init__(self, scorer: Scorer) -> None:
        super().__init__("m")
        self.scorer = scorer
        self.ready = True

    async def predict(self, payload: InferRequest, *_: Any, **__: Any) -> InferResponse:
        outputs = []
        for name, values in self.scorer.run({one.name: decoded(one) for one in payload.inputs}).items():
            output = InferOutput(name, list(values.shape), DATATYPES[values.dtype])
            output.set_data_from_numpy(values, binary_data=False)
            outputs.append(output)
        return InferResponse(payload.id or "1", "m", outputs)


def decoded(one: Any) -> Any:
    values = one.as_numpy()
    return values.astype(np.str_).astype(object) if one.datatype == "BYTES" else values


def main() -> None:
    folder, port = arguments()
    server = ModelServer(http_port=port, workers=1, enable_grpc=False, enable_latency_logging=False)
    server.start([Predictor(Scorer(folder))])


if __name__ == "__main__":
    main()
