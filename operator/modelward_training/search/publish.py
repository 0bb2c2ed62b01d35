"""What the publish step of a trial measures: the validation rows alone. Labels of test rows are not fetched."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelward_contracts.inputs import trial_key
from modelward_contracts.reports import SearchResult, TrialReport
from modelward_contracts.search import Constraint, Search
from modelward_contracts.store import Store
from modelward_contracts.tasks import SUGGESTION_FILE, Commit, TrainTask
from modelward_contracts.wire import decode
from modelward_training.outcome import Done, JobError, report
from modelward_training.paths import Paths

from .fetch import MODEL_FILE, PREDICTIONS_FILE, in_words


@dataclass(frozen=True)
class Output:
    """Digests of what `train` wrote, as it wrote it."""

    model: str
    predictions: str


def keep(store: Store, folder: Path) -> Output:
    """Before it is examined, which changes it."""
    return Output(store.put_file(folder / MODEL_FILE).digest, store.put_file(folder / PREDICTIONS_FILE).digest)


def trial(
    task: TrainTask,
    store: Store,
    paths: Paths,
    commit: Commit | None,
    output: Output,
    metrics: dict[str, float],
    costs: dict[str, float],
) -> Done:
    """`metrics`: of the validation rows. The first record of a trial counts, whoever writes another."""
    assert task.search
    assert task.trial
    found = TrialReport(
        trial=task.trial,
        parameters=decode((paths.handoff / SUGGESTION_FILE).read_bytes(), dict[str, Any]),
        value=_measured(task.search.objective.metric, metrics, "objective"),
        excess=dict(_excesses(task.search, metrics | costs)),
        metrics=metrics | costs,
        model=output.model,
        predictions=output.predictions,
    )
    told = _remember(store, trial_key(task, task.trial, commit), found)
    broken = "".join(f"; not {name}" for name, excess in told.excess.items() if excess > 0)
    value = f"{task.search.objective.metric} {told.value:.4g} on the validation rows"
    return report(store, told, "Measured", f"{value} with {in_words(told.parameters)}{broken}")


def _measured(metric: str, found: dict[str, float], what: str) -> float:
    value = found.get(metric, math.nan)
    if not math.isfinite(value):
        raise JobError(
            "NotMeasured",
            f"{metric}, the search's {what}, cannot be measured on the validation rows: auc, log_loss, brier and "
            "calibration_error need probabilities, and auc rows of each class",
        )
    return value


def _excesses(search: Search, found: dict[str, float]) -> Iterator[tuple[str, float]]:
    for constraint in search.constraints:
        value = _measured(constraint.metric, found, "constraint")
        yield from _beyond(constraint, value)


def _beyond(constraint: Constraint, value: float) -> Iterator[tuple[str, float]]:
    if constraint.minimum is not None:
        yield f"{constraint.metric} >= {constraint.minimum:g}", constraint.minimum - value
    if constraint.maximum is not None:
        yield f"{constraint.metric} <= {constraint.maximum:g}", value - constraint.maximum


def _remember(store: Store, key: str, found: TrialReport) -> TrialReport:
    kept = [found]

    def unless_known(known: TrialReport | None) -> TrialReport | None:
        kept[:] = [known or found]
        return None if known else found

    store.update_record(key, TrialReport, unless_known)
    return kept[0]


def result(task: TrainTask, store: Store, commit: Commit | None) -> SearchResult | None:
    """What the model of a search's last Job has won."""
    if not task.search or not task.winner:
        return None
    found = store.read_record(trial_key(task, task.winner.trial, commit), TrialReport)
    assert found, "fetch has read it"
    return SearchResult(
        algorithm=task.search.algorithm,
        metric=task.search.objective.metric,
        value=found.value,
        trial=found.trial,
        trials=task.winner.trials,
        failed=task.winner.failed,
        parameters=found.parameters,
    )
