"""Latency: server-side time of the candidate against stable's, forwarding not included."""

from .evidence import OK, Evidence, Finding

MINIMUM = 300
"""Answers of either version: the first hundred of a process that has just started on a busy node are slow."""
SLACK_SECONDS = 0.001
"""A difference below it harms nobody, whatever the ratio."""
QUANTILES = (0.5, 0.9)


def judge_latency(evidence: Evidence, max_ratio: float, min_requests: int) -> Finding:
    """Harm where the median and the 90 % quantile are both slower by more than the ratio and the slack."""
    candidate, stable = evidence.candidate.latency, evidence.stable.latency
    seen = min(candidate.total, stable.total)
    if seen < MINIMUM:
        said = f"latency needs {MINIMUM} answers of either version, {seen} so far"
        return OK if seen >= min_requests else Finding("NoEvidence", "TooFewRequests", said)
    slower = [
        (q, candidate.quantile(q), stable.quantile(q))
        for q in QUANTILES
        if candidate.quantile(q) > max(max_ratio * stable.quantile(q), stable.quantile(q) + SLACK_SECONDS)
    ]
    if len(slower) < len(QUANTILES):
        return OK
    said = ", ".join(f"p{q * 100:.0f} {c * 1000:.1f} ms against {s * 1000:.1f} ms" for q, c, s in slower)
    return Finding(
        "Harm", "Latency", f"{said} of stable (allowed: {max_ratio:g} times) over {candidate.total} requests"
    )
