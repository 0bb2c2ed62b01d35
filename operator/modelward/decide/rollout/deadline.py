"""A trial that has come to no conclusion in its time: what was seen decides, and nobody is branded for a lack of it."""

from datetime import datetime
from math import ceil

from modelward.decide.durations import seconds
from modelward.decide.judge.evidence import Evidence
from modelward.decide.judge.mixture import Table
from modelward.decide.judge.sight import surprise
from modelward.decide.observed import DeploymentObserved
from modelward.decide.pods import ready_pods, trouble_of

from .move import Move, candidate_of, looked_on, move_to, since_step
from .on_trial import against, compared, found, waited
from .retreat import set_aside
from .trial import current

LEVEL = 0.1
"""What an equal version would show in fewer of ten cases speaks against the candidate."""
CLUSTER = 2
"""Failures often come together: so many count as one event, and one accident speaks against nobody."""


def at_the_deadline(o: DeploymentObserved, now: datetime) -> Move | None:
    limit = o.deployment.spec.rollout.progress_deadline_seconds
    if o.status.phase == "Paused" or max(looked_on(o, now), waited(o)) <= limit:
        return None
    if not ready_pods(o.pods, o.status.stable) and o.deployment.spec.replicas:
        return None  # there is nothing to go back to: whatever becomes Ready first serves
    if trouble := _not_ready(o):
        return set_aside(o, now, "ProgressDeadlineExceeded", f"not Ready within {limit} s: {trouble}")
    how = o.deployment.spec.analysis.on_no_evidence
    if o.status.phase == "Canary" and since_step(o, now) < seconds(
        o.deployment.spec.rollout.steps[current(o)].duration
    ):
        return None  # it is still what the step asks for
    if how == "Hold" or not o.evidence.complete or not o.evidence.candidate.reached:
        return None  # what cannot be seen says nothing
    lack = found(o).message
    seen = against(o) if compared(o.status) else _speaks_against(o.evidence)
    if how == "Rollback" or seen:
        return set_aside(o, now, "NoEvidence", f"no conclusion within {limit} s: {seen or lack}")
    if o.status.phase == "Promoting":
        return None
    message = f"no conclusion within {limit} s ({lack}), and nothing speaks against {candidate_of(o).model_version}"
    return move_to("Promoting", o, now, "NoEvidence", message)


def _not_ready(o: DeploymentObserved) -> str:
    wanted = max(1, o.deployment.spec.replicas) if o.status.phase == "Promoting" else 1
    if ready_pods(o.pods, o.status.candidate) >= wanted:
        return ""
    stuck = trouble_of(o, o.status.candidate)
    return stuck.message if stuck else "its pods did not start in this time"


def _speaks_against(evidence: Evidence) -> str:
    """What was seen of the candidate that would surprise of an equal version, if anything."""
    candidate, stable = evidence.candidate, evidence.stable
    table = Table(
        candidate.failures // CLUSTER, candidate.requests, ceil(stable.failures / CLUSTER), stable.requests + 1
    )
    if surprise(table) >= LEVEL:
        return ""
    return (
        f"{candidate.failures} of {candidate.requests} requests of the candidate failed,"
        f" {stable.failures} of {stable.requests} of stable"
    )
