"""Why a RegisteredModel should train again.

A person's causes come first: they asked, or changed how it is trained. The others are worth a run only where there is
data that was not trained on in this way: the same inputs give the same model. What is due is computed from what there
is, so nothing is lost while the operator is away, and a newer cause takes the place of one that waits.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from modelward.api import DatasetVersion, ModelDeployment, ModelVersion, RegisteredModel
from modelward.api.dataset import Ticks
from modelward.api.registered_model import RunRecord
from modelward.api.training_run import Cause
from modelward.decide.conditions import timestamp
from modelward.decide.durations import seconds
from modelward.decide.ticks import scheduled
from modelward.names import REQUESTED_AT, REQUESTED_BY, short_hash
from modelward_contracts.wire import canonical

BY_PEOPLE = ("Request", "Definition")
_HOW = {"resources", "step_resources", "pod", "active_deadline_seconds", "backoff_limit", "checkpoint", "retrain"}
"""Of `spec.run`: how a run runs, and not what comes of it."""
_AFTER = {"ttl_seconds_after_finished"}
"""What becomes of a run that is over."""


@dataclass(frozen=True)
class Past:
    """What there was, and what there is to train on."""

    model: RegisteredModel
    data: DatasetVersion
    """The newest valid one."""
    history: tuple[RunRecord, ...] = ()
    versions: tuple[ModelVersion, ...] = ()
    """Of the model."""
    deployments: tuple[ModelDeployment, ...] = ()
    """Of the model."""
    script: str | None = None
    """Digest of the ConfigMap's text that is run."""

    @property
    def last(self) -> RunRecord | None:
        return self.history[-1] if self.history else None

    @property
    def tried(self) -> list[RunRecord]:
        """Runs on this data, as the model is defined."""
        what, version = what_of(definition(self.model, self.script)), self.data.metadata.name
        return [r for r in self.history if what_of(r.definition) == what and r.dataset_version == version]

    @property
    def fresh(self) -> bool:
        """No such run came, or may still come, to a version."""
        return not any(record.model_version or not record.ended for record in self.tried)


def definition(model: RegisteredModel, script: str | None = None) -> str:
    """What is trained, and how it runs, each as a hash. Defaults are left out, so that a new field changes nobody's.
    `script`: digest of a ConfigMap's text, which is as much of the definition as its name."""
    run = model.spec.run
    what = run.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=_HOW | _AFTER)
    how = run.model_dump(mode="json", by_alias=True, exclude_defaults=True, include=_HOW)
    parts = [canonical(what).decode(), *([script] if script else [])], [canonical(how).decode()]
    return "-".join(short_hash(*part, length=7) for part in parts)


def what_of(definition: str) -> str:
    """What is trained, however it runs."""
    return definition.split("-")[0]


def due(past: Past, ticks: Ticks | None, now: datetime) -> Iterator[Cause]:
    """The weightiest first."""
    for cause in (_request(past, now), _definition(past, now)):
        if cause:
            yield cause
    if past.fresh and past.last:
        for cause in (_new_data(past, past.last), _tick(ticks, now), _drift(past, past.last), _age(past, now)):
            if cause:
                yield cause


def _request(past: Past, now: datetime) -> Cause | None:
    asked, by = requested(past.model), past.model.metadata.annotations.get(REQUESTED_BY)
    if asked is None or asked == past.model.status.request:
        return None
    message = f"{by or 'somebody'} asked for it ({asked})"
    return Cause(type="Request", message=message, time=timestamp(now), requested_by=by[:256] if by else None)


def requested(model: RegisteredModel) -> str | None:
    asked = model.metadata.annotations.get(REQUESTED_AT)
    return asked[:256] if asked else None


def _definition(past: Past, now: datetime) -> Cause | None:
    last = past.last
    if last is None:
        message = "the model is new"
    else:
        what, how = definition(past.model, past.script).split("-")
        if what_of(last.definition) != what:
            message = "spec.run or its script was changed" if past.script else "spec.run was changed"
        elif last.model_version is None and last.definition.split("-")[1] != how:
            message = f"{last.run} failed ({last.result}), and how it runs was changed"
        else:
            return None
    return Cause(type="Definition", message=message, time=timestamp(now))


def _new_data(past: Past, last: RunRecord) -> Cause | None:
    wanted = past.model.spec.triggers.new_data
    if wanted is None or past.tried:
        return None
    name, rows = past.data.metadata.name, past.data.spec.rows
    more = rows - last.rows if last.rows is not None else None
    if wanted.minimum_new_rows and more is not None and more < wanted.minimum_new_rows:
        return None
    message = f"{more} rows more in {name}" if more and more > 0 else f"new data: {name} with {rows} rows"
    return Cause(type="NewData", message=message, time=past.data.metadata.creation_timestamp or last.started)


def _tick(ticks: Ticks | None, now: datetime) -> Cause | None:
    if ticks is None or ticks.next is None or datetime.fromisoformat(ticks.next) > now:
        return None
    return Cause(type="Schedule", message=f"scheduled for {ticks.next} ({ticks.of})", time=ticks.next)


def _drift(past: Past, last: RunRecord) -> Cause | None:
    if past.model.spec.triggers.drift is None:
        return None
    for deployment in past.deployments:
        drifted = deployment.status.condition("Drifted")
        since = drifted.last_transition_time if drifted and drifted.status == "True" else None
        if drifted and since and since > last.started:
            message = f"{deployment.metadata.name} drifted: {drifted.message}"
            return Cause(type="Drift", message=message[:512], time=since)
    return None


def _age(past: Past, now: datetime) -> Cause | None:
    at = too_old_at(past)
    if at is None or at > now:
        return None
    limit = past.model.spec.triggers.max_age
    return Cause(type="Age", message=f"what serves is older than {limit}", time=timestamp(at))


def too_old_at(past: Past) -> datetime | None:
    """When the oldest version in service reaches `triggers.maxAge`; a run since then gives it as much again."""
    limit, last = past.model.spec.triggers.max_age, past.last
    serving = {deployment.status.stable.model_version for deployment in past.deployments if deployment.status.stable}
    made = [v.metadata.creation_timestamp for v in past.versions if v.metadata.name in serving]
    known = [moment for moment in made if moment]
    if limit is None or last is None or not known:
        return None
    return datetime.fromisoformat(max(min(known), last.started)) + timedelta(seconds=seconds(limit))


def next_ticks(model: RegisteredModel, last: RunRecord | None, fresh: bool, now: datetime) -> Ticks | None:
    """A tick without anything new to train on passes. Raises Refused."""
    triggers, before = model.spec.triggers, model.status.ticks
    if triggers.schedule is None:
        return None
    begun = datetime.fromisoformat(last.started) if last else None
    passed = before and before.next and datetime.fromisoformat(before.next) <= now and not fresh
    return scheduled(triggers.schedule, triggers.time_zone, before, now if passed else begun, now)
