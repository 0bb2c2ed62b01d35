"""What a step still waits for, in words that change only now and then: each change is a write."""

from datetime import datetime, timedelta

from modelward.decide.durations import seconds
from modelward.decide.judge.look import rounded
from modelward.decide.observed import DeploymentObserved, parse_time
from modelward.decide.pods import ready_pods
from modelward.decide.rollout.on_trial import answers, answers_missing


def still_missing(o: DeploymentObserved, now: datetime) -> str:
    """`; about 200 more answers, some 3 minutes at this rate`, or nothing where nothing is missing."""
    steps, status = o.deployment.spec.rollout.steps, o.status
    step = steps[min(status.step or 0, len(steps) - 1)]
    if not status.step_started or not status.weight or not ready_pods(o.pods, status.candidate):
        return ""
    waited = (now - parse_time(status.step_started)) / timedelta(seconds=1)
    missing, seen = answers_missing(o), answers(o)
    if missing > 0:
        some = f"; about {rounded(missing)} more answers"
        if seen == 0:
            return f"{some}, some time: none has come yet"
        return f"{some}, some {_time(missing * waited / seen)} at this rate"
    if waited < seconds(step.duration):
        return f"; {step.duration} at this weight"
    return "; evidence is being gathered"


def _time(left: float) -> str:
    if left < 60:
        return "seconds"
    if left < 2 * 3600:
        return f"{rounded(left / 60)} minutes"
    return f"{rounded(left / 3600)} hours"
