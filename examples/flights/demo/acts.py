"""The versions that the demo makes, one after the other, and what is expected of each."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Act:
    """One version. `causes`: reasons for which it may be rolled back; empty: it must be promoted."""

    manifest: str
    """Whose applying makes it; empty: it is made by itself."""
    what: str
    causes: frozenset[str] = frozenset()


FIRST: Final = Act("trainingrun-a.yaml", "gradient boosting, cautious")
GOOD: Final = Act("registeredmodel.yaml", "gradient boosting, tuned")
RETRAINED: Final = Act("", "the same, trained by itself on seven months")
FAULTS: Final = {
    "errors": Act(
        "trainingrun-errors.yaml",
        "has no bucket for flight numbers that it never saw",
        frozenset({"Errors"}),
    ),
    "slow": Act("trainingrun-slow.yaml", "a forest of 2,000 trees", frozenset({"Latency"})),
    "skew": Act("trainingrun-skew.yaml", "trained in km and °C, asked in miles and °F", frozenset({"Skew"})),
}


def acts(fault: str) -> list[Act]:
    """After the first version: the harmful ones, then the good one."""
    return [*(FAULTS.values() if fault == "all" else [FAULTS[fault]]), GOOD]
