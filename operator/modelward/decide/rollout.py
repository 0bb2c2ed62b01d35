"""The rollout's state machine: (observed, target, now) → the next move, or none.

    Pending ──ready──▶ Stable ──new revision──▶ Canary ──steps passed──▶ Promoting ──▶ Baking ──▶ Stable
                         ▲                     │  ▲ │                        │            │
                         │                Paused──┘ └──harm, deadline, ──────┴────────────┘
                         └────── RollingBack ◀───────  reverted, superseded

Each move is written as one status patch before it is acted on, except that a move towards stable is pushed to the
servers first. Children and traffic follow from the status alone (`model_deployment`, `traffic`), so a crash between
any two writes only repeats what is already so.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import Any

from modelward.api.model_deployment import (
    ModelDeploymentStatus,
    Phase,
    ServingRevision,
    Step,
    Transition,
    Verdict,
)
from modelward.decide.conditions import timestamp
from modelward.decide.durations import seconds
from modelward.decide.judge.evidence import Finding
from modelward.decide.judge.verdict import judge
from modelward.decide.observed import DeploymentObserved, parse_time
from modelward.decide.plan import Event
from modelward.decide.pods import harm_of, pods_of, ready_pods, trouble_of
from modelward.decide.revision import rejection
from modelward.decide.traffic import confirmed, next_epoch

__all__ = ["INTERRUPTED", "Move", "next_move"]

LAST_WEIGHT = 50
"""Above it a step goes straight to promotion: a forward costs more than a score."""
UNCONFIRMED_SECONDS = 5.0
"""How long a rollback waits for servers to confirm before it takes the bad revision's pods away."""
SETTLE_SECONDS = 3.0
"""No client may have come for so long; kube-proxy mostly follows a Service's selector within a second."""
DRAIN_SECONDS = 30.0
"""The longest wait for clients to leave a revision that forwards everything already."""
INTERRUPTED = "Interrupted"
HEALED = "StatusHealed"


@dataclass(frozen=True)
class Move:
    """The status after it, what to tell, and whether it leads towards stable."""

    status: ModelDeploymentStatus
    event: Event
    towards_stable: bool = False


def next_move(o: DeploymentObserved, target: ServingRevision | None, now: datetime) -> Move | None:
    """At most one move a time; `target` is None while the version asked for cannot be resolved."""
    if healed := _healed(o, now):
        return healed
    match o.status.phase:
        case "Pending":
            return _first(o, target, now)
        case "Stable":
            return _start(o, target, now)
        case "Canary" | "Paused":
            return _leave_candidate(o, target, now) or _judged(o, now) or _hold(o, now) or _step(o, now)
        case "Promoting":
            return _leave_candidate(o, target, now) or _judged(o, now) or _promote(o, now)
        case "Baking":
            return _judged(o, now) or _end_bake(o, target, now)
        case "RollingBack":
            return _end_rollback(o, now)


def _healed(o: DeploymentObserved, now: datetime) -> Move | None:
    """A status that no move leads to (an old backup, a hand): the nearest one that can be, from what it holds."""
    status, phase = o.status, o.status.phase
    to: Phase
    if status.stable is None:
        to, sound = "Pending", phase == "Pending"
    else:
        needed = {"Stable": True, "Pending": False, "Baking": status.previous is not None}
        to, sound = "Stable", needed.get(phase, status.candidate is not None)
    if not sound:
        message = f"the status said {phase}, and named no version that this could be about"
        rest: dict[str, Any] = {"previous": None, "step": None, "weight": 0, "rollout_started": None}
        rest |= {} if to == "Pending" else {"candidate": None}
        return _move(o, now, to, HEALED, message, warn=True, towards_stable=True, **rest)
    if status.step_started is None and phase not in ("Pending", "Stable"):
        return _move(o, now, phase, HEALED, f"the status did not say since when it is {phase}: from now on", warn=True)
    return None


def _first(o: DeploymentObserved, target: ServingRevision | None, now: datetime) -> Move | None:
    """Nothing serves yet: the first revision must pass its own checks (golden requests) and be Ready."""
    candidate = o.status.candidate
    if target and (candidate is None or candidate.revision != target.revision):
        if rejection(o.deployment, target.revision):
            return None
        return _move(o, now, "Pending", "FirstRevision", f"{target.model_version} is starting", candidate=target)
    if candidate is None:
        return None
    found = harm_of(pods_of(o.pods, candidate))
    if found and found.reason == "RejectedRevision":
        return _reject(o, now, found, "Pending", candidate=None)
    if ready_pods(o.pods, candidate) < max(1, o.deployment.spec.replicas):
        return None
    return _move(
        o,
        now,
        "Stable",
        "FirstRevisionReady",
        f"{candidate.model_version} serves on {o.deployment.spec.replicas} replicas",
        stable=candidate.model_copy(update={"since": timestamp(now)}),
        candidate=None,
    )


def _start(o: DeploymentObserved, target: ServingRevision | None, now: datetime) -> Move | None:
    stable = o.status.stable
    if target is None or stable is None or target.revision == stable.revision:
        return None
    if rejection(o.deployment, target.revision):
        return None
    return _move(
        o,
        now,
        "Canary",
        "RolloutStarted",
        f"{target.model_version} is tried against {stable.model_version}",
        candidate=target,
        step=0,
        rollout_started=timestamp(now),
    )


def _leave_candidate(o: DeploymentObserved, target: ServingRevision | None, now: datetime) -> Move | None:
    """The spec asks for something else now: no verdict, the candidate may come again."""
    candidate, stable = o.status.candidate, o.status.stable
    if target is None or candidate is None or stable is None or target.revision == candidate.revision:
        return None
    if target.revision == stable.revision:
        return _back(o, now, "Reverted", f"the spec asks for {stable.model_version} again", warn=False)
    return _back(o, now, "Superseded", f"{candidate.model_version} gives way to {target.model_version}", warn=False)


def _judged(o: DeploymentObserved, now: datetime) -> Move | None:
    """Harm overrides everything, a pause included. Too long without a conclusion counts as a failed rollout."""
    on_trial = o.status.stable if o.status.phase == "Baking" else o.status.candidate
    found = harm_of(pods_of(o.pods, on_trial)) or judge(o.evidence, o.deployment.spec.analysis)
    if found.outcome == "Harm":
        return _reject(o, now, found, "RollingBack")
    if o.status.phase in ("Canary", "Promoting") and _looked_on(o, now) > _deadline(o):
        message = f"no verdict within {o.deployment.spec.rollout.progress_deadline_seconds} s: {_why_held(o, found)}"
        return _reject(o, now, Finding("Harm", "ProgressDeadlineExceeded", message), "RollingBack")
    return None


def _hold(o: DeploymentObserved, now: datetime) -> Move | None:
    if o.deployment.spec.paused and o.status.phase == "Canary":
        return _move(o, now, "Paused", "Paused", f"held at {o.status.weight} %", same_traffic=True)
    if not o.deployment.spec.paused and o.status.phase == "Paused":
        return _move(o, now, "Canary", "Resumed", f"goes on at {o.status.weight} %", same_traffic=True)
    return None


def _step(o: DeploymentObserved, now: datetime) -> Move | None:
    """Weight follows readiness; a step passes with its time, its evidence and without a finding."""
    if o.status.phase == "Paused":
        return None
    step, index = _current(o)
    if step is None:
        return _promoting(o, now)
    ready = ready_pods(o.pods, o.status.candidate) >= 1
    if o.status.weight != (step.weight if ready else 0):
        return _reweight(o, now, step, index, ready)
    if not ready or _since_step(o, now) < seconds(step.duration):
        return None
    if judge(o.evidence, o.deployment.spec.analysis).outcome != "Ok":
        return None
    following = index + 1
    steps = o.deployment.spec.rollout.steps
    if following >= len(steps) or steps[following].weight > LAST_WEIGHT:
        return _promoting(o, now)
    return _reweight(o, now, steps[following], following, ready)


def _current(o: DeploymentObserved) -> tuple[Step | None, int]:
    """The step of the spec that the status names (the last, where steps were edited away); None above LAST_WEIGHT."""
    steps = o.deployment.spec.rollout.steps
    index = min(o.status.step or 0, len(steps) - 1)
    return (steps[index] if steps[index].weight <= LAST_WEIGHT else None), index


def _reweight(o: DeploymentObserved, now: datetime, step: Step, index: int, ready: bool) -> Move:
    candidate = _candidate(o)
    if not ready:
        message = f"no Ready pod of {candidate.model_version}: its requests go to stable"
        return _move(o, now, "Canary", "CandidateNotReady", message, weight=0)
    total = len(o.deployment.spec.rollout.steps)
    message = f"step {index + 1} of {total}: {step.weight} % of requests go to {candidate.model_version}"
    return _move(o, now, "Canary", "StepStarted", message, weight=step.weight, step=index)


def _promoting(o: DeploymentObserved, now: datetime) -> Move | None:
    """Every step passed. A rollout of large weights only is judged by readiness at full width."""
    message = f"{_candidate(o).model_version} goes to full width"
    return _move(o, now, "Promoting", "StepsPassed", message)


def _promote(o: DeploymentObserved, now: datetime) -> Move | None:
    """Full width and Ready → 100 % forwarded → confirmed by every server → the Service follows."""
    candidate, stable, rollout = o.status.candidate, o.status.stable, o.deployment.spec.rollout
    if candidate is None or stable is None:
        return None
    if ready_pods(o.pods, candidate) < max(1, o.deployment.spec.replicas):
        return None
    if o.status.weight != 100:
        return _move(o, now, "Promoting", "FullWidth", f"all requests go to {candidate.model_version}", weight=100)
    if not confirmed(o.pods, stable, o.status.epoch) or not o.evidence.candidate.reached:
        return None
    return _move(
        o,
        now,
        "Baking",
        "Promoted",
        f"{candidate.model_version} serves, {stable.model_version} stays warm for {rollout.bake_time}",
        stable=candidate.model_copy(update={"since": timestamp(now)}),
        previous=stable,
        candidate=None,
        step=None,
        weight=0,
    )


def _end_bake(o: DeploymentObserved, target: ServingRevision | None, now: datetime) -> Move | None:
    stable = o.status.stable
    newer = target is not None and stable is not None and target.revision != stable.revision
    newer = newer and target is not None and not rejection(o.deployment, target.revision)
    over = _since_step(o, now) >= seconds(o.deployment.spec.rollout.bake_time)
    if not (over or newer) or stable is None or not _left(o, o.status.previous, now):
        return None
    if _interrupted(o, stable):
        return _again(o, now)
    message = f"{stable.model_version} has proven itself" if over else "the spec asks for another version"
    return _move(o, now, "Stable", "Baked", message, previous=None, rollout_started=None)


def _reject(o: DeploymentObserved, now: datetime, found: Finding, to: Phase, **changes: Any) -> Move:
    """A verdict, and away from the revision that earned it."""
    bad = (o.status.stable if o.status.phase == "Baking" else o.status.candidate) or _candidate(o)
    verdict = Verdict(
        revision=bad.revision,
        model_version=bad.model_version,
        digest=bad.digest,
        image=bad.image,
        resources=bad.resources,
        retry=o.deployment.spec.rollout.retry,
        reason=found.reason,
        message=found.message,
        time=timestamp(now),
        stored=found.reason == "RejectedRevision",
    )
    verdicts = [*o.status.verdicts, verdict][-20:]
    if to == "Pending":
        return _move(o, now, to, found.reason, found.message, warn=True, verdicts=verdicts, **changes)
    return _back(o, now, found.reason, f"{bad.model_version}: {found.message}", warn=True, verdicts=verdicts)


def _back(o: DeploymentObserved, now: datetime, cause: str, message: str, warn: bool, **changes: Any) -> Move:
    """Towards stable. After a promotion stable is the version before: it is still warm."""
    if o.status.phase == "Baking":
        changes |= {"stable": o.status.previous, "candidate": o.status.stable, "previous": None, "step": None}
    return _move(o, now, "RollingBack", cause, message, warn=warn, towards_stable=True, weight=0, **changes)


def _end_rollback(o: DeploymentObserved, now: datetime) -> Move | None:
    """Once the servers forward nothing more to it and its own connections are gone, the candidate goes."""
    stable, candidate = o.status.stable, o.status.candidate
    if stable is None or candidate is None:
        return None
    if not (
        _left(o, candidate, now)
        and (confirmed(o.pods, stable, o.status.epoch) or _since_step(o, now) >= UNCONFIRMED_SECONDS)
    ):
        return None
    if _interrupted(o, stable):
        return _again(o, now)
    message = f"{stable.model_version} serves alone"
    return _move(o, now, "Stable", "RollbackComplete", message, candidate=None, step=None, rollout_started=None)


def _interrupted(o: DeploymentObserved, stable: ServingRevision) -> bool:
    """Clients had no time to leave: the operator was away before the Service and every server were told. Held once, so
    that a server which takes no setting holds nothing up for ever."""
    told = o.front == stable.revision
    told = told and all(p.snapshot.epoch >= o.status.epoch for p in o.pods if p.ready and p.snapshot)
    return not told and [t.cause for t in o.status.history[-1:]] != [INTERRUPTED]


def _again(o: DeploymentObserved, now: datetime) -> Move:
    """The same phase from its start."""
    message = "the operator was away while clients were to change over: they are given their time again"
    return _move(o, now, o.status.phase, INTERRUPTED, message, same_traffic=True)


def _move(
    o: DeploymentObserved,
    now: datetime,
    to: Phase,
    cause: str,
    message: str,
    *,
    warn: bool = False,
    towards_stable: bool = False,
    same_traffic: bool = False,
    **changes: Any,
) -> Move:
    revision = o.status.candidate or changes.get("candidate") or o.status.stable
    entry = Transition(
        time=timestamp(now),
        from_=o.status.phase,
        to=to,
        cause=cause,
        message=message,
        revision=revision.revision if revision else None,
    )
    status = o.status.model_copy(
        update={
            "phase": to,
            "step_started": timestamp(now),
            "epoch": o.status.epoch if same_traffic else next_epoch(o),
            "history": [*o.status.history, entry][-20:],
            **changes,
        }
    )
    return Move(status, Event("Warning" if warn else "Normal", cause, message), towards_stable)


def _candidate(o: DeploymentObserved) -> ServingRevision:
    if o.status.candidate is None:
        raise ValueError(f"phase {o.status.phase} without a candidate")
    return o.status.candidate


def _since_step(o: DeploymentObserved, now: datetime) -> float:
    started = o.status.step_started
    return (now - parse_time(started)) / timedelta(seconds=1) if started else 0.0


def _looked_on(o: DeploymentObserved, now: datetime) -> float:
    """Seconds of this step in which evidence could be gathered: an absence of ours is no fault of the candidate's."""
    seen = (now - o.looked_on_since) / timedelta(seconds=1) if o.looked_on_since else inf
    return min(_since_step(o, now), seen)


def _left(o: DeploymentObserved, revision: ServingRevision | None, now: datetime) -> bool:
    """No client has been connected to the revision for a while, or it has had its time. Those who still arrive are sent
    by a kube-proxy that has not followed the Service yet, and would find nobody there once its pods are gone."""
    waited = _since_step(o, now)
    snapshots = [p.snapshot for p in pods_of(o.pods, revision) if p.snapshot]
    quiet = all(s.connections == 0 and s.idle >= SETTLE_SECONDS for s in snapshots)
    return (quiet and waited >= SETTLE_SECONDS) or waited >= DRAIN_SECONDS


def _deadline(o: DeploymentObserved) -> float:
    return float(o.deployment.spec.rollout.progress_deadline_seconds)


def _why_held(o: DeploymentObserved, found: Finding) -> str:
    stuck = trouble_of(o, o.status.candidate)
    return stuck.message if stuck else found.message or "its pods did not become Ready"
