"""MLServer with a runtime of its own, without its pool of processes: the faster of its two ways for small models."""

import json
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from mlserver import MLModel
from mlserver.cli.main import main as mlserver
from mlserver.codecs import NumpyCodec, StringCodec
from mlserver.types import InferenceRequest, InferenceResponse, RequestInput

from . import arguments
from .scoring import Scorer


class Runtime(MLModel):
    async def load(self) -> bool:
        self.scorer = Scorer(Path(self.settings.parameters.uri))
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        outputs = self.scorer.run({one.name: decoded(one) for one in payload.inputs})
        return InferenceResponse(
            model_name=self.name,
            outputs=[NumpyCodec.encode_output(name, values) for name, values in outputs.items()],
        )


def decoded(one: RequestInput) -> Any:
    if one.datatype == "BYTES":
        return np.array(StringCodec.decode_input(one), object).reshape(one.shape)
    return NumpyCodec.decode_input(one)


def main() -> None:
    folder, port = arguments()
    home = Path(tempfile.mkdtemp(prefix="mlserver-"))
    settings = {"host": "127.0.0.1", "http_port": port, "grpc_port": free_port(), "metrics_port": free_port()}
    settings |= {"parallel_workers": 0, "debug": False}
    model = {"name": "m", "implementation": f"{__package__}.mlserver.Runtime", "parameters": {"uri": str(folder)}}
    (home / "settings.json").write_text(json.dumps(settings))
    (home / "model-settings.json").write_text(json.dumps(model))
    sys.argv = ["mlserver", "start", str(home)]
    mlserver()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main()
