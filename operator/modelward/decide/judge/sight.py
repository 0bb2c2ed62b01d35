"""By sight: where there is too little to prove anything, would an equal version have been seen to fail so often?"""

from math import ceil, exp, lgamma

from .evidence import Evidence

LEVEL = 0.1
CLUSTER = 2
"""Failures often come together: so many count as one event."""


def speaks_against(evidence: Evidence) -> str:
    """Why the candidate should not serve, if anything seen says so.

    Fisher's exact test (one-sided, Fisher 1935): of all failures of both versions, as many or more fall to the
    candidate by chance in less than `LEVEL` of cases. Failures are counted as events of `CLUSTER`, so that one
    accident speaks against nobody."""
    candidate, stable = evidence.candidate, evidence.stable
    events, others = candidate.failures // CLUSTER, ceil(stable.failures / CLUSTER)
    if not events or _tail(events, candidate.requests, others, stable.requests) >= LEVEL:
        return ""
    return (
        f"{candidate.failures} of {candidate.requests} requests of the candidate failed,"
        f" {stable.failures} of {stable.requests} of stable"
    )


def _tail(events: int, requests: int, others: int, other_requests: int) -> float:
    """P(at least so many of all events fall to the one side), all splits of the requests being alike. The other side
    has at least one request more than it saw: nothing seen proves nothing."""
    total, all_events = requests + other_requests + 1, events + others
    least, most = max(events, all_events - (total - requests)), min(all_events, requests)
    ways = _log_ways(total, all_events)
    return sum(
        exp(_log_ways(requests, k) + _log_ways(total - requests, all_events - k) - ways) for k in range(least, most + 1)
    )


def _log_ways(n: int, k: int) -> float:
    """Of the binomial coefficient."""
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
