"""Everything one server counts, and its snapshot. Numbers only grow; a reader subtracts."""

import time
from dataclasses import dataclass, field

from modelward_contracts.monitor import Forwards

from .latency import LatencyHistogram


@dataclass(slots=True)
class ForwardCounts:
    """For one candidate."""

    attempts: int = 0
    answered: int = 0
    failures: dict[str, int] = field(default_factory=dict)
    failed_trials: int = 0

    def fail(self, cause: str) -> None:
        self.failures[cause] = self.failures.get(cause, 0) + 1

    def as_forwards(self, breaker_open: bool, reached: bool) -> Forwards:
        return Forwards(
            attempts=self.attempts,
            answered=self.answered,
            failures=dict(self.failures),
            breaker_open=breaker_open,
            failed_trials=self.failed_trials,
            reached=reached,
        )


@dataclass(slots=True)
class Counters:
    started: float = field(default_factory=time.time)
    scored: dict[int, int] = field(default_factory=dict)
    uncomputed: int = 0
    total: LatencyHistogram = field(default_factory=LatencyHistogram)
    queue: LatencyHistogram = field(default_factory=LatencyHistogram)
    compute: LatencyHistogram = field(default_factory=LatencyHistogram)
    rows: int = 0
    batch_rows: dict[int, int] = field(default_factory=dict)
    """Batches by the next power of two of their rows."""
    forwards: dict[str, ForwardCounts] = field(default_factory=dict)
    checked: int = 0
    """Batches that ran again, request by request."""
    mixed: int = 0
    """Of these, those whose answers were others."""
    last_inference: float = 0.0

    def answered(self, status: int, times: int = 1) -> None:
        self.scored[status] = self.scored.get(status, 0) + times

    def batch(self, rows: int) -> None:
        self.rows += rows
        size = 1 << (rows - 1).bit_length()
        self.batch_rows[size] = self.batch_rows.get(size, 0) + 1

    def forward(self, revision: str) -> ForwardCounts:
        return self.forwards.setdefault(revision, ForwardCounts())
