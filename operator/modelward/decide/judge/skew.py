"""Skew: drift of the candidate's own.

In a random split both versions see the same requests. What shifts for both (a season, a new month) is the world's;
what shifts for the candidate alone, against the reference it was trained on, is another unit, encoding or join.
"""

from .evidence import OK, Evidence, Finding
from .psi import psi

MINIMUM_ROWS = 300


def judge_skew(evidence: Evidence, max_increase: float, min_requests: int) -> Finding:
    """Harm where a signal's PSI exceeds stable's PSI of the same signal by more than `max_increase`."""
    candidate, stable = evidence.candidate.signals, evidence.stable.signals
    rows = {n: min(sum(candidate[n].counts), sum(stable[n].counts)) for n in candidate if n in stable}
    enough = [name for name, seen in rows.items() if seen >= MINIMUM_ROWS]
    if rows and max(rows.values()) < min(MINIMUM_ROWS, min_requests):
        said = f"drift needs {MINIMUM_ROWS} rows of either version, {max(rows.values())} so far"
        return Finding("NoEvidence", "TooFewRows", said)
    worst = max(((_excess(evidence, name), name) for name in enough), default=None)
    if worst is None or worst[0] <= max_increase:
        return OK
    name = worst[1]
    return Finding(
        "Harm",
        "Skew",
        f"{name} has PSI {_psi(evidence, name, True):.2f} against its own reference, "
        f"stable has {_psi(evidence, name, False):.2f} against its own on the same requests ({rows[name]} rows)",
    )


def _excess(evidence: Evidence, name: str) -> float:
    return _psi(evidence, name, True) - _psi(evidence, name, False)


def _psi(evidence: Evidence, name: str, candidate: bool) -> float:
    signal = (evidence.candidate if candidate else evidence.stable).signals[name]
    return psi(signal.reference, signal.counts)
