"""What the judges make of a candidate, as far as it is compared with stable under the same traffic.

Where everything goes to the candidate, and after a promotion, only before and after can be compared:
`before_and_after.judge`. Where headers decide who reaches the candidate, its requests are no random share: slower, or
other inputs, may be its users' doing. That holds a step and counts when time is up, but makes no verdict unless answers
are many times as slow; failures do, because the version in service has answered each of those requests.
"""

from modelward.api.model_deployment import ModelDeploymentStatus, Rollout
from modelward.decide.judge import before_and_after, look, promql
from modelward.decide.judge.before_and_after import fails_everything, judge, unseen
from modelward.decide.judge.evidence import OK, Finding
from modelward.decide.judge.latency import judge_latency
from modelward.decide.judge.remembered import Remembered
from modelward.decide.judge.skew import judge_skew
from modelward.decide.judge.terms import Terms
from modelward.decide.observed import DeploymentObserved
from modelward.decide.steps import least_seconds, weight_at
from modelward_contracts.trace import Start, TraceStep

TRIAL = ("Canary", "Paused", "Promoting")
"""The phases in which stable's servers give requests to a candidate."""


def compared(status: ModelDeploymentStatus) -> bool:
    return status.phase in TRIAL and status.candidate is not None and status.weight < 100


def has_requests(status: ModelDeploymentStatus) -> bool:
    """The candidate has: by its weight, or at weight 0 those of testers."""
    return status.weight > 0 or (status.routing is not None and bool(status.routing.matches))


def start_of(rollout: Rollout, edges: list[float] | None = None) -> Start:
    """A pause until a person promotes takes no time of its own: the judges have nothing to wait for."""
    steps = [
        TraceStep(
            weight=weight_at(rollout.steps, index),
            duration=least_seconds(step) or 0.0,
            minimum_requests=step.minimum_requests,
        )
        for index, step in enumerate(rollout.steps)
    ]
    return Start(edges=edges or [], steps=steps, progress_deadline_seconds=rollout.progress_deadline_seconds)


def found(o: DeploymentObserved) -> Finding:
    """Harm, or why the step does not pass yet, or OK. What is counted here comes before checks of the user's own."""
    counted = _counted(o)
    if counted.outcome == "Harm":
        return counted
    if harm := promql.harm(o.checks):
        return harm
    return counted if counted.outcome != "Ok" else held_by_checks(o) or OK


def held_by_checks(o: DeploymentObserved) -> Finding | None:
    return promql.held(o.checks, o.status.weight)


def _counted(o: DeploymentObserved) -> Finding:
    if not compared(o.status):
        return judge(o.evidence, o.deployment.spec.analysis)
    return _harm(o) or unseen(o.evidence) or _held(o) or OK


def against(o: DeploymentObserved) -> str:
    """What was seen that an equal version would hardly show."""
    seen = look.against(o.trial.trial, _terms(o)) if o.trial else ""
    return seen or (skew.message if _by_header(o) and (skew := _skew(o)).outcome == "Harm" else "")


def waited(o: DeploymentObserved) -> float:
    """Seconds of the whole trial in which somebody looked at both versions."""
    return o.trial.trial.waited if o.trial else 0.0


def answers(o: DeploymentObserved) -> int:
    """Good ones of the candidate in this step."""
    return look.answers_in_step(o.trial.trial) if o.trial else 0


def answers_missing(o: DeploymentObserved) -> float:
    """So many more of them pass the step; 0 where that cannot be said."""
    if o.trial is None:
        return _terms(o).minimum_requests
    return look.answers_missing(o.trial.trial, start_of(o.deployment.spec.rollout), _terms(o))


def numbers(o: DeploymentObserved) -> dict[str, float] | None:
    """What was counted on either side, and what follows from it. None where nothing is compared."""
    if compared(o.status):
        return numbers_of(o.trial, _terms(o))
    if o.status.phase in (*TRIAL, "Baking"):
        return _told(before_and_after.numbers(o.evidence, _terms(o)))
    return None


def numbers_of(trial: Remembered | None, terms: Terms) -> dict[str, float] | None:
    return _told(look.numbers(trial.trial, terms)) if trial else None


def _told(found: dict[str, float]) -> dict[str, float] | None:
    """Counts, and the rest to four digits; none where nobody was served."""
    if not found["requests"] and not found["stableRequests"]:
        return None
    return {name: number if isinstance(number, int) else float(f"{number:.4g}") for name, number in found.items()}


def _terms(o: DeploymentObserved) -> Terms:
    return Terms.of(o.deployment.spec.analysis)


def _by_header(o: DeploymentObserved) -> bool:
    return o.status.routing is not None


def _harm(o: DeploymentObserved) -> Finding | None:
    harm = look.harm(o.trial.trial, _terms(o), at_random=not _by_header(o)) if o.trial else None
    if harm:
        return Finding("Harm", harm.reason, harm.message + _causes(o) * (harm.reason == "Errors"))
    if _by_header(o):
        return judge_latency(o.evidence)
    skew = _skew(o)
    return skew if skew.outcome == "Harm" else None


def _held(o: DeploymentObserved) -> Finding | None:
    if o.trial is None or o.trial.trial.seen is None:
        return Finding("NoEvidence", "TooFewRequests", "nothing was counted yet")
    if o.evidence.candidate.breaker_open:
        message = f"a run of failures stopped forwarding, until the next try{_causes(o)}"
        return Finding("NoEvidence", "ForwardingStopped", message)
    held = look.held(o.trial.trial, start_of(o.deployment.spec.rollout), _terms(o))
    if held:
        return Finding("NoEvidence", held.reason, held.message)
    skew = _skew(o)
    return Finding("NoEvidence", skew.reason, skew.message) if skew.outcome != "Ok" else None


def _causes(o: DeploymentObserved) -> str:
    causes = ", ".join(f"{cause} {count}" for cause, count in sorted(o.evidence.candidate.causes.items()))
    return f" ({causes})" if causes else ""


def _skew(o: DeploymentObserved) -> Finding:
    analysis = o.deployment.spec.analysis
    if fails_everything(o.evidence.stable) or not o.status.weight:
        return OK  # at weight 0 only testers' requests come
    steps = max(1, len(o.deployment.spec.rollout.steps))  # each is a window of its own
    level = analysis.false_rollbacks / 16 / steps
    return judge_skew(o.evidence, analysis.max_drift_increase, analysis.min_requests, level)
