"""What each action does to a rollout. Raises Refused where the present state does not allow it, and says what would."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from modelward.api.model_deployment import ModelDeploymentStatus, ServingRevision, Verdict
from modelward.decide.judge.evidence import Finding
from modelward.decide.observed import DeploymentObserved
from modelward.decide.pods import ready_pods
from modelward.decide.revision import rejection
from modelward.errors import Refused

from .approval import unapproved
from .move import Move, candidate_of, instead, move_to, no_way_back, on_trial, served
from .on_trial import TRIAL
from .retreat import back, set_aside, verdict_on
from .start import BY_HAND, bring_back
from .trial import pass_step, paused, paused_by_hand

REFUSED = "ActionRefused"


@dataclass(frozen=True)
class Request:
    """The annotation, read, and what it is decided from."""

    o: DeploymentObserved
    target: ServingRevision | None
    now: datetime
    id: str
    verb: str
    revision: str
    reason: str | None
    by: str | None
    verified: bool

    @property
    def status(self) -> ModelDeploymentStatus:
        return self.o.status


def _promote(on: Request) -> Move:
    """Out of the step in force. A pause goes on in the next."""
    _of_a_trial(on)
    if on.status.phase == "Promoting":
        raise Refused(REFUSED, f"{candidate_of(on.o).model_version} is being promoted already")
    _require_ready(on)
    return pass_step(on.o, on.now)


def _promote_fully(on: Request) -> Move:
    """Past every step that is left, and every pause."""
    candidate = _of_a_trial(on)
    if on.status.phase == "Promoting" and not paused_by_hand(on.o):
        raise Refused(REFUSED, f"{candidate.model_version} is being promoted already")
    _require_ready(on)
    message = f"{candidate.model_version} goes to full width, whatever steps are left"
    return move_to("Promoting", on.o, on.now, "PromotedByHand", message, paused=None)


def _approve(on: Request) -> Move:
    candidate = _of_a_trial(on)
    if not unapproved(on.o):
        why = "it is approved already" if on.status.approved == on.revision else "it needs no approval"
        raise Refused(REFUSED, why)
    message = f"{candidate.model_version} may have requests"
    return move_to(on.status.phase, on.o, on.now, "Approved", message, same_traffic=True, approved=on.revision)


def _abort(on: Request) -> Move:
    """Back without a verdict: set aside until the spec asks for another version, or `retry` for this one."""
    if on.status.phase == "Baking":
        if on.status.stable is None or on.status.stable.revision != on.revision:
            raise Refused(REFUSED, _nothing_of(on))
    elif on.status.phase == "RollingBack" and candidate_of(on.o).revision == on.revision:
        raise Refused(REFUSED, "traffic leaves it already")
    else:
        _of_a_trial(on)
    _require_a_way_back(on)
    return set_aside(on.o, on.now, "Aborted", "a person ended its rollout")


def _retry(on: Request) -> Move:
    """Lift what keeps the revision from being tried, once: what it earns then holds again."""
    against = rejection(on.o.deployment, on.revision)
    if against is None:
        raise Refused(REFUSED, f"nothing is held against it{_known_against(on)}")
    verdicts = [v.model_copy(update={"lifted": True}) if v.revision == on.revision else v for v in on.status.verdicts]
    aside = on.status.set_aside
    return _noted(
        on,
        "Retried",
        f"{against.model_version} is tried again, in steps, as soon as the spec asks for it",
        verdicts=verdicts,
        set_aside=None if aside and aside.revision == on.revision else aside,
        served=[r for r in on.status.served if r.revision != on.revision],
        rollback_to=on.status.rollback_to if on.status.phase in TRIAL else None,
    )


def _rollback(on: Request) -> Move:
    """To a version that was in service here, at once; what the spec asks for is set aside."""
    status, to = on.status, _with_a_good_record(on)
    aside = _aside(on, to)
    if status.phase in TRIAL and candidate_of(on.o).revision == to.revision:
        return _promote_fully(replace(on, revision=to.revision))
    serves = status.stable is not None and status.stable.revision == to.revision
    wish: dict[str, Any] = {} if serves else {"rollback_to": to.revision, "served": served(on.o, to)}
    if status.phase in TRIAL:
        _require_a_way_back(on)
        leaves = f"{candidate_of(on.o).model_version} gives way to {to.model_version}"
        return back(on.o, on.now, BY_HAND, leaves, set_aside=aside, **wish)
    if serves and aside == status.set_aside:
        raise Refused(REFUSED, f"{to.model_version} serves already")
    if status.phase == "Baking" and to == status.previous and ready_pods(on.o.pods, to):
        return back(on.o, on.now, BY_HAND, f"{to.model_version} serves again", set_aside=aside)
    if status.phase == "Stable" and not serves:
        return bring_back(on.o, to, on.now, set_aside=aside)
    stays = f"{to.model_version} stays" if serves else f"{to.model_version} comes back next"
    return _noted(on, BY_HAND, stays, set_aside=aside, **wish)


def _pause(on: Request) -> Move:
    if on.status.phase == "Baking" and on.status.stable and on.status.stable.revision == on.revision:
        version = on.status.stable.model_version
    else:
        version = _of_a_trial(on).model_version
    if on.status.paused == on.revision:
        raise Refused(REFUSED, f"{version} is paused already")
    if on.status.phase == "Canary":
        message = f"{version} is held at {on.status.weight} %"
        return move_to("Paused", on.o, on.now, "Paused", message, same_traffic=True, paused=on.revision)
    return _noted(on, "Paused", f"{version} is held where it is ({on.status.phase})", paused=on.revision)


def _resume(on: Request) -> Move:
    """Its step, or its bake, begins anew: what happened meanwhile was no part of it."""
    if on.status.paused != on.revision:
        if paused(on.o):
            raise Refused(REFUSED, "spec.paused holds it: set it to false")
        raise Refused(REFUSED, f"it is not paused{_known_on_trial(on)}")
    if on.o.deployment.spec.paused:
        return _noted(on, "Resumed", "a person holds it no longer, but spec.paused does", paused=None)
    to = "Canary" if on.status.phase == "Paused" else on.status.phase
    return move_to(to, on.o, on.now, "Resumed", "it goes on", same_traffic=True, paused=None)


def unknown(_: Request) -> Move:
    raise Refused(REFUSED, f'no such action: write "VERB REVISION [reason]" with one of {", ".join(VERBS)}')


VERBS: dict[str, Callable[[Request], Move]] = {
    "promote": _promote,
    "promote-full": _promote_fully,
    "approve": _approve,
    "abort": _abort,
    "retry": _retry,
    "rollback": _rollback,
    "pause": _pause,
    "resume": _resume,
}


def _noted(on: Request, cause: str, message: str, **changes: Any) -> Move:
    """A change that moves neither phase nor traffic, and starts no step anew."""
    since = on.status.step_started
    return move_to(on.status.phase, on.o, on.now, cause, message, same_traffic=True, step_started=since, **changes)


# What is asked of the present state


def _of_a_trial(on: Request) -> ServingRevision:
    candidate = on.status.candidate if on.status.phase in TRIAL else None
    if candidate is None or candidate.revision != on.revision:
        raise Refused(REFUSED, _nothing_of(on))
    return candidate


def _nothing_of(on: Request) -> str:
    status = on.status
    if status.stable and status.stable.revision == on.revision:
        return "it serves already; `rollback VERSION` brings another one back"
    return f"it is not on trial{_known_on_trial(on)}"


def _known_on_trial(on: Request) -> str:
    tried = on_trial(on.o)
    if tried is None or on.status.phase not in (*TRIAL, "Baking"):
        return "; nothing is being rolled out"
    return f"; {tried.model_version} is, and its revision is {tried.revision}"


def _known_against(on: Request) -> str:
    against = rejection(on.o.deployment, on.target.revision) if on.target else None
    return f"; against {against.model_version}, revision {against.revision}, there is" if against else ""


def _require_ready(on: Request) -> None:
    if unapproved(on.o):
        raise Refused(REFUSED, f"spec.rollout.approval is Required: `approve {on.revision}` comes first")
    if not ready_pods(on.o.pods, on.status.candidate):
        raise Refused(REFUSED, f"no pod of {candidate_of(on.o).model_version} is Ready: nothing could answer")


def _require_a_way_back(on: Request) -> None:
    """What serves is not left for a version without a Ready pod."""
    answers = on.status.phase == "Baking" or on.status.weight
    if not answers or not no_way_back(on.o):
        return
    other = instead(on.o)
    name = other.model_version if other else "the version before"
    raise Refused(REFUSED, f"no pod of {name} is Ready: nothing could serve instead")


def _with_a_good_record(on: Request) -> ServingRevision:
    """By revision, by number, or by the ModelVersion's name; of several the one that served last."""
    status = on.status
    if status.stable is None:
        raise Refused(REFUSED, "nothing serves yet")
    known = [r for r in (*status.served, status.previous, status.stable) if r]
    found = next((r for r in reversed(known) if on.revision in (r.revision, str(r.version), r.model_version)), None)
    if found is None:
        there_are = ", ".join(dict.fromkeys(str(r.version) for r in known)) or "none"
        raise Refused(
            REFUSED, f"no such version was in service here (there are {there_are}): set spec.modelRef.version to try it"
        )
    if rejected := rejection(on.o.deployment, found.revision):
        raise Refused(REFUSED, f"it was rolled back itself ({rejected.reason}): `retry {found.revision}` comes first")
    return found


def _aside(on: Request, to: ServingRevision) -> Verdict | None:
    """What the spec asks for must not come again by itself."""
    target = on.target or on.status.candidate or on.status.stable
    if target is None or target.revision == to.revision or rejection(on.o.deployment, target.revision):
        return on.status.set_aside
    finding = Finding("NoEvidence", BY_HAND, f"a person asked for {to.model_version} instead")
    return verdict_on(on.o, target, finding, on.now)
