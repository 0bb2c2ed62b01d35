"""What must hold before a server says that it is ready: the model runs, and answers as it did when it was published."""

import time
from typing import Any

import numpy as np
import orjson

from modelward_serving.protocol.inference import Inference, all_outputs
from modelward_serving.protocol.oip import Parser
from modelward_serving.refusal import ModelError, Refused

from .model import Model

_BLANKS: dict[str, Any] = {"string": "", "boolean": False, "integer": 0, "float": 0.0}


def replay(model: Model) -> None:
    """Run each golden request through the protocol and compare. Raises `ModelError` with the first difference."""
    if model.golden is None:
        return
    parser = Parser(model.interface)
    for number, golden in enumerate(model.golden.requests):
        try:
            request = parser.parse(orjson.dumps({"inputs": golden.inputs}))
            outputs = model.run(model.feeds([request], request.rows))
        except Refused as refused:
            raise _failed(number, refused.message) from refused
        except Exception as error:  # onnxruntime raises a dozen types without a common base
            raise _failed(number, str(error)) from error
        for expected in golden.outputs:
            _compare(model, number, expected, outputs)


def _compare(model: Model, number: int, expected: dict[str, Any], outputs: list[Any]) -> None:
    name = expected.get("name")
    at = model.interface.output_index.get(name) if isinstance(name, str) else None
    if at is None or model.golden is None:
        raise _failed(number, f"the model has no output {name!r}")
    spec, actual = model.interface.outputs[at], outputs[at]
    if list(actual.shape) != expected["shape"]:
        raise _failed(number, f"output '{name}' has shape {list(actual.shape)}, recorded was {expected['shape']}")
    if spec.datatype.kind == "float":
        wanted = np.array(expected["data"], np.float64).ravel()
        same = np.isclose(actual.ravel(), wanted, rtol=model.golden.rtol, atol=model.golden.atol, equal_nan=True)
    else:
        wanted = np.array(expected["data"], actual.dtype).ravel()
        same = actual.ravel() == wanted
    if not same.all():
        i = int(np.argmin(same))
        raise _failed(number, f"output '{name}' element {i} is {actual.ravel()[i]}, recorded was {wanted[i]}")


def _failed(number: int, message: str) -> ModelError:
    return ModelError("GoldenMismatch", f"golden request {number}: {message}")


def warm_up(model: Model, runs: int = 3) -> float:
    """Run a request a few times; seconds of the fastest run, 0.0 where a blank row is nothing the model can take."""
    request = _sample(model)
    best = float("inf")
    for _ in range(runs):
        started = time.perf_counter()
        try:
            model.run(model.feeds([request], request.rows))
        except Exception:  # a model may refuse blanks; requests will show what it can
            return 0.0
        best = min(best, time.perf_counter() - started)
    return best


def keeps_rows(model: Model) -> bool:
    """Whether each row of the inputs has its row in every output, however many run together. True where a blank row
    is nothing the model can take."""
    request = _sample(model)
    for copies in (1, 3):
        try:
            outputs = model.run(model.feeds([request] * copies, copies * request.rows))
        except Exception:  # a model that takes one and not several has its batch size inside
            return copies == 1
        if any(len(values) != copies * request.rows for values in outputs):
            return False
    return True


def _sample(model: Model) -> Inference:
    parser = Parser(model.interface)
    if model.golden is not None and model.golden.requests:
        return parser.parse(orjson.dumps({"inputs": model.golden.requests[0].inputs}))
    shapes = [tuple(1 if size == -1 else size for size in spec.shape) for spec in model.interface.inputs]
    values: list[Any] = [
        [_BLANKS[spec.datatype.kind]] * int(np.prod(shape))
        for spec, shape in zip(model.interface.inputs, shapes, strict=True)
    ]
    tails = tuple(shape[1:] if model.interface.batches else shape for shape in shapes)
    return Inference(None, 1, values, tails, all_outputs(model.interface, binary=True), None)
