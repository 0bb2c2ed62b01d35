"""What a scoring server tells the operator at `GET /monitor` on its admin port.

Counters only grow while a process lives, and `started` tells lives apart, so a reader subtracts the previous
snapshot of the same life and adds the differences up over pods. All workers of a pod are already added together.
"""

from .wire import Wire


class Histogram(Wire, frozen=True, kw_only=True):
    """`counts[i]` observations x with edges[i-1] < x <= edges[i]; the last count is above every edge. Seconds."""

    edges: list[float]
    counts: list[int]
    sum: float


class Forwards(Wire, frozen=True, kw_only=True):
    """Requests that this server tried to hand to a candidate. `attempts` = `answered` + the failures + in flight."""

    attempts: int
    answered: int
    """The client got the candidate's answer."""
    failures: dict[str, int]
    """By cause: connect, deadline, status5xx, rejected (a 4xx), protocol; each only where this server then gave a good
    answer to the same request, for a deadline within the same time. And three that say nothing more about the
    candidate: same_pause (a missed deadline, under way together with one that is counted as such), refused (this
    server's own answer was no better) and capped (in-flight cap reached, or the breaker opened meanwhile). Each was
    answered locally instead, and is counted when that is known."""
    breaker_open: bool
    """A run of failures has stopped forwarding, until a trial shows that the candidate is back."""
    failed_trials: int = 1
    """Copies of requests that this server had answered well, which an open breaker sent to see whether the candidate is
    back, and which failed too. 1 from servers that do not tell: their breaker stays open."""
    reached: bool = True
    """A connection has been made; before that, nothing is handed over and nothing fails."""


class SignalCounts(Wire, frozen=True, kw_only=True):
    """Live counts beside the reference's, both in the bin order of `profile`."""

    name: str
    source: str
    kind: str
    reference: list[int]
    counts: list[int]


class Snapshot(Wire, frozen=True, kw_only=True):
    pod: str
    revision: str
    model: str
    """Digest of the model manifest that is served."""
    profile: str
    """Digest of the reference profile; counts of different profiles never add up."""
    started: float
    """Unix time at which these counters were zero."""
    epoch: int
    """Epoch of the traffic setting in force; 0 before any."""
    ready: bool
    scored: dict[str, int]
    """Requests that reached this server's own model, by HTTP status code of the answer."""
    uncomputed: int = 0
    """Of these, answered with a 4xx because the model could not compute them, or JSON not hold its numbers: the
    caller's doing, as far as this server alone can know."""
    latency: Histogram
    """Server-side time of the scored requests with status 200: queue and compute, without forwarding."""
    forwards: dict[str, Forwards]
    """By the candidate's revision."""
    connections: int
    """Open client connections on the data port."""
    idle: float = 3600.0
    """Seconds since the last of them closed; 0 while there is one. An hour from servers that do not tell."""
    in_flight: int
    mixed_batches: int = 0
    """Batches in which a request's answer was another than alone, beyond rounding. With the first, this server stops
    making any: what was proven of the model is wrong."""
    signals: list[SignalCounts]
