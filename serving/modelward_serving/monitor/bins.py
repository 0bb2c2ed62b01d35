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


BLOCK = 64
"""Signals at a time, so that what is compared again and again stays in the processor's cache."""


class NumericBins:
    """Numeric signals of one floating type together."""

    def __init__(self, signals: list[Signal], dtype: Any = np.float64) -> None:
        width = max((len(signal.cuts) for signal in signals), default=0)
        cuts = np.full((width, len(signals), 1), np.inf)
        for i, signal in enumerate(signals):
            cuts[: len(signal.cuts), i, 0] = signal.cuts
        sizes = np.array([len(signal.counts) for signal in signals], np.int64)
        self._cuts = rounded_down(cuts, dtype)
        # One byte a value is what the processor counts fastest.
        self._bin = np.uint8 if sizes.max(initial=0) <= 256 else np.uint16
        self._missing = (sizes - 1).astype(self._bin)[:, None]
        self._offsets = (np.cumsum(sizes) - sizes)[:, None]
        self.sizes = sizes
        self.counts = np.zeros(int(sizes.sum()), np.int64)

    def add(self, values: Array) -> None:
        """`values`: [signals, rows] of the type."""
        for first in range(0, len(values), BLOCK):
            self._add(values[first : first + BLOCK], slice(first, first + BLOCK))

    def _add(self, values: Array, block: slice) -> None:
        bins: Array = np.zeros(values.shape, self._bin)
        above = np.empty(values.shape, bool)
        for cut in self._cuts[:, block]:
            np.greater(values, cut, out=above)
            bins += above
        missing = np.isnan(values)
        if missing.any():
            np.copyto(bins, self._missing[block], where=missing)
        self.counts += np.bincount((bins + self._offsets[block]).ravel(), minlength=len(self.counts))

    def split(self) -> list[list[int]]:
        ends = np.cumsum(self.sizes)
        return [self.counts[end - size : end].tolist() for size, end in zip(self.sizes, ends, strict=True)]


def rounded_down(cuts: Array, dtype: Any) -> Array:
    """The same cuts for values of a narrower type: what is above a cut is above the next value below it, too."""
    with np.errstate(over="ignore"):
        narrow = cuts.astype(dtype)
        return np.where(narrow > cuts, np.nextafter(narrow, dtype(-np.inf)), narrow)


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
