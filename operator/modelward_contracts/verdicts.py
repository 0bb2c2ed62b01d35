"""A rollback verdict as it lies in the store: `verdicts/<deployment>/<revision>.json`."""

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


def verdict_key(deployment: str, revision: str) -> str:
    return f"verdicts/{deployment}/{revision}.json"


def run_key(inputs_hash: str) -> str:
    """Where the result of a training with these inputs lies: {"manifest": digest, "report": digest}."""
    return f"runs/{inputs_hash.removeprefix('sha256:')}.json"
