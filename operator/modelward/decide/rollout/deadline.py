"""A trial that has come to no conclusion in its time: what was seen decides, and nobody is branded for a lack of it."""

from datetime import datetime

from modelward.decide.observed import DeploymentObserved
from modelward.decide.pods import ready_pods, trouble_of
from modelward.decide.steps import least_seconds

from .move import Move, candidate_of, looked_on, move_to, since_step
from .on_trial import against, found, held_by_checks, waited
from .retreat import set_aside
from .trial import awaited, current


def at_the_deadline(o: DeploymentObserved, now: datetime) -> Move | None:
    limit = o.deployment.spec.rollout.progress_deadline_seconds
    if o.status.phase == "Paused" or awaited(o) or _looked_on(o, now) <= limit:
        return None
    if not ready_pods(o.pods, o.status.stable) and o.deployment.spec.replicas:
        return None  # there is nothing to go back to: whatever becomes Ready first serves
    if trouble := _not_ready(o):
        return set_aside(o, now, "ProgressDeadlineExceeded", f"not Ready within {limit} s: {trouble}")
    how = o.deployment.spec.analysis.on_no_evidence
    least = least_seconds(o.deployment.spec.rollout.steps[current(o)])
    if o.status.phase == "Canary" and (least is None or since_step(o, now) < least):
        return None  # it is still what the step asks for
    if how == "Hold" or not o.evidence.complete or not o.evidence.candidate.reached or held_by_checks(o):
        return None  # what cannot be seen says nothing
    lack = found(o).message
    seen = against(o)
    if how == "Rollback" or seen:
        return set_aside(o, now, "NoEvidence", f"no conclusion within {limit} s: {seen or lack}")
    if o.status.phase == "Promoting":
        return None
    message = f"no conclusion within {limit} s ({lack}), and nothing speaks against {candidate_of(o).model_version}"
    return move_to("Promoting", o, now, "NoEvidence", message)


def _looked_on(o: DeploymentObserved, now: datetime) -> float:
    """Seconds: of the whole trial; then of the promotion, which has its own time."""
    return max(looked_on(o, now), waited(o)) if o.status.phase == "Canary" else looked_on(o, now)


def _not_ready(o: DeploymentObserved) -> str:
    wanted = max(1, o.deployment.spec.replicas) if o.status.phase == "Promoting" else 1
    if ready_pods(o.pods, o.status.candidate) >= wanted:
        return ""
    stuck = trouble_of(o, o.status.candidate)
    return stuck.message if stuck else "its pods did not start in this time"
