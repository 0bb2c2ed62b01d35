"""What a handler written by hand does with an Open Inference Protocol body, for servers that leave it to the user."""

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

DTYPES: dict[str, Any] = {"FP32": np.float32, "INT64": np.int64, "BYTES": object}
DATATYPES = {np.dtype(np.float32): "FP32", np.dtype(np.int64): "INT64"}


class Scorer:
    def __init__(self, folder: Path) -> None:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = ort.InferenceSession(str(folder / "model.onnx"), options, providers=["CPUExecutionProvider"])
        self.names = [output.name for output in self.session.get_outputs()]

    def run(self, feeds: dict[str, Any]) -> dict[str, Any]:
        return dict(zip(self.names, self.session.run(self.names, feeds), strict=True))

    def answer(self, feeds: dict[str, Any]) -> dict[str, Any]:
        outputs = [
            {"name": name, "datatype": DATATYPES[values.dtype], "shape": values.shape, "data": values.ravel().tolist()}
            for name, values in self.run(feeds).items()
        ]
        return {"model_name": "m", "outputs": outputs}


def tensor(datatype: str, shape: list[int], data: list[Any]) -> Any:
    """Null becomes NaN, as numpy has it; what is no number raises."""
    return np.array(data, DTYPES[datatype]).reshape(shape)
