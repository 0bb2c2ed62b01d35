"""An ONNX model in onnxruntime, on as many rows as there are. Runs in the examining process."""

from functools import partial
from typing import Any

import numpy as np
import onnxruntime as ort

from modelward_training.outcome import JobError

from .batching import mixes

BATCH = 4096
Array = np.ndarray[Any, Any]


def load(data: bytes, threads: int) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 4
    try:
        return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise JobError("InvalidModel", f"onnxruntime cannot load model.onnx: {_first_line(error)}") from error


def rows_at_a_time(session: Any, inputs: dict[str, Array]) -> int:
    """Rows are measured as they will be answered: alone, where what a row is told depends on its neighbours."""
    return BATCH if mixes(partial(run, session), inputs) is None else 1


def run_all(session: Any, inputs: dict[str, Array], split: str, size: int = BATCH) -> dict[str, Array]:
    rows = len(next(iter(inputs.values())))
    parts = []
    for start in range(0, rows, size):
        batch = {name: values[start : start + size] for name, values in inputs.items()}
        try:
            parts.append(run(session, batch))
        except Exception as error:
            raise JobError("InvalidModel", f"model.onnx fails on rows of {split}: {_first_line(error)}") from error
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def run(session: Any, inputs: dict[str, Array]) -> dict[str, Array]:
    names = [value.name for value in session.get_outputs()]
    outputs = dict(zip(names, session.run(names, inputs), strict=True))
    rows = len(next(iter(inputs.values())))
    for name, values in outputs.items():
        if values.ndim not in (1, 2) or len(values) != rows:
            raise ValueError(f"the output {name!r} has the shape {list(values.shape)} for {rows} rows")
    return outputs


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
