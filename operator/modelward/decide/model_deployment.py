"""ModelDeployment: resolve the version → move the rollout → the objects and traffic that follow from the status."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from math import ceil

from modelward.api.model_deployment import ModelDeploymentStatus, ServingRevision
from modelward.build.disruption_budget import disruption_budget
from modelward.build.scoring import scoring_deployment
from modelward.build.served import served_job, served_name
from modelward.build.service import front_service, revision_service
from modelward.build.traffic import traffic_config_map
from modelward.build.verdict import verdict_job
from modelward.decide.checks import answers, require_askable
from modelward.decide.conditions import timestamp
from modelward.decide.deployment_conditions import MOVING, noticed, with_conditions
from modelward.decide.judge.remembered import WRITE_SECONDS, Remembered, remembered
from modelward.decide.observed import DeploymentObserved, parse_time
from modelward.decide.plan import Event, Plan, Ref
from modelward.decide.revision import newest_first, rejection, resolve, target_of
from modelward.decide.rollout import Move, next_move
from modelward.decide.rollout.on_trial import TRIAL
from modelward.decide.rollout.retreat import DRAIN_SECONDS
from modelward.decide.scoring_image import allowed_image
from modelward.decide.service_account import allowed
from modelward.decide.signature import require_same_signature
from modelward.decide.steps import weight_at
from modelward.decide.traces import finished_jobs, lost_traces, untold_trace
from modelward.decide.traffic import next_epoch, pushes, settings_of
from modelward.errors import Refused, Wait
from modelward.names import Manifest
from modelward.settings import Settings

TAKEN_SECONDS = 5.0
"""Between looks at a name that another's Service has: a watch of everybody's Services would cost more and see more."""


def decide(o: DeploymentObserved, settings: Settings, now: datetime) -> Plan:
    target, problem = _target(o, settings, now)
    move = next_move(o, target, now) or _outrun(o)
    after = _with_status(o, move.status if move else o.status)
    after, stored = _stored_verdicts(after)
    after, recorded = _recorded(after)
    after = _remembering(after, bool(move))
    events = (move.event,) if move and move.event.reason else ()
    status = with_conditions(after, target, problem, now)
    children = _children(after, settings, now)
    return Plan(
        status=status,
        memory=move is not None or stored or recorded,
        urgent=pushes(after) if move and move.towards_stable else (),
        applies=children,
        creates=(*_verdict_jobs(after, settings), *_served_job(after, settings)),
        pushes=pushes(after),
        deletes=_unwanted(after, children),
        # A look in which something moves has no time to spare for it.
        keepsakes=() if move else untold_trace(after, settings),
        events=(*events, *noticed(after.status, status), *lost_traces(after)),
        at_rest=move is None and _at_rest(after),
        requeue_after=_again(after, settings, move),
    )


def _target(
    o: DeploymentObserved, settings: Settings, now: datetime
) -> tuple[ServingRevision | None, Wait | Refused | None]:
    """What is to serve, or why it cannot be said."""
    try:
        allowed(o.deployment.spec.pod, settings)
        allowed_image(o.deployment.spec.runtime, settings)
        version = resolve(o.deployment, o.versions)
        target = target_of(o.deployment, version, settings.scoring_image, timestamp(now))
        if o.status.stable is None:
            return _servable(o, target, settings, now), None
        require_same_signature(o, target, version)
        require_askable(o, target)
    except (Wait, Refused) as problem:
        return None, problem
    return target, None


def _servable(o: DeploymentObserved, target: ServingRevision, settings: Settings, now: datetime) -> ServingRevision:
    """Where nothing serves yet, `Latest` means the newest version that was not rejected: better that than nothing."""
    if o.deployment.spec.model_ref.version != "Latest":
        return target
    older = (
        target_of(o.deployment, version, settings.scoring_image, timestamp(now))
        for version in newest_first(o.deployment, o.versions)
    )
    return next((t for t in older if rejection(o.deployment, t.revision) is None), target)


def _outrun(o: DeploymentObserved) -> Move | None:
    """A server follows a setting that was pushed but never written (a crash in between): assert ours above it."""
    if all(p.snapshot is None or p.snapshot.epoch <= o.status.epoch for p in o.pods):
        return None
    return Move(o.status.model_copy(update={"epoch": next_epoch(o)}), Event("Normal", "", ""))


def _with_status(o: DeploymentObserved, status: ModelDeploymentStatus) -> DeploymentObserved:
    return replace(o, deployment=o.deployment.model_copy(update={"status": status}))


def _stored_verdicts(o: DeploymentObserved) -> tuple[DeploymentObserved, bool]:
    """Verdicts whose Job has written them into the store."""
    done = {(j.revision, j.retry) for j in o.verdict_jobs if j.succeeded}
    verdicts = [
        v.model_copy(update={"stored": True}) if (v.revision, v.retry) in done else v for v in o.status.verdicts
    ]
    if verdicts == o.status.verdicts:
        return o, False
    return _with_status(o, o.status.model_copy(update={"verdicts": verdicts})), True


def _remembering(o: DeploymentObserved, moves: bool) -> DeploymentObserved:
    """The trial as it is now: written with each move, the first look at a traffic setting, and every few seconds. After
    a promotion it stays as it was in the end. The checks go with it."""
    before, now = remembered(o.status.trial), o.trial
    if o.status.phase not in (*TRIAL, "Baking"):
        written = None
    elif now is not None and (moves or before is None or _outdated(before, now)):
        written = now.written()
    else:
        written = o.status.trial
    checks = answers(o, moves or written is not o.status.trial)
    return _with_status(o, o.status.model_copy(update={"trial": written, "checks": checks}))


def _outdated(before: Remembered, now: Remembered) -> bool:
    return before.epoch != now.epoch or (now.trial.seen or 0) - (before.trial.seen or 0) >= WRITE_SECONDS


def _verdict_jobs(o: DeploymentObserved, settings: Settings) -> tuple[Manifest, ...]:
    existing = {(j.revision, j.retry) for j in o.verdict_jobs}
    missing = [v for v in o.status.verdicts if not v.stored and (v.revision, v.retry) not in existing]
    return tuple(manifest for verdict in missing for manifest in verdict_job(o.raw, verdict, settings))


def _recorded(o: DeploymentObserved) -> tuple[DeploymentObserved, bool]:
    """Whether the store knows by now what is in service."""
    untold = _untold(o)
    if untold is None or served_name(o.deployment.metadata.name, untold) not in _told(o):
        return o, False
    return _with_status(o, o.status.model_copy(update={"recorded": untold.revision})), True


def _untold(o: DeploymentObserved) -> ServingRevision | None:
    """What is in service for good, if the store does not know of it."""
    status = o.status
    if status.stable is None or status.phase != "Stable" or status.recorded == status.stable.revision:
        return None
    return status.stable


def _told(o: DeploymentObserved) -> set[str]:
    return {job.name for job in o.served_jobs if job.succeeded}


def _served_job(o: DeploymentObserved, settings: Settings) -> tuple[Manifest, ...]:
    untold, name = _untold(o), o.deployment.metadata.name
    if untold is None or served_name(name, untold) in {job.name for job in o.served_jobs}:
        return ()
    return served_job(o.raw, untold, settings)


def _children(o: DeploymentObserved, settings: Settings, now: datetime) -> tuple[Manifest, ...]:
    status = o.status
    serving = status.stable or status.candidate
    widths = [(r, _width(o, r, now)) for r in status.revisions]
    return (
        traffic_config_map(o.raw, settings_of(o), o.sign, o.public_keys),
        *(scoring_deployment(o.raw, o.deployment.spec, r, width, settings) for r, width in widths),
        *(revision_service(o.raw, r, settings) for r, _ in widths),
        *([front_service(o.raw, serving, settings)] if serving and not o.taken else []),
        *_budgets(o, widths),
    )


def _budgets(o: DeploymentObserved, widths: list[tuple[ServingRevision, int]]) -> list[Manifest]:
    """Where one pod can go while others serve. Not beside another's: no pod that has two is ever evicted."""
    asked = o.deployment.spec.disruption_budget
    if not asked.enabled or o.budget_of_others:
        return []
    return [disruption_budget(o.raw, r, asked) for r, width in widths if width > 1]


def _width(o: DeploymentObserved, revision: ServingRevision, now: datetime) -> int:
    """Full for all that serves or may have to again; the candidate's as wide as its share, at least 1. The version
    before gives up what spec.rollout.keepReplicas does not ask for once its clients had their time to leave."""
    replicas, status = o.deployment.spec.replicas, o.status
    if revision == status.previous and status.stable:
        served = (now - parse_time(status.stable.since)).total_seconds()
        keep = o.deployment.spec.rollout.keep_replicas
        return replicas if keep is None or served < DRAIN_SECONDS else min(keep, replicas)
    if revision != status.candidate or status.phase in ("Promoting", "RollingBack"):
        return replicas if revision != status.candidate else max(1, replicas)
    if status.stable is None:
        return replicas
    steps = o.deployment.spec.rollout.steps
    weight = weight_at(steps, status.step or 0)
    return max(1, ceil(replicas * weight / 100))


def _unwanted(o: DeploymentObserved, children: Iterable[Manifest]) -> tuple[Ref, ...]:
    """Of revisions that are gone; and Jobs that have told the store, or never will."""
    wanted = {(child["kind"], child["metadata"]["name"]) for child in children}
    stored = {(v.revision, v.retry) for v in o.status.verdicts if v.stored}
    done = [job.name for job in o.verdict_jobs if job.succeeded and (job.revision, job.retry) in stored]
    done += sorted(_told(o)) if _untold(o) is None else []
    return (
        *(child for child in o.children if (child.kind, child.name) not in wanted),
        *(Ref(api, kind, name) for name in done for api, kind in (("v1", "ConfigMap"), ("batch/v1", "Job"))),
        *finished_jobs(o),
    )


def _at_rest(o: DeploymentObserved) -> bool:
    """Whatever could change this, an event tells: what none tells of (Events of Jobs, a name that another's Service
    has) matters only while something is under way. A pod that does not answer may be one that is gone."""
    status, under_way = o.status, (*o.verdict_jobs, *o.served_jobs, *o.trace_jobs)
    alone = status.candidate is None and status.previous is None
    waits = under_way or o.taken or o.recording
    return status.phase == "Stable" and alone and not waits and o.evidence.complete


def _again(o: DeploymentObserved, settings: Settings, move: Move | None) -> float:
    if move is not None:
        return 0.2
    moving = o.status.phase in (*MOVING, "Baking") or o.status.previous is not None
    if o.taken and not moving:
        return TAKEN_SECONDS
    return settings.rollout_scrape_seconds if moving else settings.rest_scrape_seconds
