"""What a step still waits for, in words that change only now and then: each change is a write."""

from datetime import datetime

from modelward.decide.durations import seconds
from modelward.decide.judge.look import rounded
from modelward.decide.observed import DeploymentObserved
from modelward.decide.pods import ready_pods
from modelward.decide.rollout.move import since_step
from modelward.decide.rollout.on_trial import answers, answers_missing, found
from modelward.decide.rollout.trial import awaited, current
from modelward.decide.steps import least_seconds
from modelward.names import ACTION

HELD = {
    "NotProven": "more of its answers failed or were slow than is allowed, but harm is not proven either",
    "Skew": "what it reads differs from what the version in service reads",
    "Suspicious": "what was seen lately would surprise of an equal version",
    "ForwardingStopped": "a run of failures stopped forwarding, until the next try",
    "MetricsUnavailable": "a scoring pod does not tell what it counted",
}
"""By reason, where no number of answers is missing."""


def still_missing(o: DeploymentObserved, now: datetime) -> str:
    """`; about 200 more answers, some 3 minutes at this rate`, or nothing where nothing is missing."""
    status, step = o.status, o.deployment.spec.rollout.steps[current(o)]
    if by_hand := _asks_a_person(o):
        return by_hand
    if not status.step_started or not status.weight or not ready_pods(o.pods, status.candidate):
        return ""
    waited = since_step(o, now)
    if step.pause and waited < (least_seconds(step) or 0):
        return f"; paused for {step.pause.duration}"
    missing, seen = answers_missing(o), answers(o)
    if missing > 0:
        some = f"; about {rounded(missing)} more answers"
        if seen == 0:
            return f"{some}, some time: none has come yet"
        return f"{some}, some {_time(missing * waited / seen)} at this rate"
    if waited < seconds(step.duration):
        return f"; {step.duration} at this weight"
    return f"; {HELD.get(found(o).reason, 'evidence is being gathered')}"


def _asks_a_person(o: DeploymentObserved) -> str:
    revision = o.status.candidate.revision if o.status.candidate else ""
    match awaited(o):
        case "AwaitingApproval":
            return f'; needs approval: annotation {ACTION}: "approve {revision}"'
        case "AwaitingPromotion":
            return f'; paused until a person promotes it: annotation {ACTION}: "promote {revision}"'
        case _:
            return ""


def _time(left: float) -> str:
    if left < 60:
        return "seconds"
    if left < 2 * 3600:
        return f"{rounded(left / 60)} minutes"
    return f"{rounded(left / 3600)} hours"
