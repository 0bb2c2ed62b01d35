"""What the store remembers of a deployment, so that it outlives the cluster.

verdicts/<deployment>/<revision>.json   why a revision was rolled back
served/<deployment>.json                the revision in service
"""

from typing import Any

from .wire import Wire


class StoredVerdict(Wire, frozen=True, kw_only=True):
    deployment: str
    revision: str
    retry: int
    """The deployment's `rollout.retry` at the time; only a larger one serves this revision again."""
    reason: str
    message: str
    model: str
    decided: str


class StoredService(Wire, frozen=True, kw_only=True):
    revision: str
    since: str
    """RFC 3339"""
    serving: dict[str, Any]
    """All that is needed to run the revision again, as the ModelDeployment's status has it."""


def verdict_key(deployment: str, revision: str) -> str:
    return f"verdicts/{deployment}/{revision}.json"


def served_key(deployment: str) -> str:
    return f"served/{deployment}.json"


def run_key(inputs_hash: str) -> str:
    """Where the result of a training with these inputs lies: {"manifest": digest, "report": digest}."""
    return f"runs/{inputs_hash.removeprefix('sha256:')}.json"
