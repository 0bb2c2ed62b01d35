"""One move of the rollout, and what every move asks of the time and of the status."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from typing import Any

from modelward.api.model_deployment import ModelDeploymentStatus, Phase, ServingRevision, Transition
from modelward.decide.conditions import timestamp
from modelward.decide.observed import DeploymentObserved, parse_time
from modelward.decide.plan import Event
from modelward.decide.pods import ready_pods
from modelward.decide.traffic import next_epoch

from .on_trial import TRIAL, numbers

INTERRUPTED = "Interrupted"
KNOWN = 10
"""So many revisions that have served well are remembered."""


@dataclass(frozen=True)
class Move:
    """The status after it, what to tell, and whether it leads towards stable."""

    status: ModelDeploymentStatus
    event: Event
    towards_stable: bool = False


def move_to(
    to: Phase,
    o: DeploymentObserved,
    now: datetime,
    cause: str,
    message: str,
    *,
    warn: bool = False,
    towards_stable: bool = False,
    same_traffic: bool = False,
    **changes: Any,
) -> Move:
    """`changes`: of the status."""
    revision = o.status.candidate or changes.get("candidate") or o.status.stable
    entry = Transition(
        time=timestamp(now),
        from_=o.status.phase,
        to=to,
        cause=cause,
        message=message,
        revision=revision.revision if revision else None,
        evidence=numbers(o),
    )
    status = o.status.model_copy(
        update={
            "phase": to,
            "step_started": timestamp(now),
            "routing": o.status.routing if to in TRIAL else None,
            "epoch": o.status.epoch if same_traffic else next_epoch(o),
            "history": [*o.status.history, entry][-20:],
            **changes,
        }
    )
    return Move(status, Event("Warning" if warn else "Normal", cause, message), towards_stable)


def again(o: DeploymentObserved, now: datetime) -> Move:
    """The same phase from its start."""
    message = "clients were to change over and could not, or were not told to: they are given their time again"
    return move_to(o.status.phase, o, now, INTERRUPTED, message, same_traffic=True)


def in_service(revision: ServingRevision, now: datetime) -> ServingRevision:
    return revision.model_copy(update={"since": timestamp(now)})


def served(o: DeploymentObserved, revision: ServingRevision | None) -> list[ServingRevision]:
    """The revisions with a good record, `revision` the newest of them."""
    if revision is None:
        return o.status.served
    others = [r for r in o.status.served if r.revision != revision.revision]
    return [*others, revision][-KNOWN:]


def candidate_of(o: DeploymentObserved) -> ServingRevision:
    if o.status.candidate is None:
        raise ValueError(f"phase {o.status.phase} without a candidate")
    return o.status.candidate


def on_trial(o: DeploymentObserved) -> ServingRevision | None:
    """What is tried, or watched after its promotion."""
    return o.status.stable if o.status.phase == "Baking" else o.status.candidate


def instead(o: DeploymentObserved) -> ServingRevision | None:
    """What would serve instead of it."""
    return o.status.previous if o.status.phase == "Baking" else o.status.stable


def no_way_back(o: DeploymentObserved) -> bool:
    """Nobody goes back to a version that has no Ready pod from one that has."""
    return not ready_pods(o.pods, instead(o)) and ready_pods(o.pods, on_trial(o)) > 0


def since_step(o: DeploymentObserved, now: datetime) -> float:
    """Seconds."""
    started = o.status.step_started
    return (now - parse_time(started)) / timedelta(seconds=1) if started else 0.0


def looked_on(o: DeploymentObserved, now: datetime) -> float:
    """Seconds of this step in which evidence could be gathered: an absence of ours is no fault of the candidate's."""
    seen = (now - o.looked_on_since) / timedelta(seconds=1) if o.looked_on_since else inf
    return min(since_step(o, now), seen)
