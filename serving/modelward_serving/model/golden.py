"""What must hold before a server says that it is ready: the model runs, and answers as it did when it was published."""

import time
from typing import Any

import numpy as np
import orjson

from modelward_onnx.trial import try_rows
from modelward_serving.protocol.inference import Inference, all_outputs
from modelward_serving.protocol.oip import Parser
from modelward_serving.refusal import ModelError, Refused

from .model import Model

ROWS = 5
"""That run together in the trial."""
SLOW = 0.05
"""Seconds of a run from which on two must do."""
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


def warm_up(model: Model, runs: int = 3) -> float | None:
    """Run a request a few times; seconds of the fastest run, None where a blank row is nothing the model can take."""
    best = float("inf")
    try:
        request = _sample(model)
        for _ in range(runs):
            started = time.perf_counter()
            model.run(model.feeds([request], request.rows))
            best = min(best, time.perf_counter() - started)
    except Exception:  # a model may refuse blanks; requests will show what it can
        return None
    return best


def mixes(model: Model, one_row: float | None) -> str | None:
    """What differs where different rows run together and where each runs alone. None where nothing does, or no rows
    that are made up are what the model can take."""
    slow = one_row is not None and one_row > SLOW
    for fed in (_golden_rows, _made_up_rows):
        try:
            feeds = fed(model, 2 if slow else ROWS)
            if feeds is not None:
                return try_rows(model.run, feeds)
        except Exception:  # noqa: S112 — of a dozen types; the next may be what it can take
            continue
    return None


def _golden_rows(model: Model, rows: int) -> dict[str, Any] | None:
    if model.golden is None or not model.golden.requests:
        return None
    request = Parser(model.interface).parse(orjson.dumps({"inputs": model.golden.requests[0].inputs}))
    return {name: values[:rows] for name, values in model.feeds([request], request.rows).items()}


def _made_up_rows(model: Model, rows: int) -> dict[str, Any]:
    """Different and not blank. Whole numbers are small: they may be indices."""
    random = np.random.default_rng(7)
    feeds = {}
    for spec in model.interface.inputs:
        shape = (rows, *(2 if size == -1 else size for size in spec.tail))
        match spec.datatype.kind:
            case "string":
                feeds[spec.name] = random.choice(np.array(["", "a", "b c", "B", "0"], object), shape)
            case "boolean":
                feeds[spec.name] = random.random(shape) < 0.5
            case "integer":
                feeds[spec.name] = random.integers(0, 4, shape).astype(spec.datatype.numpy)
            case _:
                scales = random.choice([0.1, 1.0, 30.0], (rows, *[1] * (len(shape) - 1)))
                feeds[spec.name] = (random.standard_normal(shape) * scales).astype(spec.datatype.numpy)
    return feeds


def _sample(model: Model) -> Inference:
    interface = model.interface
    if model.golden is not None and model.golden.requests:
        return Parser(interface).parse(orjson.dumps({"inputs": model.golden.requests[0].inputs}))
    shapes = [tuple(1 if size == -1 else size for size in spec.shape) for spec in interface.inputs]
    values: list[Any] = [
        [_BLANKS[spec.datatype.kind]] * int(np.prod(shape))
        for spec, shape in zip(interface.inputs, shapes, strict=True)
    ]
    tails = tuple(shape[1:] if interface.batches else shape for shape in shapes)
    return Inference(None, 1, values, tails, all_outputs(interface, binary=True), None)
