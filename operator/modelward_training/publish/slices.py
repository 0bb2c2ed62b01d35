"""Groups of test rows that are measured on their own: by a column's values, or by quantiles of the training rows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from modelward_contracts.manifests import DatasetManifest
from modelward_contracts.metrics import ERRORS, MAIN
from modelward_contracts.reports import SliceResult
from modelward_contracts.tasks import SliceBy

from .metrics import Answers, values

VALUES = 20
"""Most values of a column that have a slice of their own: the most frequent in training. The others are one."""
QUANTILES = 5
LONGEST = 100
"""Characters of a value that are told."""
MISSING, OTHER = "missing", "other"
Array = np.ndarray[Any, Any]


def measured(asked: list[SliceBy], dataset: DatasetManifest, folder: Path, answers: Answers) -> list[SliceResult]:
    """Of the test rows in `folder`, which `answers` are about; the worst first."""
    found = [one for by in asked for one in _by_column(by, dataset, folder, answers)]
    name = next((name for name in MAIN if any(name in one.metrics for one in found)), "")
    return sorted(found, key=lambda one: (not one.counted, _badness(name, one)))


def worst(slices: list[SliceResult], metric: str) -> SliceResult | None:
    """Of those that are large enough and where the metric can be measured."""
    counted = [one for one in slices if one.counted and metric in one.metrics]
    return min(counted, key=lambda one: _badness(metric, one), default=None)


def _badness(metric: str, one: SliceResult) -> float:
    """Less is worse."""
    value = one.metrics.get(metric, np.inf if metric not in ERRORS else -np.inf)
    return -value if metric in ERRORS else value


def _by_column(by: SliceBy, dataset: DatasetManifest, folder: Path, answers: Answers) -> Iterator[SliceResult]:
    kinds = {column.name: column.type for column in dataset.columns}
    train, test = (pq.read_table(folder / f"{split}.parquet", columns=[by.column])[by.column] for split in _SPLITS)
    counted = pc.value_counts(train.drop_null())
    numeric = kinds[by.column] == "number" or (kinds[by.column] == "integer" and len(counted) > VALUES)
    groups = _quantiles(train, test) if numeric else _values(counted, test)
    for name, rows in groups:
        number = int(rows.sum())
        if number:
            yield SliceResult(
                column=by.column,
                value=name if len(name) <= LONGEST else name[: LONGEST - 1] + "…",
                rows=number,
                share=number / len(rows),
                counted=number >= by.minimum_rows,
                metrics=values(answers.at(rows)),
            )


_SPLITS = ("train", "test")


def _values(counted: pa.StructArray, test: pa.ChunkedArray) -> Iterator[tuple[str, Array]]:
    ranked = sorted(counted.to_pylist(), key=lambda one: (-one["counts"], str(one["values"])))
    missing = _mask(pc.is_null(test))
    left = ~missing
    for one in ranked[:VALUES]:
        rows = _mask(pc.fill_null(pc.equal(test, one["values"]), False))
        left &= ~rows
        yield _text(one["values"]), rows
    yield OTHER, left
    yield MISSING, missing


def _quantiles(train: pa.ChunkedArray, test: pa.ChunkedArray) -> Iterator[tuple[str, Array]]:
    known, values = (column.cast(pa.float64(), safe=False).to_numpy() for column in (train, test))
    known = known[np.isfinite(known)]
    points = np.arange(1, QUANTILES) / QUANTILES
    cuts = np.unique(np.quantile(known, points, method="inverted_cdf")) if len(known) else np.empty(0)
    cuts = cuts[cuts < known.max()] if len(known) else cuts
    missing = np.isnan(values)
    numbers = np.searchsorted(cuts, values, side="left")
    edges = ["", *(f"{cut:.6g}" for cut in cuts), ""]
    for number in range(len(cuts) + 1):
        low, high = edges[number], edges[number + 1]
        name = f"> {low} to {high}" if low and high else f"<= {high}" if high else f"> {low}" if low else "all"
        yield name, (numbers == number) & ~missing
    yield MISSING, missing


def _mask(column: Any) -> Array:
    return np.asarray(column.to_numpy(zero_copy_only=False) if isinstance(column, pa.Array) else column.to_numpy())


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
