"""How a run is over: Complete, with a version, with numbers alone or compared; and what becomes of it then."""

from datetime import datetime

from modelward.api import GROUP, VERSION, ModelVersion, TrainingRun
from modelward.api.training_run import Reproduction, TrainingRunStatus
from modelward.decide.conditions import set_condition, timestamp
from modelward.decide.jobs import Said, with_ready
from modelward.decide.model_version import verified
from modelward.decide.observed import parse_time
from modelward.decide.plan import Event, Plan, Ref
from modelward.decide.reproduce import in_words
from modelward.decide.run import RunObserved, with_tasks
from modelward.names import RUN_UID
from modelward_contracts.metrics import MAIN
from modelward_contracts.reports import PublishReport

NOTED_SOON = 2.0


def completed(o: RunObserved, version: ModelVersion, now: datetime, **more: object) -> Plan:
    name, generation = version.metadata.name, o.run.metadata.generation
    passed, why, numbers = verified(version)
    complete = _trained(o, version)
    event = Event("Normal", complete[1], complete[2])
    if passed == "False":
        event = Event("Warning", why, f"{name} is registered, and is not Verified: {numbers}")
    conditions = set_condition(o.status.conditions, "Complete", *complete, generation, now)
    conditions = set_condition(conditions, "Verified", passed, why, numbers, generation, now)
    found = {"metrics": version.spec.metrics, "gates": version.spec.gates, "script": version.spec.lineage.script}
    update = {"conditions": conditions, "model_version": name, **found, "progress": None}
    return _ended(o, o.status.model_copy(update=update | more), event, now)


def _trained(o: RunObserved, version: ModelVersion) -> Said:
    name, by, measured = version.metadata.name, version.spec.lineage.training_run, _measured(version)
    if version.metadata.labels.get(RUN_UID) == o.run.metadata.uid:
        return "True", "Registered", f"{name} is registered{measured}"
    if by == o.run.metadata.name:
        by = f"a run {by} before this one"
    done, again = ("imported", "imports") if o.run.spec.import_ else ("trained", "trains")
    told = f"{name} was {done} by {by} from the same inputs{measured}"
    return "True", "AlreadyTrained", f"{told}; a run with spec.retrain true {again} it again"


def sampled(o: RunObserved, report: PublishReport, rows: int, now: datetime) -> Plan:
    """A dry run that went well. Gates are told, and judge nothing: so few rows prove nothing."""
    shown = next((f"; {name} {report.metrics[name]:.4g} there" for name in MAIN if name in report.metrics), "")
    missed = ", ".join(f"{gate.metric} {gate.bound}" for gate in report.gates if not gate.passed)
    told = f"all steps ran on at most {rows} rows of each split, and nothing is registered{shown}"
    complete: Said = ("True", "Sampled", told + (f"; gates that these rows miss: {missed}" if missed else ""))
    conditions = set_condition(o.status.conditions, "Complete", *complete, o.run.metadata.generation, now)
    update = {"conditions": conditions, "metrics": report.metrics, "sample": rows, "progress": None}
    return _ended(o, o.status.model_copy(update=update), Event("Normal", "Sampled", complete[2]), now)


def reproduced(o: RunObserved, found: Reproduction, report: PublishReport, now: datetime) -> Plan:
    generation, reason, told = o.run.metadata.generation, "Identical" if found.identical else "Differs", in_words(found)
    said: Said = ("True" if found.identical else "False", reason, told)
    conditions = set_condition(o.status.conditions, "Complete", "True", reason, told, generation, now)
    conditions = set_condition(conditions, "Reproduced", *said, generation, now)
    update = {"conditions": conditions, "metrics": report.metrics, "reproduction": found, "progress": None}
    event = Event("Normal" if found.identical else "Warning", reason, told)
    return _ended(o, o.status.model_copy(update=update), event, now)


def _ended(o: RunObserved, status: TrainingRunStatus, event: Event, now: datetime) -> Plan:
    """Complete. The checkpoint goes, and a Job that only found its result, which looks as if it had failed."""
    found = o.job if o.job and o.job.stored else None
    seen = {"engine": o.engine.status or status.engine, "completion_time": status.completion_time or timestamp(now)}
    status = status.model_copy(update=seen)
    return Plan(
        status=_with_result(status, o.run.metadata.generation, now),
        deletes=(*with_tasks(found), *((o.checkpoint,) if o.checkpoint else ())),
        events=() if o.status.is_true("Complete") else (event,),
    )


def over(o: RunObserved, now: datetime) -> Plan:
    """Nothing is done any more; Ready follows from how it ended, whatever was written there."""
    if o.models:
        return completed(o, o.models[0], now)
    left, metadata = _left_to_live(o.run, now), o.run.metadata
    if left is not None and left <= 0 and o.noted:
        return Plan(deletes=(Ref(f"{GROUP}/{VERSION}", "TrainingRun", metadata.name, metadata.uid),))
    again = NOTED_SOON if left is not None and left <= 0 else left
    return Plan(status=_with_result(o.status, metadata.generation, now), requeue_after=again)


def _left_to_live(run: TrainingRun, now: datetime) -> float | None:
    """Seconds."""
    limit, ended = run.spec.ttl_seconds_after_finished, run.status.completion_time
    return None if limit is None or ended is None else limit - (now - parse_time(ended)).total_seconds()


def _with_result(status: TrainingRunStatus, generation: int, now: datetime) -> TrainingRunStatus:
    return status.model_copy(update=with_ready(status, result_of(status), generation, now))


def result_of(status: TrainingRunStatus) -> Said:
    """What Ready says of a run that is over, unless an operator that could not look at it wrote over that. Ready is
    true where the run leaves a version that may serve, or has found one again."""
    ended = {type_: status.condition(type_) for type_ in ("Failed", "Verified", "Reproduced", "Complete")}
    failed, measured, complete = ended["Failed"], ended["Verified"], ended["Complete"]
    reproduced = ended["Reproduced"]
    if failed and failed.status == "True":
        return "False", failed.reason, failed.message
    if reproduced and reproduced.status == "False":
        return "False", reproduced.reason, reproduced.message
    if measured and measured.status == "False":
        told = f"{status.model_version} is registered, and is not served: {measured.message}"
        return "False", measured.reason, told
    assert complete is not None
    return "True", complete.reason, complete.message


def _measured(model: ModelVersion) -> str:
    shown = next((metric for metric in MAIN if metric in model.spec.metrics), None)
    return f": {shown} {model.spec.metrics[shown]:.4g} on the test rows" if shown else ""
