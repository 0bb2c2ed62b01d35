"""From a candidate that passed its steps to the version in service, and the time in which it is still watched."""

from datetime import datetime

from modelward.api.model_deployment import ServingRevision
from modelward.decide.durations import seconds
from modelward.decide.observed import DeploymentObserved
from modelward.decide.pods import ready_pods
from modelward.decide.revision import rejection
from modelward.decide.traffic import confirmed

from .move import Move, again, in_service, move_to, served, since_step
from .retreat import interrupted, left


def promote(o: DeploymentObserved, now: datetime) -> Move | None:
    """Full width and Ready → 100 % forwarded → confirmed by every server → the Service follows."""
    candidate, stable, rollout = o.status.candidate, o.status.stable, o.deployment.spec.rollout
    if candidate is None or stable is None:
        return None
    if ready_pods(o.pods, candidate) < max(1, o.deployment.spec.replicas):
        return None
    if o.status.weight != 100:
        message = f"all requests go to {candidate.model_version}"
        return move_to("Promoting", o, now, "FullWidth", message, weight=100)
    forwarded = o.evidence.candidate
    if not confirmed(o.pods, stable, o.status.epoch) or not forwarded.reached or forwarded.breaker_open:
        return None
    return move_to(
        "Baking",
        o,
        now,
        "Promoted",
        f"{candidate.model_version} serves, {stable.model_version} stays warm for {rollout.bake_time}",
        stable=in_service(candidate, now),
        previous=stable,
        served=served(o, stable),
        candidate=None,
        rollback_to=None,
        step=None,
        weight=0,
    )


def end_bake(o: DeploymentObserved, target: ServingRevision | None, now: datetime) -> Move | None:
    stable = o.status.stable
    newer = target is not None and stable is not None and target.revision != stable.revision
    newer = newer and target is not None and not rejection(o.deployment, target.revision)
    newer = newer or o.status.rollback_to is not None
    over = since_step(o, now) >= seconds(o.deployment.spec.rollout.bake_time)
    if not (over or newer) or stable is None or not left(o, o.status.previous, now):
        return None
    if interrupted(o, stable):
        return again(o, now)
    message = f"{stable.model_version} has proven itself" if over else "another version is asked for"
    return move_to("Stable", o, now, "Baked", message, previous=None, rollout_started=None)
