"""What Kubernetes wrote down of pods and Jobs, in whole seconds, and where the time between went."""

from datetime import datetime
from itertools import pairwise
from typing import Any

Moments = dict[str, float]
"""Unix time by what happened."""


def at(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()


def statuses(pod: dict[str, Any]) -> list[dict[str, Any]]:
    """Of all containers, in their order."""
    found: list[dict[str, Any]] = pod["status"].get("initContainerStatuses", []) + pod["status"]["containerStatuses"]
    return found


def spans(moments: Moments, whole: str) -> dict[str, float]:
    """Seconds from each to the next and, by the name `whole`, from the first to the last."""
    found = {f"{a} → {b}": round(after - before, 1) for (a, before), (b, after) in pairwise(moments.items())}
    first, *_, last = moments.values()
    return {**found, whole: round(last - first, 1)}
