"""What decides the result of a training, as one digest: two runs with the same one are not both trained."""

from typing import Any

from msgspec import UNSET, UnsetType

from .tasks import Commit, TrainTask
from .wire import Wire, digest_of


class StoredRun(Wire, frozen=True, kw_only=True):
    """The record at `verdicts.run_key`: the result of the last run with these inputs."""

    manifest: str
    report: str
    """Digests."""
    run: str | UnsetType = UNSET
    """The TrainingRun's name; older records have none."""


def inputs_hash(task: TrainTask, commit: Commit | None = None) -> str:
    """`commit`: of a script out of git, wherever its repository is; of an imported model, its digest,
    and whether MLflow tells its columns.

    What not every run has is left out: a new field must change no hash that there is. What is measured of a model is
    no input of its training, but a stored result has only what was asked for then."""
    later: dict[str, Any] = {
        "tests": task.tests,
        "sample": task.sample,
        "evaluation": task.evaluation,
        "script": task.script,
        "search": task.search,
        "engine": task.engine,
    }
    if task.imported:
        later["imported"] = {"digest": task.imported.digest, "mlflow": task.imported.mlflow}
    if task.git and commit:
        later["git"] = {"commit": commit.commit, "path": task.git.path}
    return digest_of(
        {
            "model": task.model_name,
            "dataset": task.dataset,
            "estimator": task.estimator,
            "image": task.image,
            "command": task.command,
            "environment": task.environment,
            "parameters": task.parameters,
            "seed": task.seed,
        }
        | {name: value for name, value in later.items() if value is not UNSET}
    )


def trial_key(task: TrainTask, number: int, commit: Commit | None = None) -> str:
    """Where a trial's record lies: runs with the same inputs share them, unless one is to do all of it anew."""
    of, anew = inputs_hash(task, commit).removeprefix("sha256:"), task.retrain is True or task.sample is not UNSET
    return f"runs/{of}/{f'trials-{task.run_uid}' if anew else 'trials'}/{number}.json"
