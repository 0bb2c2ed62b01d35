"""RegisteredModel: why should it be trained again? → one run at a time, made from its definition; what became of it.

A run is written to the status before it is made, under a name that follows from its cause and from the run before it:
a crash makes no second one. A RegisteredModel that is applied anew finds its past in the runs and versions that carry
its label. What a person asks for is held by nothing but `suspend`; what starts by itself waits for the cool-down and
the budget, and a newer cause takes its place.

Reasons of Ready (API): DatasetNotFound, DatasetNotReady, ScriptNotFound, InvalidSchedule, UnknownTimeZone, Suspended,
Training, RunSuspended, CoolingDown, OverBudget, UpToDate, and those that a TrainingRun failed by.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from modelward.api import Dataset, DatasetVersion, ModelDeployment, ModelVersion, RegisteredModel, TrainingRun
from modelward.api.common import ConditionStatus
from modelward.api.dataset import Ticks
from modelward.api.registered_model import HISTORY, RegisteredModelStatus, RunRecord, Serving, Waiting
from modelward.api.training_run import Cause
from modelward.build.training_run import training_run
from modelward.decide import pin
from modelward.decide.causes import BY_PEOPLE, Past, definition, due, next_ticks, requested, too_old_at, what_of
from modelward.decide.conditions import NEVER, timestamp
from modelward.decide.durations import seconds
from modelward.decide.jobs import Said, with_ready
from modelward.decide.plan import Event, Plan
from modelward.decide.retention import superfluous
from modelward.decide.run_ended import result_of
from modelward.decide.script import NOT_FOUND as SCRIPT_NOT_FOUND
from modelward.decide.script import digest_in
from modelward.errors import Refused, Wait
from modelward.names import DEFINITION, Manifest, child_name, short_hash
from modelward.settings import Settings

DAY = timedelta(days=1)
TRAINED = ("Registered", "AlreadyTrained")
"""Results of runs that left a version which may serve."""
SCRIPT_SECONDS = 60.0
SERVED = 100


@dataclass(frozen=True)
class RegisteredModelObserved:
    model: RegisteredModel
    raw: Manifest
    dataset: Dataset | None = None
    data: DatasetVersion | None = None
    """Its newest valid version."""
    runs: tuple[TrainingRun, ...] = ()
    """That this RegisteredModel made, also before it was applied anew."""
    versions: tuple[ModelVersion, ...] = ()
    """Of the model, whoever trained them."""
    deployments: tuple[ModelDeployment, ...] = ()
    """Of the model."""
    script: Manifest | None = None
    """The ConfigMap of `spec.run.script`."""

    @property
    def status(self) -> RegisteredModelStatus:
        return self.model.status


@dataclass(frozen=True)
class Look:
    """At one moment: what was observed, with the past brought up to date."""

    o: RegisteredModelObserved
    now: datetime
    history: tuple[RunRecord, ...]
    events: tuple[Event, ...]
    """Of runs that ended."""
    ticks: Ticks | None = None
    script: str | None = None
    """Digest of the ConfigMap's text."""

    @property
    def defined(self) -> str:
        return definition(self.o.model, self.script)

    @property
    def last(self) -> RunRecord | None:
        return self.history[-1] if self.history else None


def decide(o: RegisteredModelObserved, _: Settings, now: datetime) -> Plan:
    plan, script = _decide(o, now), o.model.spec.run.script
    if script is None or script.config_map is None:
        return plan
    # ConfigMaps are not watched.
    return replace(plan, requeue_after=min(plan.requeue_after or SCRIPT_SECONDS, SCRIPT_SECONDS))


def _decide(o: RegisteredModelObserved, now: datetime) -> Plan:
    script, missing = _script(o)
    look = _followed(_with_past(o), script, now)
    try:
        if missing:
            raise Wait(SCRIPT_NOT_FOUND, missing)
        data = _data(o)
        past = Past(look.o.model, data, look.history, o.versions, o.deployments, script)
        look = replace(look, ticks=next_ticks(look.o.model, look.last, past.fresh, now))
    except Wait as wait:
        if look.last and not look.last.ended:
            return _under_way(replace(look, ticks=o.status.ticks), look.last, None)
        return _rest(replace(look, ticks=o.status.ticks), ("Unknown", wait.reason, str(wait)))
    except Refused as refused:
        return _rest(look, ("False", refused.reason, str(refused)))
    cause = next(_kept(due(past, look.ticks, now), o.status.waiting), None)
    if look.last and not look.last.ended:
        return _under_way(look, look.last, cause)
    if cause is None:
        return replace(_rest(look, _standing(look)), requeue_after=_next(past, look))
    waiting = _held(look, cause)
    return _hold(look, waiting) if waiting else _start(look, past, cause)


def _with_past(o: RegisteredModelObserved) -> RegisteredModelObserved:
    """At first sight: what earlier runs and versions tell. What was asked for before then is not asked for now."""
    if o.status.history:
        return o
    found = [_remembered(run) for run in sorted(o.runs, key=lambda run: run.metadata.creation_timestamp or "")]
    found = found or [_of_version(v) for v in o.versions if DEFINITION in v.metadata.labels][-1:]
    if not found:
        return o
    status = o.status.model_copy(update={"history": found[-HISTORY:], "request": requested(o.model)})
    return replace(o, model=o.model.model_copy(update={"status": status}))


def _remembered(run: TrainingRun) -> RunRecord:
    created = run.metadata.creation_timestamp or NEVER
    return RunRecord(
        run=run.metadata.name,
        cause=run.spec.cause or Cause(type="Definition", message="made earlier", time=created),
        definition=run.metadata.labels.get(DEFINITION, "-"),
        dataset_version=run.spec.dataset_ref.version or "",
        started=created,
        made=True,
    )


def _of_version(version: ModelVersion) -> RunRecord:
    created, lineage = version.metadata.creation_timestamp or NEVER, version.spec.lineage
    return RunRecord(
        run=lineage.training_run,
        cause=lineage.cause or Cause(type="Definition", message="made earlier", time=created),
        definition=version.metadata.labels[DEFINITION],
        dataset_version=lineage.dataset_version,
        started=created,
        made=True,
        ended=created,
        result="Registered",
        model_version=version.metadata.name,
    )


def _followed(o: RegisteredModelObserved, script: str | None, now: datetime) -> Look:
    """What became of the run that was under way."""
    history, runs = o.status.history, {run.metadata.name: run for run in o.runs}
    look = Look(o, now, (), (), script=script)
    after = [r if r.ended else _after(r, runs.get(r.run), look.defined, now) for r in history]
    ended = [new for old, new in zip(history, after, strict=True) if new.ended and not old.ended]
    return replace(look, history=tuple(after), events=tuple(map(_ended, ended)))


def _ended(record: RunRecord) -> Event:
    if record.result in TRAINED:
        how = "is registered" if record.result == "Registered" else "has the same inputs"
        return Event("Normal", "RunEnded", f"{record.run}: {record.model_version} {how}")
    return Event("Warning", "RunEnded", f"{record.run} ended with {record.result}")


def _after(record: RunRecord, run: TrainingRun | None, now_defined: str, now: datetime) -> RunRecord:
    if run is None:
        if not record.made and record.definition == now_defined:
            return record  # It is made, or made again, as it was meant.
        result = "Deleted" if record.made else "Replaced"
        return record.model_copy(update={"ended": timestamp(now), "result": result})
    if not run.status.is_over:
        return record.model_copy(update={"made": True})
    ended = run.status.completion_time or timestamp(now)
    _, result, _ = result_of(run.status)
    return record.model_copy(
        update={"made": True, "ended": ended, "result": result, "model_version": run.status.model_version}
    )


def _data(o: RegisteredModelObserved) -> DatasetVersion:
    """Raises Wait."""
    newest = pin.latest(o.model.spec.run.dataset_ref.name, o.dataset)
    if o.data is None or o.data.metadata.name != newest:
        raise Wait("DatasetNotReady", f"DatasetVersion {newest} is not there yet")
    return o.data


def _script(o: RegisteredModelObserved) -> tuple[str | None, str]:
    """Digest of the ConfigMap's text, and why there is none."""
    try:
        return digest_in(o.model.spec.run.script, o.script), ""
    except LookupError as missing:
        return None, str(missing)


def _kept(causes: Iterable[Cause], waiting: Waiting | None) -> Iterator[Cause]:
    """One that waits already arose when it was first seen."""
    for cause in causes:
        before = waiting.cause if waiting else None
        same = before and (before.type, before.message) == (cause.type, cause.message)
        yield before if before and same else cause


def _held(look: Look, cause: Cause) -> Waiting | None:
    spec = look.o.model.spec
    if spec.suspend:
        return Waiting(cause=cause, reason="Suspended")
    if cause.type in BY_PEOPLE or look.last is None or look.last.ended is None:
        return None
    if spec.cool_down:
        until = datetime.fromisoformat(look.last.ended) + timedelta(seconds=seconds(spec.cool_down))
        if until > look.now:
            return Waiting(cause=cause, reason="CoolingDown", until=timestamp(until))
    if spec.budget:
        starts = sorted(datetime.fromisoformat(record.started) for record in look.history)
        recent = [start for start in starts if start > look.now - DAY]
        if len(recent) >= spec.budget.runs_per_day:
            free = recent[-spec.budget.runs_per_day] + DAY
            return Waiting(cause=cause, reason="OverBudget", until=timestamp(free))
    return None


def _start(look: Look, past: Past, cause: Cause) -> Plan:
    """Whatever else is due is answered by this run as well: it takes the definition and the data as they are."""
    model, data = look.o.model, past.data
    defined, before = look.defined, look.last.run if look.last else ""
    name = short_hash(cause.type, defined, data.metadata.name, before, length=8)
    record = RunRecord(
        run=child_name(model.metadata.name, name, TrainingRun.NAME_LIMIT),
        cause=cause,
        definition=defined,
        dataset_version=data.metadata.name,
        rows=data.spec.rows,
        started=timestamp(look.now),
    )
    message = f"{record.run} trains on {record.dataset_version}: {cause.message}"
    look = replace(
        look,
        history=(*look.history, record)[-HISTORY:],
        events=(*look.events, Event("Normal", "RunStarted", message[:1024])),
    )
    return Plan(
        status=_status(look, _training(look, record), run=record.run, request=requested(model)),
        memory=True,
        creates=(training_run(model, look.o.raw, record),),
        events=look.events,
    )


def _under_way(look: Look, record: RunRecord, cause: Cause | None) -> Plan:
    waiting = Waiting(cause=cause, reason="Running") if cause else None
    return Plan(
        status=_status(look, _training(look, record), run=record.run, waiting=waiting),
        creates=() if record.made else (training_run(look.o.model, look.o.raw, record),),
        events=look.events,
    )


def _hold(look: Look, waiting: Waiting) -> Plan:
    told = f"{waiting.cause.message}: " + (f"not before {waiting.until}" if waiting.until else "spec.suspend is true")
    status, reason, message = _standing(look)
    # What went wrong matters more than what comes next.
    said: Said = (status, reason, f"{message}; next: {told}")
    if status != "False":
        said = (status, waiting.reason, f"{told}; {message}" if message else told)
    until = (datetime.fromisoformat(waiting.until) - look.now).total_seconds() if waiting.until else None
    return replace(_rest(look, said, waiting), requeue_after=until)


def _rest(look: Look, said: Said, waiting: Waiting | None = None) -> Plan:
    o = look.o
    return Plan(
        status=_status(look, said, waiting=waiting),
        deletes=superfluous(o.model.spec.retention, o.runs, o.versions, o.deployments),
        events=look.events,
    )


def _next(past: Past, look: Look) -> float | None:
    """Seconds until a time of which no watch tells."""
    tick = datetime.fromisoformat(look.ticks.next) if look.ticks and look.ticks.next else None
    coming = [moment for moment in (tick, too_old_at(past)) if moment and moment > look.now]
    return (min(coming) - look.now).total_seconds() if coming else None


def _training(look: Look, record: RunRecord) -> Said:
    """A model that was trained in this way before stays Ready while it is trained again."""
    what = what_of(record.definition)
    known = any(r.result in TRAINED and what_of(r.definition) == what for r in look.history)
    ready: ConditionStatus = "True" if known else "Unknown"
    if any(run.metadata.name == record.run and run.spec.suspend for run in look.o.runs):
        return ready, "RunSuspended", f"{record.run} is suspended: no other run starts until it is resumed or deleted"
    return ready, "Training", f"{record.run} trains: {record.cause.message}"


def _standing(look: Look) -> Said:
    """What came of the last run."""
    last, o = look.last, look.o
    if last is None or last.result is None:
        return "Unknown", "Pending", ""
    if last.result in TRAINED:
        return "True", "UpToDate", f"{last.model_version} was trained on {last.dataset_version}: {last.cause.message}"
    run = next((run for run in o.runs if run.metadata.name == last.run), None)
    kept, told = _latest(o.versions), result_of(run.status)[2] if run and run.status.is_over else ""
    why = f": {told}" if told else ""
    stays = f"; {kept} stays the latest" if kept else ""
    return "False", last.result, f"{last.run} ({last.cause.message}) ended with {last.result}{why}{stays}"


def _latest(versions: Iterable[ModelVersion]) -> str | None:
    good = [v for v in versions if (c := v.status.condition("Verified")) is None or c.status != "False"]
    return max(good, key=lambda v: v.spec.version).metadata.name if good else None


def _status(
    look: Look, said: Said, run: str | None = None, waiting: Waiting | None = None, request: str | None = None
) -> RegisteredModelStatus:
    """`request`: that this run answers."""
    o = look.o
    serving = [
        Serving(deployment=d.metadata.name, version=d.status.stable.model_version)
        for d in sorted(o.deployments, key=lambda d: d.metadata.name)
        if d.status.stable
    ]
    status = o.status.model_copy(
        update={
            "latest_version": _latest(o.versions),
            "serving": serving[:SERVED],
            "run": run,
            "waiting": waiting,
            "request": request or o.status.request,
            "ticks": look.ticks,
            "history": list(look.history),
        }
    )
    return status.model_copy(update=with_ready(status, said, o.model.metadata.generation, look.now))
