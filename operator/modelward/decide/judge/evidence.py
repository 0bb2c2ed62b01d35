"""What the judges see: counters of one window of time, already differenced per pod and added up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

UNANSWERED = "a scoring pod did not answer the last look at its counters"


@dataclass(frozen=True)
class Latency:
    """Histogram of server-side seconds: `counts[i]` in (edges[i-1], edges[i]], the last above every edge."""

    edges: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()

    @property
    def total(self) -> int:
        return sum(self.counts)

    def quantile(self, q: float) -> float:
        """Seconds, linear within a bin; the last edge for what lies above it. 0 where nothing was counted."""
        rank, below = q * self.total, 0
        for index, count in enumerate(self.counts):
            if count and below + count >= rank:
                if index >= len(self.edges):
                    return self.edges[-1]
                low = self.edges[index - 1] if index else 0.0
                return low + (self.edges[index] - low) * (rank - below) / count
            below += count
        return 0.0


@dataclass(frozen=True)
class SignalWindow:
    """One monitored signal: reference and live counts over the same bins."""

    source: str
    reference: tuple[int, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Window:
    """One revision over one span of time."""

    requests: int = 0
    failures: int = 0
    latency: Latency = field(default_factory=Latency)
    signals: Mapping[str, SignalWindow] = field(default_factory=dict)
    breaker_open: bool = False
    """Some server has stopped forwarding after a run of failures."""
    causes: Mapping[str, int] = field(default_factory=dict)
    """Of failed forwards, by cause, since the servers began."""
    reached: bool = True
    """Every server of stable has had a connection to it."""


@dataclass(frozen=True)
class Evidence:
    """Both sides over the same time, and how many answers the candidate gave in the present step."""

    candidate: Window = field(default_factory=Window)
    stable: Window = field(default_factory=Window)
    step_requests: int = 0
    complete: bool = True
    """False: some pod did not answer the last scrape, so nothing may be concluded in the candidate's favour."""


@dataclass(frozen=True)
class Finding:
    outcome: Literal["Ok", "NoEvidence", "Harm"]
    reason: str = ""
    message: str = ""


OK = Finding("Ok")
