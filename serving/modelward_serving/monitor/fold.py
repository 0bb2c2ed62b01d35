"""From scored batches to counts. The data path only notes a batch; counting is done for many rows at once."""

from itertools import groupby
from typing import Any

import numpy as np

from modelward_contracts.monitor import SignalCounts
from modelward_contracts.profile import ReferenceProfile, Signal

from .bins import CategoricalBins, NumericBins, key, projection, signal_counts

Array = np.ndarray[Any, Any]
FOLD_ROWS = 512
"""At most: keeps a fold near 0.1 ms, so that no request waits noticeably for it."""
FOLD_BATCHES = 128
"""At most: batches of single rows take longer to join than to count."""
FOLD_BYTES = 128 << 10
"""Of noted batches, which keep their tensors alive: no more than the processor's cache holds beside all else."""


class SignalMonitor:
    """Counts the rows of one model over the bins of its reference profile."""

    def __init__(self, profile: ReferenceProfile, inputs: list[str], outputs: list[str]) -> None:
        self._profile = profile
        tensors = {**{("input", name): name for name in inputs}, **{("output", name): name for name in outputs}}
        carried = [s for s in profile.signals if s.source != "projection" and (s.source, s.tensor) in tensors]
        numeric = [s for s in carried if s.kind == "numeric"]
        self._categorical = [(s, CategoricalBins(s)) for s in carried if s.kind == "categorical"]
        columns = {s.name for s in numeric if s.source == "input"}
        columns |= {s.tensor for s in numeric if s.source == "input" and s.index is None and s.tensor}
        self._projected = [s for s in profile.signals if s.source == "projection" and columns.issuperset(s.weights)]
        self._projections = [projection(s) for s in self._projected]
        self._projected_bins = NumericBins(self._projected)
        self._numeric = sorted(numeric, key=_tensor_of)
        self._groups: list[Group] | None = None
        self._inputs = {s.tensor for s in carried if s.source == "input" and s.tensor}
        self._outputs = {s.tensor for s in carried if s.source == "output" and s.tensor}
        self._output_names = outputs
        self._noted: list[tuple[dict[str, Array], list[Array]]] = []
        self._rows = self._fold_rows = 0

    def note(self, feeds: dict[str, Array], outputs: list[Array], rows: int) -> None:
        """Called once a batch, after its answers are written."""
        if not rows:
            return
        if not self._fold_rows:
            row_bytes = sum(array.nbytes for array in [*feeds.values(), *outputs]) // rows
            self._fold_rows = min(FOLD_ROWS, FOLD_BYTES // max(row_bytes, 1) + 1)
        self._noted.append((feeds, outputs))
        self._rows += rows
        if self._rows >= self._fold_rows or len(self._noted) >= FOLD_BATCHES:
            self.fold()

    def fold(self) -> None:
        if not self._rows:
            return
        noted, self._noted, self._rows = self._noted, [], 0
        inputs = {name: _concatenated([feeds[name] for feeds, _ in noted]) for name in self._inputs}
        outputs = {
            name: _concatenated([arrays[i] for _, arrays in noted])
            for i, name in enumerate(self._output_names)
            if name in self._outputs
        }
        self._count(inputs, outputs)

    def _count(self, inputs: dict[str, Array], outputs: dict[str, Array]) -> None:
        sides = {"input": inputs, "output": outputs}
        for signal, bins in self._categorical:
            bins.add(_column(sides[signal.source], signal))
        if self._groups is None:
            self._groups = grouped(self._numeric, sides)
        for group in self._groups:
            group.add(sides)
        if self._projected:
            columns = {}
            for signal in self._numeric:
                if signal.source == "input":
                    columns[signal.name] = _column(inputs, signal).astype(np.float64)
                    columns.setdefault(signal.tensor or signal.name, columns[signal.name])
            self._projected_bins.add(np.stack([project(columns) for project in self._projections], axis=1))

    def snapshot(self) -> list[SignalCounts]:
        self.fold()
        counts = {key(s): [0] * len(s.counts) for s in self._profile.signals}
        counts |= {key(s): bins.counts.copy() for s, bins in self._categorical}
        for bins, signals in [
            (self._projected_bins, self._projected),
            *((g.bins, g.signals) for g in self._groups or ()),
        ]:
            counts |= {key(s): values for s, values in zip(signals, bins.split(), strict=True)}
        return signal_counts(self._profile, counts)


class Group:
    """Numeric signals whose tensors are of one type, counted together."""

    def __init__(self, signals: list[Signal], dtype: Any) -> None:
        self.signals, self._dtype = signals, dtype
        self.bins = NumericBins(signals, dtype)
        self._parts = [
            (source, tensor, _columns([s.index or 0 for s in part]))
            for (source, tensor), part in groupby(signals, key=_tensor_of)
        ]

    def add(self, sides: dict[str, dict[str, Array]]) -> None:
        parts = [_flat(sides[source][tensor])[:, columns] for source, tensor, columns in self._parts]
        self.bins.add(np.concatenate(parts, axis=1, dtype=self._dtype))


def grouped(signals: list[Signal], sides: dict[str, dict[str, Array]]) -> list[Group]:
    """Float32 stays what it is, which counts twice as fast; all else becomes float64."""
    narrow: list[Signal] = []
    wide: list[Signal] = []
    for signal in signals:
        is_narrow = sides[signal.source][signal.tensor or ""].dtype == np.float32
        (narrow if is_narrow else wide).append(signal)
    return [Group(some, dtype) for some, dtype in ((narrow, np.float32), (wide, np.float64)) if some]


def _tensor_of(signal: Signal) -> tuple[str, str]:
    return signal.source, signal.tensor or ""


def _columns(indices: list[int]) -> Any:
    """A view is cheaper than a choice."""
    first, end = indices[0], indices[-1] + 1
    return slice(first, end) if indices == list(range(first, end)) else indices


def _flat(values: Array) -> Array:
    return values.reshape(len(values), -1)


def _concatenated(arrays: list[Array]) -> Array:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _column(tensors: dict[str, Array], signal: Signal) -> Array:
    return _flat(tensors[signal.tensor or ""])[:, signal.index or 0]
