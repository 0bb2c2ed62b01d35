"""What the judges make of a candidate, as far as it is compared with stable under the same traffic.

Where everything goes to the candidate, and after a promotion, only before and after can be compared:
`before_and_after.judge`. Where headers decide who reaches the candidate, its requests are no random share: slower, or
other inputs, may be its users' doing. That holds a step and counts when time is up, but makes no verdict unless answers
are many times as slow; failures do, because the version in service has answered each of those requests.
"""

from modelward.api.model_deployment import ModelDeploymentStatus, Rollout
from modelward.decide.judge import look
from modelward.decide.judge.before_and_after import fails_everything, judge, unseen
from modelward.decide.judge.evidence import OK, Finding
from modelward.decide.judge.latency import judge_latency
from modelward.decide.judge.skew import judge_skew
from modelward.decide.judge.terms import Terms
from modelward.decide.observed import DeploymentObserved
from modelward.decide.steps import least_seconds, weight_at
from modelward_contracts.trace import Start, TraceStep


def compared(status: ModelDeploymentStatus) -> bool:
    trying = status.phase in ("Canary", "Paused", "Promoting")
    return trying and status.candidate is not None and status.weight < 100


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
    """Harm, or why the step does not pass yet, or OK."""
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
    return judge_skew(o.evidence, analysis.max_drift_increase, analysis.min_requests)
