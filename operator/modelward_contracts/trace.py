"""What was counted during a rollout, look after look: what the judges see, what the store keeps, what `replay` reads.

A trace is JSON lines: a `Start`, then a `Look` for each time that the counters were read.
"""

from typing import Annotated

import msgspec

from .wire import Wire

Count = Annotated[int, msgspec.Meta(ge=0)]


class TraceStep(Wire, frozen=True, kw_only=True):
    weight: Annotated[float, msgspec.Meta(ge=0, le=100)]
    """Percent of requests that the candidate is given; 0 in a pause before the first weight."""
    duration: Annotated[float, msgspec.Meta(ge=0)] = 30.0
    """The least seconds at this weight."""
    minimum_requests: Annotated[int, msgspec.Meta(ge=1)] | None = None
    """Answers of the candidate that the step needs; None: as many as the analysis says."""


class Start(Wire, frozen=True, kw_only=True):
    edges: Annotated[list[float], msgspec.Meta(max_length=1000)]
    """Of the latency histograms, in seconds, rising. Answers at most as slow as an edge are counted below it."""
    steps: Annotated[list[TraceStep], msgspec.Meta(min_length=1, max_length=20)]
    progress_deadline_seconds: Annotated[float, msgspec.Meta(gt=0)] = 3600.0


class Counts(Wire, frozen=True, kw_only=True):
    """Of one version, since the look before."""

    requests: Count = 0
    failures: Count = 0
    latency: list[Count]
    """Of its good answers, by edge; the last count is above every edge."""


class Look(Wire, frozen=True, kw_only=True):
    t: float
    """Seconds, of any clock that does not go back."""
    weight: float
    """In force while this was counted."""
    stable: Counts
    candidate: Counts
    complete: bool = True
    """False: some server could not be read, so that nothing may be concluded in the candidate's favour."""


def trace_key(deployment: str, revision: str, part: str) -> str:
    """Where it lies in the store; `part` sorts by time."""
    return f"{traces_of(deployment, revision)}{part}.jsonl.gz"


def traces_of(deployment: str, revision: str) -> str:
    return f"traces/{deployment}/{revision}/"
