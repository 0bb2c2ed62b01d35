"""Liveness before proof: what is down is replaced by what is Ready, at once; nobody is blamed for that."""

from datetime import datetime

from modelward.api.model_deployment import ServingRevision
from modelward.decide.observed import DeploymentObserved
from modelward.decide.pods import ready_pods
from modelward.decide.revision import rejection

from .approval import unapproved, version_approval
from .move import Move, in_service, move_to
from .retreat import back


def replace_what_is_down(o: DeploymentObserved, now: datetime) -> Move | None:
    """No pod of the version in service is Ready, but one of the version on trial, or of the one before it, is.

    The one that comes in is watched as after a promotion: the one that went down stays, and takes over again where it
    has Ready pods and the other does harm."""
    status = o.status
    if status.stable is None or ready_pods(o.pods, status.stable):
        return None
    down = f"no pod of {status.stable.model_version} is Ready"
    if status.candidate and ready_pods(o.pods, status.candidate) and not unapproved(o):
        return move_to(
            "Baking",
            o,
            now,
            "StableDown",
            f"{down}: {status.candidate.model_version} serves from now on",
            warn=True,
            stable=in_service(status.candidate, now),
            previous=status.stable,
            candidate=None,
            rollback_to=None,
            step=None,
            weight=0,
        )
    if status.previous and ready_pods(o.pods, status.previous):
        return back(o, now, "StableDown", f"{down}: {status.previous.model_version} serves again", warn=True)
    return None


def take_over_without_pods(o: DeploymentObserved, target: ServingRevision | None, now: datetime) -> Move | None:
    """With zero replicas nobody is served, so nothing can be tried: what is asked for is what will serve."""
    status = o.status
    if target is None or rejection(o.deployment, target.revision) or _needs_approval(o, target):
        return None
    if status.phase == "Stable" and status.stable and status.stable.revision == target.revision:
        return None
    if status.phase in ("Baking", "RollingBack") and status.stable and status.stable.revision == target.revision:
        return None  # it ends by itself, and clients are given their time to leave
    message = f"{target.model_version} takes over without a pod: spec.replicas is 0"
    return move_to(
        "Stable",
        o,
        now,
        "ScaledToZero",
        message,
        stable=in_service(target, now),
        candidate=None,
        previous=None,
        step=None,
        weight=0,
        rollout_started=None,
        set_aside=None,
        rollback_to=None,
        paused=None,
    )


def _needs_approval(o: DeploymentObserved, target: ServingRevision) -> bool:
    if o.deployment.spec.rollout.approval != "Required" or o.status.stable is None:
        return False
    if version_approval(o, target):
        return False
    return target.revision not in {o.status.approved, o.status.stable.revision, *(r.revision for r in o.status.served)}
