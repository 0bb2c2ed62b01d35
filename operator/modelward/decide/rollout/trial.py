"""The steps of a candidate: weight follows readiness; a step passes with its time, its evidence and no finding."""

from datetime import datetime

from modelward.api.model_deployment import Step
from modelward.decide.durations import seconds
from modelward.decide.observed import DeploymentObserved
from modelward.decide.pods import ready_pods

from .move import Move, candidate_of, move_to, since_step
from .on_trial import found


def hold(o: DeploymentObserved, now: datetime) -> Move | None:
    if o.deployment.spec.paused and o.status.phase == "Canary":
        return move_to("Paused", o, now, "Paused", f"held at {o.status.weight} %", same_traffic=True)
    if not o.deployment.spec.paused and o.status.phase == "Paused":
        return move_to("Canary", o, now, "Resumed", f"goes on at {o.status.weight} %", same_traffic=True)
    return None


def step(o: DeploymentObserved, now: datetime) -> Move | None:
    if o.status.phase == "Paused":
        return None
    steps, index = o.deployment.spec.rollout.steps, current(o)
    ready = ready_pods(o.pods, o.status.candidate) >= 1
    if o.status.weight != (steps[index].weight if ready else 0):
        return _reweight(o, now, steps[index], index, ready)
    if not ready or since_step(o, now) < seconds(steps[index].duration):
        return None
    if found(o).outcome != "Ok":
        return None
    if index + 1 < len(steps):
        return _reweight(o, now, steps[index + 1], index + 1, ready)
    return move_to("Promoting", o, now, "StepsPassed", f"{candidate_of(o).model_version} goes to full width")


def current(o: DeploymentObserved) -> int:
    """Of the spec's steps the one that the status names; the last, where steps were edited away."""
    return min(o.status.step or 0, len(o.deployment.spec.rollout.steps) - 1)


def _reweight(o: DeploymentObserved, now: datetime, to: Step, index: int, ready: bool) -> Move:
    candidate = candidate_of(o)
    if not ready:
        message = f"no Ready pod of {candidate.model_version}: its requests go to stable"
        return move_to("Canary", o, now, "CandidateNotReady", message, weight=0)
    total = len(o.deployment.spec.rollout.steps)
    message = f"step {index + 1} of {total}: {to.weight} % of requests go to {candidate.model_version}"
    return move_to("Canary", o, now, "StepStarted", message, weight=to.weight, step=index)
