"""The reference profile, compiled: exact integer counts of rows over its bins, many features in one pass.

For each cut it is counted how many values are above it; a bin holds what is above its lower cut, but not above its
upper one. That needs no branch and no search per value, and bytes are what the processor adds up fastest.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from modelward_contracts.monitor import SignalCounts
from modelward_contracts.profile import ReferenceProfile, Signal
from modelward_onnx.narrow import rounded_down

Array = np.ndarray[Any, Any]


WIDTH = 512
"""Values compared in one sweep: narrow rows are laid side by side."""
BLOCK = 32
"""Sweeps at a time: so few that their counts fit a byte, and all that is compared the processor's cache."""


class NumericBins:
    """Numeric signals of one floating type together."""

    def __init__(self, signals: list[Signal], dtype: Any = np.float64) -> None:
        self._signals = signals
        # Padded with +inf: nothing is greater, so the padding counts nothing.
        cuts = np.full((max((len(signal.cuts) for signal in signals), default=0), len(signals)), np.inf)
        for i, signal in enumerate(signals):
            cuts[: len(signal.cuts), i] = signal.cuts
        # A power of two, as the rows often are: else their rest would be counted apart.
        self._side = 1 << max((WIDTH // max(len(signals), 1)).bit_length() - 1, 0)
        self._cuts = np.tile(rounded_down(cuts, dtype), self._side)
        self._above = np.zeros(self._cuts.shape, np.int64)
        self._missing = np.zeros(self._cuts.shape[1:], np.int64)
        self._rows = 0

    def add(self, values: Array) -> None:
        """`values`: [rows, signals] of the type, one after the other in memory."""
        rows = len(values)
        even = rows - rows % self._side
        for part, side in ((values[:even], self._side), (values[even:], rows - even)):
            if len(part):
                sweeps = part.reshape(-1, side * part.shape[1])
                for first in range(0, len(sweeps), BLOCK):
                    self._count(sweeps[first : first + BLOCK])
        self._rows += rows

    def _count(self, sweeps: Array) -> None:
        width = sweeps.shape[1]
        above = np.greater(sweeps, self._cuts[:, None, :width])
        self._above[:, :width] += np.add.reduce(above.view(np.uint8), 1, np.uint8)
        self._missing[:width] += np.add.reduce(np.isnan(sweeps).view(np.uint8), 0, np.uint8)

    def split(self) -> list[list[int]]:
        """For each signal its counts, missing ones last."""
        signals = len(self._signals)
        missing = self._missing.reshape(self._side, signals).sum(0)
        above = self._above.reshape(len(self._above), self._side, signals).sum(1)
        # Above the cut below all, above each cut, above +inf.
        falling = np.vstack([self._rows - missing, above, np.zeros_like(missing)])
        bins = falling[:-1] - falling[1:]
        return [[*bins[: len(signal.cuts) + 1, i].tolist(), int(missing[i])] for i, signal in enumerate(self._signals)]


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
        with np.errstate(over="ignore", invalid="ignore"):  # becomes infinite, and is treated as such
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
