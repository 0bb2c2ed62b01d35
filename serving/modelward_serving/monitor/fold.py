"""From scored batches to counts. The data path only notes a batch; counting is done for many rows at once."""

from typing import Any

import numpy as np

from modelward_contracts.monitor import SignalCounts
from modelward_contracts.profile import ReferenceProfile, Signal

from .bins import CategoricalBins, NumericBins, key, projection, signal_counts

Array = np.ndarray[Any, Any]
FOLD_ROWS = 256
"""Keeps a fold near 0.1 ms, so that no request waits noticeably for it."""
MAX_BYTES = 4 << 20
"""Of noted batches, which keep their tensors alive."""


class SignalMonitor:
    """Counts the rows of one model over the bins of its reference profile."""

    def __init__(self, profile: ReferenceProfile, inputs: list[str], outputs: list[str]) -> None:
        self._profile = profile
        tensors = {**{("input", name): name for name in inputs}, **{("output", name): name for name in outputs}}
        carried = [s for s in profile.signals if s.source != "projection" and (s.source, s.tensor) in tensors]
        self._numeric = [s for s in carried if s.kind == "numeric"]
        self._categorical = [(s, CategoricalBins(s)) for s in carried if s.kind == "categorical"]
        columns = {s.name for s in self._numeric if s.source == "input"}
        columns |= {s.tensor for s in self._numeric if s.source == "input" and s.index is None and s.tensor}
        self._projected = [s for s in profile.signals if s.source == "projection" and columns.issuperset(s.weights)]
        self._projections = [projection(s) for s in self._projected]
        self._bins = NumericBins([*self._numeric, *self._projected])
        self._inputs = {s.tensor for s in carried if s.source == "input" and s.tensor}
        self._outputs = {s.tensor for s in carried if s.source == "output" and s.tensor}
        self._output_names = outputs
        self._noted: list[tuple[dict[str, Array], list[Array]]] = []
        self._rows = self._fold_rows = 0

    def note(self, feeds: dict[str, Array], outputs: list[Array], rows: int) -> None:
        """Called once a batch, after its answers are written."""
        if not self._fold_rows:
            row_bytes = sum(array.nbytes for array in [*feeds.values(), *outputs]) // rows
            self._fold_rows = min(FOLD_ROWS, MAX_BYTES // max(row_bytes, 1) + 1)
        self._noted.append((feeds, outputs))
        self._rows += rows
        if self._rows >= self._fold_rows:
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
        total = len(self._numeric) + len(self._projected)
        if not total:
            return
        rows = len(next(iter((inputs or outputs).values())))
        values = np.empty((total, rows))
        columns = {}
        for i, signal in enumerate(self._numeric):
            values[i] = _column(sides[signal.source], signal)
            if signal.source == "input":
                columns[signal.name] = values[i]
                columns.setdefault(signal.tensor or signal.name, values[i])
        for i, project in enumerate(self._projections, start=len(self._numeric)):
            values[i] = project(columns)
        self._bins.add(values)

    def snapshot(self) -> list[SignalCounts]:
        self.fold()
        counts = {key(s): [0] * len(s.counts) for s in self._profile.signals}
        counts |= {key(s): bins.counts.copy() for s, bins in self._categorical}
        counts |= {
            key(s): values for s, values in zip([*self._numeric, *self._projected], self._bins.split(), strict=True)
        }
        return signal_counts(self._profile, counts)


def _concatenated(arrays: list[Array]) -> Array:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _column(tensors: dict[str, Array], signal: Signal) -> Array:
    values = tensors[signal.tensor or ""]
    if signal.index is not None:
        return values[..., signal.index].reshape(len(values), -1)[:, 0]
    return values.reshape(len(values), -1)[:, 0]
