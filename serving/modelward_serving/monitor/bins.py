"""The reference profile, compiled: exact integer counts of rows over its bins, many features in one pass.

Numeric signals are compared cut by cut over a [signals, rows] matrix, which needs no branch and no search per value.
Their cuts are padded with +inf: nothing is greater, so the padding counts nothing.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from modelward_contracts.monitor import SignalCounts
from modelward_contracts.profile import ReferenceProfile, Signal

Array = np.ndarray[Any, Any]


class NumericBins:
    """All numeric signals of inputs, outputs and projections together."""

    def __init__(self, signals: list[Signal]) -> None:
        width = max((len(signal.cuts) for signal in signals), default=0)
        cuts = np.full((width, len(signals), 1), np.inf)
        for i, signal in enumerate(signals):
            cuts[: len(signal.cuts), i, 0] = signal.cuts
        sizes = np.array([len(signal.counts) for signal in signals], np.int64)
        self._cuts = cuts
        self._missing = (sizes - 1).astype(np.uint16)[:, None]
        self._offsets = (np.cumsum(sizes) - sizes)[:, None]
        self.sizes = sizes
        self.counts = np.zeros(int(sizes.sum()), np.int64)

    def add(self, values: Array) -> None:
        """`values`: [signals, rows] of float64."""
        bins = np.zeros(values.shape, np.uint16)
        above = np.empty(values.shape, bool)
        for cut in self._cuts:
            np.greater(values, cut, out=above)
            np.add(bins, above, out=bins, casting="unsafe")
        missing = np.isnan(values)
        if missing.any():
            np.copyto(bins, self._missing, where=missing)
        self.counts += np.bincount((bins + self._offsets).ravel(), minlength=len(self.counts))

    def split(self) -> list[list[int]]:
        ends = np.cumsum(self.sizes)
        return [self.counts[end - size : end].tolist() for size, end in zip(self.sizes, ends, strict=True)]


class CategoricalBins:
    """One categorical signal: its categories, then other, unseen, missing."""

    def __init__(self, signal: Signal) -> None:
        size = len(signal.categories)
        self._unseen, self._missing = size + 1, size + 2
        self._table = dict.fromkeys(signal.others, size) | {name: i for i, name in enumerate(signal.categories)}
        self.counts = [0] * (size + 3)

    def add(self, values: Array) -> None:
        text = values.dtype == object
        for value, times in Counter(values.tolist()).items():
            if value is None or value == "" or value != value:
                at = self._missing
            else:
                at = self._table.get(value if text else str(value), self._unseen)
            self.counts[at] += times


Projection = Callable[[Mapping[str, Array]], Array]


def projection(signal: Signal) -> Projection:
    """Sum of weight · (x - centre) / scale; a missing or infinite value counts as the centre."""
    weights = {
        name: (weight / (signal.scales.get(name, 1.0) or 1.0), signal.centres.get(name, 0.0))
        for name, weight in signal.weights.items()
    }

    def project(columns: Mapping[str, Array]) -> Array:
        parts = [
            np.nan_to_num((columns[name] - centre) * factor, nan=0.0, posinf=0.0, neginf=0.0)
            for name, (factor, centre) in weights.items()
        ]
        total: Array = np.sum(parts, axis=0)
        return total

    return project


def signal_counts(profile: ReferenceProfile, counts: Mapping[str, list[int]]) -> list[SignalCounts]:
    return [
        SignalCounts(
            name=signal.name,
            source=signal.source,
            kind=signal.kind,
            reference=signal.counts,
            counts=counts[key(signal)],
        )
        for signal in profile.signals
    ]


def key(signal: Signal) -> str:
    """Names are unique within a source only."""
    return f"{signal.source}/{signal.name}"
