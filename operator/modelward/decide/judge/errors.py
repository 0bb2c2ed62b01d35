"""Errors: the candidate's failure rate against stable's in the same time."""

from math import sqrt

from .evidence import OK, Evidence, Finding, Window

Z = 2.58
"""One-sided 0.5 % quantile of the normal distribution, for each bound."""
GROSS = 0.2


def wilson(failures: int, requests: int, z: float = Z) -> tuple[float, float]:
    """Score interval of a proportion (Wilson 1927). (0, 1) where nothing was seen."""
    if not requests:
        return 0.0, 1.0
    p, n = failures / requests, requests
    centre, spread = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, (centre - spread) / (1 + z * z / n)), min(1.0, (centre + spread) / (1 + z * z / n))


def judge_errors(evidence: Evidence, max_increase_percent: float) -> Finding:
    """Harm once the candidate's rate is above stable's by more than the allowance, beyond doubt on either side, or once
    it failed again when a server that had stopped forwarding tried it. Until then that is a shield, no verdict."""
    candidate, stable = evidence.candidate, evidence.stable
    low, _ = wilson(candidate.failures, candidate.requests)
    stable_rate = stable.failures / stable.requests if stable.requests else 0.0
    allowed = stable_rate + max_increase_percent / 100
    causes = ", ".join(f"{cause} {count}" for cause, count in sorted(candidate.causes.items()))
    if candidate.breaker_open and candidate.failed_trials:
        message = f"a run of failures ({causes}) stopped forwarding, and a trial after it failed too"
        return Finding("Harm", "ForwardingStopped", f"{message}: {_said(candidate, stable)}")
    if candidate.failures >= 5 and low > max(GROSS, allowed):
        return Finding("Harm", "Errors", _said(candidate, stable))
    if candidate.failures >= 3 and candidate.requests >= 50 and low > allowed:
        return Finding("Harm", "Errors", _said(candidate, stable))
    if candidate.breaker_open:
        message = f"a run of failures ({causes}) stopped forwarding, until the next trial"
        return Finding("NoEvidence", "ForwardingStopped", message)
    return OK


def _said(candidate: Window, stable: Window) -> str:
    return f"{_share(candidate)} of the candidate failed, {_share(stable)} of stable"


def _share(window: Window) -> str:
    percent = 100 * window.failures / window.requests if window.requests else 0.0
    return f"{window.failures} of {window.requests} requests ({percent:.1f} %)"
