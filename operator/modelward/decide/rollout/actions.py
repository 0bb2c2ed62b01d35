"""What a person asks of a rollout by annotation, in any phase and without a write to the spec.

    modelward.dev/action: "VERB REVISION [reason]"
    modelward.dev/requested-by: "NAME"

It names the revision it acts on, and the same words never act twice (`status.actions`), so that an old one which a
backup or a GitOps tool brings back does nothing; what is found where nothing serves yet is answered and never acts
later. `pause` and `resume`, which undo each other, may alternate in the same words. What cannot be done is answered
once, with what to do instead. Harm comes before every action.
"""

from dataclasses import replace
from datetime import datetime

from modelward.api.model_deployment import Action, ServingRevision
from modelward.decide.conditions import timestamp
from modelward.decide.observed import DeploymentObserved
from modelward.decide.plan import Event
from modelward.errors import Refused
from modelward.names import ACTION, REQUESTED_BY, short_hash

from .by_hand import REFUSED, VERBS, Request, unknown
from .move import Move

SWITCHES = ("pause", "resume")
REMEMBERED = 20


def asked(o: DeploymentObserved, target: ServingRevision | None, now: datetime) -> Move | None:
    """The move that a new annotation asks for, or the answer why there is none."""
    request = _read(o, target, now)
    if request is None or _answered(request):
        return None
    try:
        move = _signed(VERBS.get(request.verb, unknown)(request), request)
    except Refused as problem:
        message = f"{f'{request.verb} {request.revision}'.strip()}: {problem} (to ask again, add another reason)"
        return _remembered(Move(o.status, Event("Warning", REFUSED, message)), request, done=False)
    return _remembered(move, request, done=True)


def answer(o: DeploymentObserved) -> Action | None:
    """What came of the annotation as it stands."""
    words = _words(o)
    return next((a for a in reversed(o.status.actions) if words and a.id == short_hash(*words)), None)


def _words(o: DeploymentObserved) -> list[str]:
    return o.deployment.metadata.annotations.get(ACTION, "").split()


def _read(o: DeploymentObserved, target: ServingRevision | None, now: datetime) -> Request | None:
    words = _words(o)
    if not words:
        return None
    by = " ".join(o.deployment.metadata.annotations.get(REQUESTED_BY, "").split())
    return Request(
        o,
        target,
        now,
        id=short_hash(*words),
        verb=words[0].lower()[:32],
        revision=" ".join(words[1:2])[:256],
        reason=" ".join(words[2:])[:512] or None,
        by=by[:256] or None,
        # What a deployment was created with has passed no check.
        verified=o.actions_verified and bool(by) and o.status.phase != "Pending",
    )


def _answered(request: Request) -> bool:
    known = request.status.actions
    if request.verb in SWITCHES:
        known = [action for action in known if action.verb in SWITCHES][-1:]
    return any(action.id == request.id for action in known)


def _remembered(move: Move, request: Request, *, done: bool) -> Move:
    action = Action(
        id=request.id,
        verb=request.verb,
        revision=request.revision,
        reason=request.reason,
        requested_by=request.by,
        verified=request.verified,
        time=timestamp(request.now),
        done=done,
        message=move.event.message[:4096],
    )
    actions = [*request.status.actions, action][-REMEMBERED:]
    return replace(move, status=move.status.model_copy(update={"actions": actions}))


def _signed(move: Move, request: Request) -> Move:
    """Who asked for it, and why, in its transition and its Event."""
    name = f"by {request.by}" + ("" if request.verified else " (unverified)")
    who = name if request.by else "by annotation"
    message = f"{move.event.message}; asked for {who}" + (f": {request.reason}" if request.reason else "")
    told = {"message": message, "requested_by": request.by, "verified": request.verified, "reason": request.reason}
    *before, last = move.status.history
    status = move.status.model_copy(update={"history": [*before, last.model_copy(update=told)]})
    return replace(move, status=status, event=replace(move.event, message=message))
