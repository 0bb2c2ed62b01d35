"""Has a run with the same inputs left a version already? Then nothing is trained, and no number taken.

A RegisteredModel goes on: where it came back to inputs of before and another version has become the newest since, the
old result gets the next number, so that `version: Latest` means what is defined now.
"""

from collections.abc import Iterable, Sequence

from modelward.api import ModelVersion, TrainingRun
from modelward.api.evaluation import GateSpec
from modelward_contracts.inputs import inputs_hash
from modelward_contracts.reports import PublishReport
from modelward_contracts.tasks import TrainTask

_LIMITS = {"metric", "minimum", "maximum"}


def trained_already(run: TrainingRun, task: TrainTask, versions: Iterable[ModelVersion]) -> ModelVersion | None:
    """By what the run says. `versions`: all of the namespace."""
    bounds = _bounds(run.spec.gates)
    if task.retrain is True or run.spec.sample or bounds is None or task.git:
        return None  # what a revision of git means, only a fetch can tell
    inputs = inputs_hash(task)
    of_model = _of_model(run, versions)
    same = [
        v
        for v in of_model
        if v.spec.lineage.inputs_hash == inputs and [(gate.metric, gate.bound) for gate in v.spec.gates] == bounds
    ]
    return _usable(run, of_model, same)


def registered_already(
    run: TrainingRun, report: PublishReport, versions: Iterable[ModelVersion]
) -> ModelVersion | None:
    """By a report that the store held."""
    of_model = _of_model(run, versions)
    gates = [(gate.metric, gate.bound, gate.passed) for gate in report.gates]
    same = [
        v
        for v in of_model
        if (v.spec.digest, v.spec.lineage.inputs_hash) == (report.manifest, report.inputs_hash)
        and [(gate.metric, gate.bound, gate.passed) for gate in v.spec.gates] == gates
    ]
    return _usable(run, of_model, same)


def _of_model(run: TrainingRun, versions: Iterable[ModelVersion]) -> list[ModelVersion]:
    return [v for v in versions if v.spec.model_name == run.spec.model_name and not v.metadata.deletion_timestamp]


def _usable(run: TrainingRun, of_model: Sequence[ModelVersion], same: Sequence[ModelVersion]) -> ModelVersion | None:
    found = max(same, key=_number, default=None)
    return None if run.spec.cause and found is not max(of_model, key=_number, default=None) else found


def _number(version: ModelVersion) -> int:
    return version.spec.version


def _bounds(gates: Iterable[GateSpec]) -> list[tuple[str, str]] | None:
    """As publish writes limits. None: there is a gate that says more, of which only the stored report can tell."""
    found: list[tuple[str, str]] = []
    for gate in gates:
        if gate.model_fields_set - _LIMITS:
            return None
        found += [(gate.metric, f">= {gate.minimum:g}")] if gate.minimum is not None else []
        found += [(gate.metric, f"<= {gate.maximum:g}")] if gate.maximum is not None else []
    return found
