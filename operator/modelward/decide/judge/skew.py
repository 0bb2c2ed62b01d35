"""Skew: drift of the candidate's own.

In a random split both versions see the same requests. What shifts for both (a season, a new month) is the world's;
what shifts for the candidate alone, against the reference it was trained on, is another unit, encoding or join.
"""

from collections.abc import Mapping
from dataclasses import replace
from math import sqrt

from modelward_contracts.psi import psi, psi_variance

from .evidence import OK, Evidence, Finding, SignalWindow, Window

MINIMUM_ROWS = 300
Z = 3.29
"""One-sided 0.05 % quantile of the normal distribution: there are many signals and many looks."""


def judge_skew(evidence: Evidence, max_increase: float, min_requests: int) -> Finding:
    """Harm where a signal's PSI exceeds stable's PSI of the same signal by more than `max_increase`, beyond doubt."""
    candidate, stable = independent(evidence.candidate), independent(evidence.stable)
    rows = {n: min(sum(candidate[n].counts), sum(stable[n].counts)) for n in candidate if n in stable}
    enough = [name for name, seen in rows.items() if seen >= MINIMUM_ROWS]
    if rows and max(rows.values()) < min(MINIMUM_ROWS, min_requests):
        said = f"drift needs {MINIMUM_ROWS} requests with rows of either version, {max(rows.values())} so far"
        return Finding("NoEvidence", "TooFewRows", said)
    beyond = {name: least for name in enough if (least := least_excess(candidate[name], stable[name])) > max_increase}
    if not beyond:
        return OK
    # A column says more to a person than a projection of many, even where the projection shows it more clearly.
    name = max(beyond, key=lambda name: (candidate[name].source != "projection", beyond[name]))
    return Finding(
        "Harm",
        "Skew",
        f"{name} has PSI {_psi(candidate[name]):.2f} against its own reference, stable has {_psi(stable[name]):.2f} "
        f"against its own on the same requests: at least {beyond[name]:.2f} more (allowed: {max_increase:g}) "
        f"over {rows[name]} independent rows",
    )


def independent(window: Window) -> Mapping[str, SignalWindow]:
    """Its signals as if each request had one row: the split is of requests, and rows of one are often alike."""
    rows = max((sum(signal.counts) for signal in window.signals.values()), default=0)
    if not window.requests or rows <= window.requests:
        return window.signals
    share = window.requests / rows
    return {
        name: replace(signal, counts=tuple(round(count * share) for count in signal.counts))
        for name, signal in window.signals.items()
    }


def least_excess(candidate: SignalWindow, stable: SignalWindow) -> float:
    """Lower confidence bound of the candidate's PSI above stable's: a random split makes the two independent."""
    variance = sum(psi_variance(signal.reference, signal.counts) for signal in (candidate, stable))
    return _psi(candidate) - _psi(stable) - Z * sqrt(variance)


def _psi(signal: SignalWindow) -> float:
    return psi(signal.reference, signal.counts)
