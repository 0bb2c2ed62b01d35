"""Nothing serves yet, or the spec asks for something else than what serves."""

from datetime import datetime
from typing import Any

from modelward.api.model_deployment import ServingRevision
from modelward.decide.aliases import holder
from modelward.decide.conditions import timestamp
from modelward.decide.judge.evidence import Finding
from modelward.decide.observed import DeploymentObserved
from modelward.decide.pods import harm_of, pods_of, ready_pods
from modelward.decide.revision import rejection

from .move import Move, in_service, looked_on, move_to
from .retreat import reject, verdict_on

BY_HAND = "RolledBackByHand"


def first(o: DeploymentObserved, target: ServingRevision | None, now: datetime) -> Move | None:
    """The first revision must pass its own checks (golden requests) and be Ready; one Ready pod is enough to serve.

    Where the deployment was made anew, its pods tell what the store knows: what served last serves again, and what the
    spec asks for is tried against it like any other version."""
    candidate = o.status.candidate
    comes_back = candidate is not None and candidate.revision == o.status.recorded
    known = None if comes_back else _served_before(o)
    if known:
        message = f"{known.model_version} was in service before this deployment was made anew, and is again"
        return move_to("Pending", o, now, "ServedBefore", message, candidate=known, recorded=known.revision)
    if comes_back and candidate and (gone := _cannot_come_back(o, candidate, now)):
        return gone
    if not comes_back and target and (candidate is None or candidate.revision != target.revision):
        if rejection(o.deployment, target.revision):
            return None
        message = f"{target.model_version} is starting{_because(o, target)}"
        return move_to("Pending", o, now, "FirstRevision", message, candidate=target)
    if candidate is None:
        return None
    found = harm_of(pods_of(o.pods, candidate))
    if found and found.reason == "RejectedRevision":
        return reject(o, now, found, "Pending", candidate=None)
    ready = ready_pods(o.pods, candidate)
    if not ready:
        return None
    message = f"{candidate.model_version} serves on {ready} of {o.deployment.spec.replicas} replicas"
    return move_to("Stable", o, now, "FirstRevisionReady", message, stable=in_service(candidate, now), candidate=None)


def _served_before(o: DeploymentObserved) -> ServingRevision | None:
    """What the store says was in service last, unless a verdict has come since."""
    told = next((p.served_before for p in o.pods if p.served_before), None)
    return told if told and rejection(o.deployment, told.revision) is None else None


def _cannot_come_back(o: DeploymentObserved, known: ServingRevision, now: datetime) -> Move | None:
    """It served once, but does not start any more: what the spec asks for has its turn."""
    found = harm_of(pods_of(o.pods, known))
    late = looked_on(o, now) > o.deployment.spec.rollout.progress_deadline_seconds
    if (found is None or found.reason == "RejectedRevision") and not late:
        return None
    found = found or Finding("NoEvidence", "ProgressDeadlineExceeded", "its pods did not start in time")
    aside = verdict_on(o, known, found, now)
    return move_to("Pending", o, now, found.reason, found.message, warn=True, candidate=None, set_aside=aside)


def start(o: DeploymentObserved, target: ServingRevision | None, now: datetime) -> Move | None:
    """Into the first step; towards a revision that served well before there is nothing to find out."""
    stable, rollout = o.status.stable, o.deployment.spec.rollout
    if asked_back := next((r for r in o.status.served if r.revision == o.status.rollback_to), None):
        return bring_back(o, asked_back, now)
    if target is None or stable is None or target.revision == stable.revision:
        return None
    if rejection(o.deployment, target.revision):
        return None
    begun = _begun(target, now) | {"set_aside": None, "trial": None}
    if rollout.undo == "Immediate" and target.revision in {r.revision for r in o.status.served}:
        message = f"{target.model_version} has served well before: it replaces {stable.model_version} at once"
        return move_to("Promoting", o, now, "ServedBefore", message, **begun)
    message = f"{target.model_version} is tried against {stable.model_version}{_because(o, target)}"
    return move_to("Canary", o, now, "RolloutStarted", message, **begun)


def _because(o: DeploymentObserved, target: ServingRevision) -> str:
    """Who gave this version the alias that the spec names; why it was trained, where a RegisteredModel did it."""
    said = _named_by(o)
    version = next((v for v in o.versions if v.metadata.name == target.model_version), None)
    cause = version.spec.lineage.cause if version else None
    return f"{said}; it was trained because: {cause.message}" if cause else said


def _named_by(o: DeploymentObserved) -> str:
    ref = o.deployment.spec.model_ref
    of_model = (v for v in o.versions if v.spec.model_name == ref.name)
    holds = holder(ref.version, of_model) if isinstance(ref.version, str) else None
    if holds is None:
        return ""
    word = holds[1]
    return f"; it is {word.name} since {word.time}{word.signed}"


def bring_back(o: DeploymentObserved, to: ServingRevision, now: datetime, **changes: Any) -> Move:
    """A version that a person asked for: at full width, without steps."""
    message = f"{to.model_version} comes back without steps"
    return move_to("Promoting", o, now, BY_HAND, message, **_begun(to, now), rollback_to=to.revision, **changes)


def _begun(candidate: ServingRevision, now: datetime) -> dict[str, Any]:
    started = {"candidate": candidate, "step": 0, "rollout_started": timestamp(now)}
    return started | {"paused": None, "approved": None, "routing": None}
