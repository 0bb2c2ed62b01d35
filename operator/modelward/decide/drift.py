"""Drift of the version in service against its reference: something to know, never a reason to roll back."""

from modelward.decide.judge.evidence import Window
from modelward_contracts.psi import psi

MINIMUM_ROWS = 1000
THRESHOLD = 0.2


def drifted(window: Window) -> tuple[bool, str] | None:
    """Whether it drifted, with the numbers; None while the window is too small to tell."""
    signals = {name: s for name, s in window.signals.items() if sum(s.counts) >= MINIMUM_ROWS}
    if not signals:
        return None
    ranked = sorted(((psi(s.reference, s.counts), name) for name, s in signals.items()), reverse=True)
    rows = max(sum(s.counts) for s in signals.values())
    moved = [f"{name} {value:.2f}" for value, name in ranked if value > THRESHOLD]
    if not moved:
        return False, f"largest PSI {ranked[0][0]:.2f} ({ranked[0][1]}) over {rows} rows, threshold {THRESHOLD}"
    more = f" and {len(moved) - 5} more" if len(moved) > 5 else ""
    return True, f"PSI over {THRESHOLD} against the reference in {rows} rows: {', '.join(moved[:5])}{more}"
