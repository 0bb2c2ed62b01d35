"""Latency now against that of the version before: server-side time, forwarding not included."""

from .evidence import Evidence, Finding

MINIMUM = 300
"""Answers of either version: the first hundred of a process that has just started on a busy node are slow."""
RATIO = 5.0
SLACK_SECONDS = 0.05
"""A busy neighbour makes a millisecond ten, which is no fault of the version's."""
QUANTILES = (0.5, 0.9)


def judge_latency(evidence: Evidence) -> Finding | None:
    """Harm where the median and the 90 % quantile are both slower by more than the ratio and the slack."""
    now, before = evidence.candidate.latency, evidence.stable.latency
    if min(now.total, before.total) < MINIMUM:
        return None
    slower = [
        (q, now.quantile(q), before.quantile(q))
        for q in QUANTILES
        if now.quantile(q) > max(RATIO * before.quantile(q), before.quantile(q) + SLACK_SECONDS)
    ]
    if len(slower) < len(QUANTILES):
        return None
    said = ", ".join(f"p{q * 100:.0f} {c * 1000:.1f} ms, before {s * 1000:.1f} ms" for q, c, s in slower)
    return Finding("Harm", "Latency", f"{said} (allowed: {RATIO:g} times) over {now.total} requests")
