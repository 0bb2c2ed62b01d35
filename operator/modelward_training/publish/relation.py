"""What two columns of numbers that ought to be equal have to do with each other, in words: so that a refusal says what
to mend. Pure; nothing here decides.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
CLOSE = 1e-4
"""Of the spread: two columns closer than that in 99 of 100 rows are the same thing."""
FEW = 0.2
"""Share of rows that may differ where the others are equal, before it is another model."""


def of_numbers(model: Array, native: Array) -> str:
    """One number a row: the model's, and the one it should be."""
    if _constant(model):
        return f"the model gives {model[0]:.4g} for every row: its inputs do not reach its output"
    for said, made in _transformed(model, native):
        if _same(made, native):
            return said
    if _same(np.sort(model), np.sort(native)):
        return "both hold the same numbers in another order of rows: write each prediction beside its own id"
    return _affine(model, native) or _few(model, native) or _unlike(model, native)


def of_probabilities(model: Array, native: Array) -> str:
    """Rows x classes, both with the same classes in the same order."""
    if model.shape[1] == 2 and _same(model[:, 0], native[:, 1]):
        return "the two classes are swapped: the model's columns stand in another order than its class list"
    if model.shape[1] > 2 and (order := _permutation(model, native)) is not None:
        return f"the classes stand in another order: the model's columns {order} are the native ones 0, 1, 2 …"
    if _same(np.sort(model[:, -1]), np.sort(native[:, -1])):
        return "both hold the same numbers in another order of rows: write each prediction beside its own id"
    for said, made in _tempered(model):
        if _same(made, native):
            return said
    return _few(model, native) or _unlike(model[:, -1], native[:, -1])


def of_labels(model: Array, native: Array, classes: list[str]) -> str:
    """Class numbers of each row."""
    if len(np.unique(model)) == 1 and len(np.unique(native)) > 1:
        return f"the model says {classes[int(model[0])]!r} for every row: its inputs do not reach its output"
    table = np.zeros((len(classes), len(classes)), int)
    np.add.at(table, (native, model), 1)
    best = table.argmax(axis=1)
    seen = np.flatnonzero(table.sum(axis=1))
    if len(np.unique(best[seen])) == len(seen) and table[seen, best[seen]].sum() > (1 - FEW / 2) * len(model):
        moved = [f"{classes[n]!r} is {classes[best[n]]!r}" for n in seen if best[n] != n][:4]
        if moved:
            return f"the classes are permuted: what predictions.parquet calls {', '.join(moved)} in the model"
    if np.array_equal(np.sort(model), np.sort(native)):
        return "both say each class equally often, for other rows: write each prediction beside its own id"
    share = float((model != native).mean())
    if share < FEW:
        return f"{share:.2%} of the rows differ: {_SPLITS}"
    return _OTHER


def _transformed(model: Array, native: Array) -> Iterator[tuple[str, Array]]:
    """What undoes the difference, said and done. Only where the numbers allow it."""
    steps: list[tuple[str, Callable[[Array], Array]]] = [
        ("the model gives logits: add a Sigmoid before its output", _sigmoid),
        ("the model gives the logarithm of the prediction: add an Exp before its output", np.exp),
        ("the model gives log(1 + prediction): add Exp and subtract 1 before its output", np.expm1),
        ("the model gives the exponential of the prediction: leave the Exp at its end out", _log),
        ("the model gives probabilities where the predictions are logits: compare the same of both", _logit),
        ("the model gives the square root of the prediction: square it before its output", np.square),
        ("the model gives the prediction with the other sign: negate it before its output", np.negative),
        ("the model gives the square of the prediction: add a Sqrt before its output", lambda x: np.sqrt(_positive(x))),
        ("the predictions are rounded and the model's are not: write them as they are", np.round),
    ]
    for said, step in steps:
        with np.errstate(all="ignore"):
            yield said, step(model)
    if _constant(native):
        return
    with np.errstate(all="ignore"):
        clipped = np.clip(model, native.min(), native.max())
    yield "the predictions are clipped and the model's are not: add a Clip before its output", clipped


def _tempered(model: Array) -> Iterator[tuple[str, Array]]:
    """Probabilities that went through a second function, or lack one."""
    with np.errstate(all="ignore"):
        logs = np.log(np.maximum(model, 1e-300))
        yield "the model's Softmax stands twice: leave one out", logs - logs.mean(axis=1, keepdims=True)
        for power, said in (
            (2.0, "the model's logits are halved"),
            (0.5, "the model's logits are doubled"),
        ):
            raised = np.exp(logs * power)
            yield (
                f"{said} (the softmax of -x and x is the sigmoid of 2x)",
                raised / raised.sum(axis=1, keepdims=True),
            )
        if model.shape[1] == 2:
            once = _sigmoid(model[:, 1])
            yield "the predictions are a Sigmoid of the model's probabilities", np.column_stack([1 - once, once])


def _affine(model: Array, native: Array) -> str | None:
    """native = factor x model + shift, from a robust fit: medians of the halves decide, not single rows."""
    spread = model - np.median(model)
    wide = np.abs(spread) >= np.quantile(np.abs(spread), 0.5)
    if not wide.any() or _constant(model):
        return None
    centre = np.median(native)
    factor = float(np.median((native - centre)[wide] / np.where(spread == 0, np.nan, spread)[wide]))
    if not np.isfinite(factor) or factor == 0:
        return None
    shift = float(np.median(native - factor * model))
    if not _same(factor * model + shift, native):
        return None
    scale = float(np.abs(native).max()) or 1.0
    if abs(factor - 1) < 10 * CLOSE:
        return f"the model lacks a constant: predictions are larger by {shift:.6g} (a base score, an intercept, a mean)"
    if abs(shift) < 10 * CLOSE * scale:
        return f"predictions are {factor:.6g} times what the model gives: multiply before its output"
    return (
        f"predictions are {factor:.6g} times what the model gives plus {shift:.6g}: the label was scaled for training, "
        "put the way back into the model"
    )


def _permutation(model: Array, native: Array) -> list[int] | None:
    """Which of the model's columns is each native one, if it is a permutation."""
    found = []
    for column in native.T:
        same = [number for number in range(model.shape[1]) if _same(model[:, number], column)]
        if not same:
            return None
        found.append(next((number for number in same if number not in found), same[0]))
    return found if len(set(found)) == len(found) and found != sorted(found) else None


_SPLITS = (
    "rows at a split point, moved over it by rounding: train on float32, as the model scores, with no scaler before "
    "trees, and round LightGBM's split points down to float32 as docs/recipes.md does"
)
_OTHER = "they have nothing simple in common: export the very model that made predictions.parquet, on the same inputs"


def _few(model: Array, native: Array) -> str | None:
    """Most rows equal to the last digits, the others anywhere: a tree took another branch."""
    gaps = np.abs(model - native)
    gaps = gaps.max(axis=1) if gaps.ndim > 1 else gaps
    off = gaps > CLOSE * _spread(native)
    share = float(off.mean())
    if 0 < share < FEW and float(np.median(gaps[~off])) < CLOSE * _spread(native) / 10:
        return f"{share:.2%} of the rows differ and the others are equal: {_SPLITS}"
    return None


def _unlike(model: Array, native: Array) -> str:
    if not _constant(model) and not _constant(native):
        together = float(np.corrcoef(model, native)[0, 1])
        if together > 0.9:
            return (
                f"they move together (correlation {together:.4f}) and are not equal: another training of the same "
                "model, other inputs (missing values, categories, units), or a scaler on one side only"
            )
    return _OTHER


def _same(one: Array, other: Array) -> bool:
    if not np.isfinite(one).all():
        return False
    gaps = np.abs(one - other)
    gaps = gaps.max(axis=1) if gaps.ndim > 1 else gaps
    return bool(np.quantile(gaps, 0.99) <= CLOSE * _spread(other))


def _spread(values: Array) -> float:
    return float(values.std()) or float(np.abs(values).max()) or 1.0


def _constant(values: Array) -> bool:
    return bool(np.ptp(values) <= 1e-9 * (1 + np.abs(values).max()))


def _sigmoid(values: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-values)))


def _logit(values: Array) -> Array:
    return np.asarray(np.log(values / (1 - values)))


def _log(values: Array) -> Array:
    return np.asarray(np.log(values))


def _positive(values: Array) -> Array:
    return np.maximum(values, 0)
