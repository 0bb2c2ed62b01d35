"""The rollout's state machine: (observed, target, now) → the next move, or none.

    Pending ──ready──▶ Stable ──new revision──▶ Canary ──steps passed──▶ Promoting ──▶ Baking ──▶ Stable
                         ▲                     │  ▲ │                        │            │
                         │                Paused──┘ └──harm, deadline, ──────┴────────────┘
                         └────── RollingBack ◀───────  reverted, superseded, aborted

Each move is written as one status patch before it is acted on, except that a move towards stable is pushed to the
servers first. Children and traffic follow from the status alone (`model_deployment`, `traffic`), so a crash between
any two writes only repeats what is already so.

    start      nothing serves yet, or something else is asked for
    trial      steps: judged, held, moved on
    approval   a trial that waits for a person's word, on it or on the version itself
    deadline   a trial that comes to no conclusion
    promotion  full width, all traffic, the time it is watched on
    actions    what a person asks for by annotation, in any phase; by_hand: what each verb does
    retreat    away from a revision
    liveness   what is down is replaced by what is Ready
    healing    a status that no move leads to
"""

from datetime import datetime

from modelward.api.model_deployment import ServingRevision
from modelward.decide.observed import DeploymentObserved

from .actions import asked
from .approval import approved_before
from .deadline import at_the_deadline
from .healing import heal
from .liveness import replace_what_is_down, take_over_without_pods
from .move import INTERRUPTED, Move
from .promotion import end_bake, promote
from .retreat import end_rollback, judged, leave_candidate, undo
from .start import first, start
from .trial import hold, paused_by_hand, step

__all__ = ["INTERRUPTED", "Move", "next_move"]


def next_move(o: DeploymentObserved, target: ServingRevision | None, now: datetime) -> Move | None:
    """At most one move a time; `target` is None while the version asked for cannot be resolved."""
    if healed := heal(o, now):
        return healed
    if o.deployment.spec.replicas == 0 and (move := take_over_without_pods(o, target, now)):
        return move
    match o.status.phase:
        case "Pending":
            return asked(o, target, now) or first(o, target, now)
        case "Stable":
            return asked(o, target, now) or start(o, target, now)
        case "Canary" | "Paused":
            return (
                leave_candidate(o, target, now)
                or judged(o, now)
                or asked(o, target, now)
                or approved_before(o, now)
                or replace_what_is_down(o, now)
                or hold(o, now)
                or at_the_deadline(o, now)
                or step(o, now)
            )
        case "Promoting":
            return (
                leave_candidate(o, target, now)
                or judged(o, now)
                or asked(o, target, now)
                or replace_what_is_down(o, now)
                or (None if paused_by_hand(o) else at_the_deadline(o, now) or promote(o, now))
            )
        case "Baking":
            return (
                judged(o, now)
                or asked(o, target, now)
                or replace_what_is_down(o, now)
                or undo(o, target, now)
                or (None if paused_by_hand(o) else end_bake(o, target, now))
            )
        case "RollingBack":
            return asked(o, target, now) or end_rollback(o, now)
