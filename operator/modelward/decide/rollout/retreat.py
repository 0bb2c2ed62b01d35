"""Away from a revision: for harm, with a verdict; without one where the spec asks for something else."""

from datetime import datetime
from typing import Any

from modelward.api.model_deployment import Phase, ServingRevision, Verdict
from modelward.decide.conditions import timestamp
from modelward.decide.judge.evidence import Finding
from modelward.decide.observed import DeploymentObserved
from modelward.decide.pods import harm_of, pods_of, ready_pods
from modelward.decide.revision import rejection
from modelward.decide.traffic import confirmed

from .move import INTERRUPTED, Move, again, candidate_of, instead, move_to, no_way_back, on_trial, since_step
from .on_trial import found

UNCONFIRMED_SECONDS = 5.0
"""How long a rollback waits for servers to confirm before it takes the bad revision's pods away."""
SETTLE_SECONDS = 3.0
"""No client may have come for so long; kube-proxy mostly follows a Service's selector within a second."""
DRAIN_SECONDS = 30.0
"""The longest wait for clients to leave a revision that forwards everything already."""


def leave_candidate(o: DeploymentObserved, target: ServingRevision | None, now: datetime) -> Move | None:
    """The spec asks for something else now: no verdict, the candidate may come again."""
    candidate, stable = o.status.candidate, o.status.stable
    if target is None or candidate is None or stable is None or target.revision == candidate.revision:
        return None
    if o.status.rollback_to and rejection(o.deployment, target.revision):
        return None  # a person asked for the candidate instead
    if target.revision == stable.revision:
        return back(o, now, "Reverted", f"the spec asks for {stable.model_version} again")
    return back(o, now, "Superseded", f"{candidate.model_version} gives way to {target.model_version}")


def undo(o: DeploymentObserved, target: ServingRevision | None, now: datetime) -> Move | None:
    """The spec asks for the version before, which is still warm."""
    previous, stable = o.status.previous, o.status.stable
    if target is None or previous is None or stable is None or target.revision != previous.revision:
        return None
    if o.deployment.spec.rollout.undo != "Immediate" or not ready_pods(o.pods, previous):
        return None
    if rejection(o.deployment, previous.revision):
        return None
    return back(o, now, "Undone", f"the spec asks for {previous.model_version} again, which is still warm")


def judged(o: DeploymentObserved, now: datetime) -> Move | None:
    """Harm overrides everything, a pause included."""
    if no_way_back(o):
        return None
    finding = harm_of(pods_of(o.pods, on_trial(o))) or found(o)
    return reject(o, now, finding, "RollingBack") if finding.outcome == "Harm" else None


def reject(o: DeploymentObserved, now: datetime, found: Finding, to: Phase, **changes: Any) -> Move:
    """A verdict, and away from the revision that earned it."""
    bad = on_trial(o) or candidate_of(o)
    verdicts = [*o.status.verdicts, verdict_on(o, bad, found, now)][-20:]
    if to == "Pending":
        return move_to(to, o, now, found.reason, found.message, warn=True, verdicts=verdicts, **changes)
    message = f"{bad.model_version}: {found.message}"
    return back(o, now, found.reason, message, warn=True, verdicts=verdicts)


def set_aside(o: DeploymentObserved, now: datetime, cause: str, message: str) -> Move:
    """Back without a verdict: the revision is left alone until the spec asks for another one, or for another try. Where
    a person had set aside what the spec asks for, that stays."""
    bad, before = on_trial(o) or candidate_of(o), _aside_after(o)
    aside = before or verdict_on(o, bad, Finding("NoEvidence", cause, message), now)
    return back(o, now, cause, f"{bad.model_version}: {message}", warn=True, set_aside=aside)


def back(o: DeploymentObserved, now: datetime, cause: str, message: str, warn: bool = False, **changes: Any) -> Move:
    """Towards stable. After a promotion stable is the version before: it is still warm."""
    if o.status.phase == "Baking":
        changes |= {"stable": o.status.previous, "candidate": o.status.stable, "previous": None, "step": None}
    changes = {"rollback_to": None, "paused": None, "set_aside": _aside_after(o), **changes}
    return move_to("RollingBack", o, now, cause, message, warn=warn, towards_stable=True, weight=0, **changes)


def _aside_after(o: DeploymentObserved) -> Verdict | None:
    """What stays set aside: not the version that is to serve again."""
    serves, aside = instead(o), o.status.set_aside
    return None if serves and aside and aside.revision == serves.revision else aside


def end_rollback(o: DeploymentObserved, now: datetime) -> Move | None:
    """Once the servers forward nothing more to it and its own connections are gone, the candidate goes."""
    stable, candidate = o.status.stable, o.status.candidate
    if stable is None or candidate is None:
        return None
    if not (
        left(o, candidate, now)
        and (confirmed(o.pods, stable, o.status.epoch) or since_step(o, now) >= UNCONFIRMED_SECONDS)
    ):
        return None
    if interrupted(o, stable):
        return again(o, now)
    message = f"{stable.model_version} serves alone"
    return move_to("Stable", o, now, "RollbackComplete", message, candidate=None, step=None, rollout_started=None)


def interrupted(o: DeploymentObserved, stable: ServingRevision) -> bool:
    """Clients had no time to leave: the Service does not lead elsewhere yet, or a server was not told. For servers it
    is held once, so that one which takes no setting holds nothing up for ever."""
    if o.front != stable.revision and not o.taken:
        return True
    told = all(p.snapshot.epoch >= o.status.epoch for p in o.pods if p.ready and p.snapshot)
    return not told and [t.cause for t in o.status.history[-1:]] != [INTERRUPTED]


def left(o: DeploymentObserved, revision: ServingRevision | None, now: datetime) -> bool:
    """No client has been connected to the revision for a while, or it has had its time. Those who still arrive are sent
    by a kube-proxy that has not followed the Service yet, and would find nobody there once its pods are gone."""
    waited = since_step(o, now)
    snapshots = [p.snapshot for p in pods_of(o.pods, revision) if p.snapshot]
    quiet = all(s.connections == 0 and s.idle >= SETTLE_SECONDS for s in snapshots)
    return (quiet and waited >= SETTLE_SECONDS) or waited >= DRAIN_SECONDS


def verdict_on(o: DeploymentObserved, bad: ServingRevision, found: Finding, now: datetime) -> Verdict:
    return Verdict(
        revision=bad.revision,
        model_version=bad.model_version,
        digest=bad.digest,
        image=bad.image,
        resources=bad.resources,
        batching=bad.batching,
        limits=bad.limits,
        retry=max(bad.retry, o.deployment.spec.rollout.retry),
        reason=found.reason,
        message=found.message,
        time=timestamp(now),
        stored=found.reason == "RejectedRevision",
    )
