"""A version on trial that waits for a person: no request before its approval, and no deadline."""

from datetime import datetime

from modelward.decide.observed import DeploymentObserved

from .move import Move, candidate_of, move_to


def unapproved(o: DeploymentObserved) -> bool:
    candidate = o.status.candidate
    if candidate is None or o.status.phase not in ("Canary", "Paused"):
        return False
    return o.deployment.spec.rollout.approval == "Required" and o.status.approved != candidate.revision


def take_weight_away(o: DeploymentObserved, now: datetime) -> Move | None:
    """Approval was asked for when the trial was under way already."""
    if not o.status.weight and o.status.routing is None:
        return None
    message = f"{candidate_of(o).model_version} gets no request until it is approved"
    return move_to(o.status.phase, o, now, "ApprovalRequired", message, towards_stable=True, weight=0, routing=None)
