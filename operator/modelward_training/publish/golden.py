"""Golden requests: a few rows with the answers of this very model, replayed by each server before it turns ready.

Besides rows of the test split there is one with everything missing and one with text that no training row had. What
the model refuses is left out: whether it should is not decided here.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from modelward_contracts.manifests import GoldenRequest, GoldenRequests, Signature, Tensor

from .signature import FLOATS

ROWS = 6
UNSEEN = "~never seen in training"
Array = np.ndarray[Any, Any]
Run = Callable[[dict[str, Array]], dict[str, Array]]


def golden(signature: Signature, feed: dict[str, Array], run: Run) -> GoldenRequests:
    requests = []
    for inputs in _inputs(signature, feed):
        try:
            outputs = run(inputs)
        except Exception:  # noqa: S112 - any of onnxruntime's errors; see above
            continue
        if any(_infinite(values) for values in (*inputs.values(), *outputs.values())):
            continue  # JSON has no word for it
        requests.append(
            GoldenRequest(inputs=_json(signature.inputs, inputs), outputs=_json(signature.outputs, outputs))
        )
    return GoldenRequests(requests=requests)


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
