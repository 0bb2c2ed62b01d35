"""Golden requests: a few rows with the answers of this very model, replayed by each server before it turns ready.

Besides rows of the test split there is one with everything missing and one with text that no training row had. What
the model refuses is left out: whether it should is not decided here.

How exactly a server must agree is measured: with other threads onnxruntime adds up the trees of a large forest in
another order, and float32 is not associative. Ten times that difference is allowed.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from modelward_contracts.manifests import GoldenRequest, GoldenRequests, Signature, Tensor

from .signature import FLOATS

ROWS = 6
LEAST_TOLERANCE = 1e-5
MARGIN = 10.0
UNSEEN = "~never seen in training"
Array = np.ndarray[Any, Any]
Run = Callable[[dict[str, Array]], dict[str, Array]]


def golden(signature: Signature, feed: dict[str, Array], run: Run, with_threads: Run) -> GoldenRequests:
    """`run`: on one thread, whose answers are recorded; `with_threads`: the same model on several."""
    requests, spread = [], 0.0
    for inputs in _inputs(signature, feed):
        try:
            outputs, others = run(inputs), with_threads(inputs)
        except Exception:  # noqa: S112 - any of onnxruntime's errors; see above
            continue
        if any(_infinite(values) for values in (*inputs.values(), *outputs.values())):
            continue  # JSON has no word for it
        requests.append(
            GoldenRequest(inputs=_json(signature.inputs, inputs), outputs=_json(signature.outputs, outputs))
        )
        spread = max(spread, *(_difference(values, others[name]) for name, values in outputs.items()))
    return GoldenRequests(requests=requests, atol=max(LEAST_TOLERANCE, MARGIN * spread))


def _difference(values: Array, others: Array) -> float:
    """The largest, of numbers that are no integers."""
    return float(np.nan_to_num(np.abs(values - others)).max(initial=0.0)) if values.dtype.kind == "f" else 0.0


def _inputs(signature: Signature, feed: dict[str, Array]) -> Iterator[dict[str, Array]]:
    rows = len(next(iter(feed.values())))
    some = np.unique(np.linspace(0, rows - 1, ROWS).astype(int))
    yield {name: values[some] for name, values in feed.items()}
    one = {name: values[:1] for name, values in feed.items()}
    kinds = {tensor.name: tensor.datatype for tensor in signature.inputs}
    yield one | {
        name: _filled(one[name], "" if kind == "BYTES" else np.nan)
        for name, kind in kinds.items()
        if kind in (*FLOATS, "BYTES")
    }
    if "BYTES" in kinds.values():
        yield one | {name: _filled(one[name], UNSEEN) for name, kind in kinds.items() if kind == "BYTES"}


def _infinite(values: Array) -> bool:
    return values.dtype.kind == "f" and bool(np.isinf(values).any())


def _filled(like: Array, value: object) -> Array:
    return np.full(like.shape, value, dtype=like.dtype)


def _json(tensors: list[Tensor], values: dict[str, Array]) -> list[dict[str, object]]:
    """Tensors as Open Inference Protocol JSON; NaN is null, which JSON can say."""
    return [
        {
            "name": tensor.name,
            "datatype": tensor.datatype,
            "shape": list(values[tensor.name].shape),
            "data": [_plain(value) for value in values[tensor.name].reshape(-1).tolist()],
        }
        for tensor in tensors
    ]


def _plain(value: Any) -> object:
    return None if isinstance(value, float) and np.isnan(value) else value
