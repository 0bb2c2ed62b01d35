"""Permutation importance: how much worse a model is where one column's values are shuffled among the test rows.

Breiman (Random forests, 2001); measured through the ONNX itself and for any model, as Fisher, Rudin and Dominici (2019)
have it. One shuffle of each column: the interval is that of the rows. Two columns that say the same are both told to
matter little, because each stands in for the other.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from modelward_contracts.manifests import Signature
from modelward_contracts.metrics import ERRORS, MAIN
from modelward_contracts.reports import Importance

from .compare import difference, same
from .feeds import columns
from .metrics import Answers, measure
from .predict import Predictions

SECONDS = 120.0
"""For all columns together; what is not reached in that time is left out."""
SHUFFLED = "shuffled.npz"
Array = np.ndarray[Any, Any]


def shuffled(
    folder: Path, inputs: dict[str, Array], answers: Callable[[dict[str, Array]], Predictions], most: int, seed: int
) -> None:
    """Write what the model says of some rows with each input shuffled among them. Runs in the examining process."""
    draw, rows = np.random.default_rng(seed), len(next(iter(inputs.values())))
    some = np.sort(draw.choice(rows, min(rows, most), replace=False))
    chosen = {name: values[some] for name, values in inputs.items()}
    arrays, end = {"rows": some}, time.monotonic() + SECONDS
    for number, (name, values) in enumerate(chosen.items()):
        if time.monotonic() > end:
            break
        said = answers({**chosen, name: values[draw.permutation(len(some))]})
        arrays[f"predicted_{number}"] = said.predicted
        if said.probabilities is not None:
            arrays[f"probabilities_{number}"] = said.probabilities
    np.savez(folder / SHUFFLED, **arrays)  # type: ignore[arg-type]  # numpy's stub mistakes them for a flag


def measured(folder: Path, signature: Signature, answers: Answers) -> list[Importance]:
    """The weightiest first. `answers`: of all test rows."""
    if not (folder / SHUFFLED).exists():
        return []
    with np.load(folder / SHUFFLED, allow_pickle=False) as arrays:
        found = list(_measured(arrays, signature, answers.at(arrays["rows"])))
    return sorted(found, key=lambda one: -one.loss)


def _measured(arrays: Any, signature: Signature, own: Answers) -> Iterator[Importance]:
    whole = measure(own)
    metric = next(name for name in MAIN if name in whole)
    for number, column in enumerate(columns(signature.inputs)):
        if f"predicted_{number}" not in arrays:
            return
        other = Answers(own.truth, arrays[f"predicted_{number}"], arrays.get(f"probabilities_{number}"), own.classes)
        lost = difference(whole[metric], measure(other)[metric], same(own, other))
        lost = lost.turned() if metric in ERRORS else lost
        if np.isfinite(lost.value):  # not where the model gives no number for what no row has together
            yield Importance(column=column, metric=metric, loss=lost.value, low=lost.low, high=lost.high)
