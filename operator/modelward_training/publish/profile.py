"""The reference profile: inputs as they were in training, outputs as the model gave them on the held-out rows.

Bins are chosen here once and only counted from then on; `modelward_contracts.profile` says how. Two projections on
principal components see columns that move together or apart while each alone looks as before.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow.parquet as pq

from modelward_contracts.manifests import Signature, Tensor
from modelward_contracts.profile import ReferenceProfile, Signal

from .feeds import as_input

BINS = 10
CATEGORIES = 20
KNOWN = 10_000
"""Further values of a column count as unseen, in the reference too."""
PROJECTED = 3
"""From so many numeric inputs on there are projections."""
NEGLIGIBLE = 1e-5
"""Of a variance of 1: what is left beside copies of a column is rounding, which no reference describes."""
Array = np.ndarray[Any, Any]
Source = Literal["input", "output", "projection"]


def profile(signature: Signature, train: Path, outputs: dict[str, Array]) -> ReferenceProfile:
    signals, numeric = [], {}
    file = pq.ParquetFile(train)  # opened once: its footer describes all columns, and is long where they are many
    for tensor in signature.inputs:
        column = tensor.column or tensor.name
        values = as_input(file.read(columns=[column])[column], tensor)
        signals.append(_signal(column, "input", values, tensor.name))
        if tensor.datatype not in ("BYTES", "BOOL"):
            numeric[tensor.name] = values.astype(np.float32)
    for tensor in signature.outputs:
        signals += _outputs(tensor, outputs[tensor.name], signature)
    if len(numeric) >= PROJECTED:
        signals += _projections(numeric)
    return ReferenceProfile(rows=file.metadata.num_rows, signals=signals)


def numeric_signal(name: str, source: Source, values: Array, tensor: str | None, **more: Any) -> Signal:
    """Equal-frequency bins; a value that fills several becomes one cut. Booleans count as 0 and 1."""
    present = values[~np.isnan(values)].astype(float)
    cuts: Array = np.empty(0)
    if len(present):
        points = np.arange(1, BINS) / BINS
        cuts = np.unique(np.quantile(present, points, method="inverted_cdf"))
        cuts = cuts[np.isfinite(cuts) & (cuts < present.max())]
    counts = np.bincount(np.searchsorted(cuts, present, side="left"), minlength=len(cuts) + 1)
    return Signal(
        name=name,
        source=source,
        kind="numeric",
        counts=[*counts.tolist(), len(values) - len(present)],
        tensor=tensor,
        cuts=cuts.tolist(),
        **more,
    )


def categorical_signal(name: str, source: Source, values: Iterable[str], tensor: str) -> Signal:
    counted = Counter(values)
    missing = counted.pop("", 0)
    ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    top, others, rest = ranked[:CATEGORIES], ranked[CATEGORIES:KNOWN], ranked[KNOWN:]
    return Signal(
        name=name,
        source=source,
        kind="categorical",
        counts=[*(count for _, count in top), sum(n for _, n in others), sum(n for _, n in rest), missing],
        tensor=tensor,
        categories=[value for value, _ in top],
        others=sorted(value for value, _ in others),
    )


def _signal(name: str, source: Source, values: Array, tensor: str, **more: Any) -> Signal:
    if values.dtype.kind in "OUS":
        return categorical_signal(name, source, map(str, values.tolist()), tensor)
    return numeric_signal(name, source, values.astype(np.float64), tensor, **more)


def _outputs(tensor: Tensor, values: Array, signature: Signature) -> Iterator[Signal]:
    flat = values.reshape(len(values), -1)
    if flat.shape[1] == 1:
        yield _signal(tensor.name, "output", flat[:, 0], tensor.name)
        return
    is_probability = tensor.name == signature.probability_output
    # Of two probabilities one says it all.
    wanted = [1] if is_probability and flat.shape[1] == 2 else range(min(flat.shape[1], CATEGORIES))
    for index in wanted:
        name = f"probability_{signature.classes[index]}" if is_probability else f"{tensor.name}[{index}]"
        yield _signal(name, "output", flat[:, index], tensor.name, index=index)


def _projections(numeric: dict[str, Array]) -> Iterator[Signal]:
    """First and last principal component of the standardised inputs. Rounded, so that all machines find the same."""
    matrix = np.column_stack([values.astype(float) for values in numeric.values()])
    matrix[~np.isfinite(matrix)] = np.nan
    names, matrix = _varying(list(numeric), matrix)
    if len(names) < PROJECTED:
        return
    centres, scales = _rounded(np.nanmean(matrix, axis=0)), _rounded(np.nanstd(matrix, axis=0))
    standard = np.nan_to_num((matrix - centres) / scales)
    variances, components = np.linalg.eigh(standard.T @ standard / len(standard))
    last = int(np.flatnonzero(variances > NEGLIGIBLE)[0])
    for label, column in (("~pc1", len(names) - 1), (f"~pc{len(names) - last}", last)):
        weights = _rounded(components[:, column] * np.sign(components[np.abs(components[:, column]).argmax(), column]))
        yield numeric_signal(
            label,
            "projection",
            standard @ weights,
            None,
            weights=dict(zip(names, weights.tolist(), strict=True)),
            centres=dict(zip(names, centres.tolist(), strict=True)),
            scales=dict(zip(names, scales.tolist(), strict=True)),
        )


def _varying(names: list[str], matrix: Array) -> tuple[list[str], Array]:
    filled = np.flatnonzero(~np.isnan(matrix).all(axis=0))
    names, matrix = [names[index] for index in filled], matrix[:, filled]
    varying = np.flatnonzero(np.nanstd(matrix, axis=0) > 1e-9 * (1 + np.abs(np.nanmean(matrix, axis=0))))
    return [names[index] for index in varying], matrix[:, varying]


def _rounded(values: Array) -> Array:
    return np.array([float(f"{value:.6g}") for value in values])
