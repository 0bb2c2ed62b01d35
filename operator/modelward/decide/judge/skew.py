"""Skew: drift of the candidate's own.

In a random split both versions see the same requests. What shifts for both (a season, a new month) is the world's;
what shifts for the candidate alone, against the reference it was trained on, is another unit, encoding or join.
"""

from collections.abc import Mapping
from dataclasses import replace
from math import log2, sqrt
from statistics import NormalDist

from modelward_contracts.psi import psi, psi_variance

from .evidence import OK, Evidence, Finding, SignalWindow, Window

MINIMUM_ROWS = 300


def judge_skew(evidence: Evidence, max_increase: float, min_requests: int, level: float) -> Finding:
    """Harm where a signal's PSI exceeds stable's PSI of the same signal by more than `max_increase`, beyond doubt.

    `level`: the probability, over all signals and looks, that equal versions are told apart.
    """
    candidate, stable = independent(evidence.candidate), independent(evidence.stable)
    rows = {n: min(sum(candidate[n].counts), sum(stable[n].counts)) for n in candidate if n in stable}
    enough = [name for name, seen in rows.items() if seen >= MINIMUM_ROWS]
    if rows and max(rows.values()) < min(MINIMUM_ROWS, min_requests):
        said = f"drift needs {MINIMUM_ROWS} requests with rows of either version, {max(rows.values())} so far"
        return Finding("NoEvidence", "TooFewRows", said)
    least = {name: least_excess(candidate[name], stable[name], _z(level / len(rows), rows[name])) for name in enough}
    beyond = {name: excess for name, excess in least.items() if excess > max_increase}
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


def _z(level: float, rows: int) -> float:
    """Of a bound that is looked at all the time: each doubling of the rows is a look of its own, the n-th with
    1/(n(n + 1)) of the level; half of that, for a sum that wanders is beyond a bound at some time within it at most
    twice as often as at its end (reflection principle)."""
    nth = int(log2(rows / MINIMUM_ROWS)) + 1
    return NormalDist().inv_cdf(1 - level / (2 * nth * (nth + 1)))


def least_excess(candidate: SignalWindow, stable: SignalWindow, z: float) -> float:
    """Lower confidence bound of the candidate's PSI above stable's: a random split makes the two independent."""
    variance = sum(psi_variance(signal.reference, signal.counts) for signal in (candidate, stable))
    return _psi(candidate) - _psi(stable) - z * sqrt(variance)


def _psi(signal: SignalWindow) -> float:
    return psi(signal.reference, signal.counts)
