"""The steps of a candidate: weight follows readiness; a step passes with its time, its evidence and no finding."""

from datetime import datetime
from typing import Any

from modelward.api.model_deployment import Routing
from modelward.decide.observed import DeploymentObserved
from modelward.decide.pods import ready_pods
from modelward.decide.steps import least_seconds, step_in_force, weight_at

from .approval import take_weight_away, unapproved
from .move import Move, candidate_of, move_to, on_trial, since_step
from .on_trial import found, held_by_checks


def paused(o: DeploymentObserved) -> bool:
    """By the spec, or by a person who named the version on trial."""
    return o.deployment.spec.paused or paused_by_hand(o)


def paused_by_hand(o: DeploymentObserved) -> bool:
    tried = on_trial(o)
    return tried is not None and o.status.paused == tried.revision


def hold(o: DeploymentObserved, now: datetime) -> Move | None:
    if paused(o) and o.status.phase == "Canary":
        return move_to("Paused", o, now, "Paused", f"held at {o.status.weight} %", same_traffic=True)
    if not paused(o) and o.status.phase == "Paused":
        return move_to("Canary", o, now, "Resumed", f"goes on at {o.status.weight} %", same_traffic=True)
    return None


def awaited(o: DeploymentObserved) -> str:
    """What a person has to do before anything goes on, as a reason; no deadline ends it. Else nothing."""
    if o.status.phase != "Canary":
        return ""
    if unapproved(o):
        return "AwaitingApproval"
    by_hand = least_seconds(o.deployment.spec.rollout.steps[current(o)]) is None
    return "AwaitingPromotion" if by_hand else ""


def step(o: DeploymentObserved, now: datetime) -> Move | None:
    if unapproved(o):
        return take_weight_away(o, now)
    if o.status.phase == "Paused":
        return None
    steps, index = o.deployment.spec.rollout.steps, current(o)
    ready, least = ready_pods(o.pods, o.status.candidate) >= 1, least_seconds(steps[index])
    if not o.status.weight and held_by_checks(o):
        return None
    wanted = (weight_at(steps, index), _routing(o)) if ready else (0, None)
    if (o.status.weight, o.status.routing) != wanted:
        return _reweight(o, now, index, ready)
    if not ready or least is None or since_step(o, now) < least:
        return None
    if o.status.weight and found(o).outcome != "Ok":
        return None
    return pass_step(o, now)


def pass_step(o: DeploymentObserved, now: datetime) -> Move:
    """Into the next step, or to promotion after the last."""
    steps, index = o.deployment.spec.rollout.steps, current(o) + 1
    if index < len(steps):
        return _reweight(o, now, index, ready=True)
    message = f"{candidate_of(o).model_version} goes to full width"
    return move_to("Promoting", o, now, "StepsPassed", message, paused=None)


def current(o: DeploymentObserved) -> int:
    return step_in_force(o.status.step, o.deployment.spec.rollout.steps)


def _reweight(o: DeploymentObserved, now: datetime, index: int, ready: bool) -> Move:
    candidate = candidate_of(o)
    if not ready:
        message = f"no Ready pod of {candidate.model_version}: its requests go to stable"
        return move_to("Canary", o, now, "CandidateNotReady", message, weight=0, routing=None)
    steps, routing = o.deployment.spec.rollout.steps, _routing(o)
    weight, pause = weight_at(steps, index), steps[index].pause
    message = f"step {index + 1} of {len(steps)}: {weight} % of requests go to {candidate.model_version}"
    if routing and routing.matches:
        message += ", and those with " + " or ".join(f"{match.header}: {match.value}" for match in routing.matches)
    if pause:
        message += f", paused for {pause.duration}" if pause.duration else ", paused until a person promotes it"
    same = pause is not None and (weight, routing) == (o.status.weight, o.status.routing)
    changes: dict[str, Any] = {"weight": weight, "routing": routing, "step": index}
    return move_to("Canary", o, now, "StepStarted", message, same_traffic=same, **changes)


def _routing(o: DeploymentObserved) -> Routing | None:
    rollout = o.deployment.spec.rollout
    if not rollout.matches and rollout.sticky is None:
        return None
    return Routing(matches=rollout.matches, sticky=rollout.sticky)
