"""A version on trial that waits for a person: no request before its approval, and no deadline."""

from datetime import datetime

from modelward.api.model_deployment import ServingRevision
from modelward.api.model_version import Word
from modelward.decide.observed import DeploymentObserved

from .move import Move, candidate_of, move_to


def unapproved(o: DeploymentObserved) -> bool:
    candidate = o.status.candidate
    if candidate is None or o.status.phase not in ("Canary", "Paused"):
        return False
    return o.deployment.spec.rollout.approval == "Required" and o.status.approved != candidate.revision


def approved_before(o: DeploymentObserved, now: datetime) -> Move | None:
    """The version itself is approved, wherever it may serve."""
    candidate = candidate_of(o) if unapproved(o) else None
    word = version_approval(o, candidate) if candidate else None
    if candidate is None or word is None:
        return None
    message = f"{candidate.model_version} may have requests: it is approved since {word.time}{word.signed}"
    return move_to(o.status.phase, o, now, "Approved", message, same_traffic=True, approved=candidate.revision)


def version_approval(o: DeploymentObserved, revision: ServingRevision) -> Word | None:
    """Where names are proven, one without counts for nothing: anybody might have written it."""
    found = next((v for v in o.versions if v.metadata.name == revision.model_version), None)
    word = found.status.approval if found and found.spec.digest == revision.digest else None
    return word if word and (word.verified or not o.actions_verified) else None


def take_weight_away(o: DeploymentObserved, now: datetime) -> Move | None:
    """Approval was asked for when the trial was under way already."""
    if not o.status.weight and o.status.routing is None:
        return None
    message = f"{candidate_of(o).model_version} gets no request until it is approved"
    return move_to(o.status.phase, o, now, "ApprovalRequired", message, towards_stable=True, weight=0, routing=None)
