"""What a ModelDeployment's status tells: as JSON, and of that as text."""

from collections.abc import Iterator
from datetime import timedelta

from modelward.api import ModelDeployment
from modelward.api.model_deployment import Action, ServingRevision, Transition, Verdict
from modelward.decide.conditions import timestamp
from modelward.decide.durations import seconds
from modelward.decide.judge.remembered import remembered
from modelward.decide.judge.terms import Terms
from modelward.decide.observed import parse_time
from modelward.decide.rollout.on_trial import TRIAL, numbers_of
from modelward.names import ACTION
from modelward_contracts.trace import traces_of

from .cluster import Story, printable
from .in_words import compared, moment


def story_of(deployment: ModelDeployment) -> Story:
    """What serves and why, what is on trial and what it waits for, what was decided, what is held against whom."""
    status = deployment.status
    progressing = status.condition("Progressing")
    return {
        "namespace": deployment.metadata.namespace,
        "name": deployment.metadata.name,
        "phase": status.phase,
        "serving": _serving(deployment),
        "onTrial": _on_trial(deployment),
        "waitsFor": progressing.message if progressing and progressing.status == "True" else None,
        "problems": _problems(deployment),
        "history": _history(deployment),
        "verdicts": [_held_against(deployment, verdict) for verdict in status.verdicts],
        "setAside": _held_against(deployment, status.set_aside) if status.set_aside else None,
        "traces": _traces(deployment),
    }


def _problems(deployment: ModelDeployment) -> list[Story]:
    """What is not as the spec asks for, or what only a change of the spec helps against."""
    ready, stalled = (deployment.status.condition(type_) for type_ in ("Ready", "Stalled"))
    wrong = [ready] if ready and ready.status == "False" else []
    if stalled and stalled.status == "True" and not wrong:
        wrong.append(stalled)
    return [{"reason": condition.reason, "message": condition.message} for condition in wrong]


def _serving(deployment: ModelDeployment) -> Story | None:
    stable = deployment.status.stable
    if stable is None:
        return None
    since, why = _put_in_service(deployment, stable)
    return {**_identity(stable), "since": since, "why": _entry(why) if why else None}


def _put_in_service(deployment: ModelDeployment, stable: ServingRevision) -> tuple[str, Transition | None]:
    """When it came into service, and the move that decided it, if that is still known."""
    history = deployment.status.history
    for index in range(len(history) - 1, -1, -1):
        move = history[index]
        if move.from_ == "Baking" and move.to == "RollingBack":
            return move.time, move  # the one that was being watched went
        if move.time == stable.since and move.to in ("Stable", "Baking"):
            decided = (m for m in reversed(history[:index]) if m.to == "Promoting" and m.from_ != "Promoting")
            return move.time, next(decided, move) if move.cause == "Promoted" else move
    return stable.since, None


def _on_trial(deployment: ModelDeployment) -> Story | None:
    status, spec = deployment.status, deployment.spec
    if status.phase == "Baking" and status.stable and status.previous:
        began = status.step_started
        bake = timedelta(seconds=seconds(spec.rollout.bake_time))
        ends = timestamp(parse_time(began) + bake) if began else None
        return {**_identity(status.stable), "watchedUntil": ends, "warm": _identity(status.previous)}
    if status.candidate is None:
        return None
    numbers = numbers_of(remembered(status.trial), Terms.of(spec.analysis)) if status.phase in TRIAL else None
    return {
        **_identity(status.candidate),
        "since": status.rollout_started,
        "weight": status.weight,
        "step": None if status.step is None else status.step + 1,
        "steps": len(spec.rollout.steps),
        "evidence": numbers,
        "compared": compared(numbers),
    }


def _history(deployment: ModelDeployment) -> list[Story]:
    """The oldest first; what was asked for and refused stands among it."""
    status = deployment.status
    refused = [_refused(action) for action in status.actions if not action.done]
    return sorted([*map(_entry, status.history), *refused], key=lambda entry: str(entry["time"]))


def _entry(move: Transition) -> Story:
    return {**move.wire(), "compared": compared(move.evidence)}


def _refused(action: Action) -> Story:
    told = {"time": action.time, "cause": "ActionRefused", "message": action.message, "compared": []}
    return told | ({"requestedBy": action.requested_by} if action.requested_by else {})


def _held_against(deployment: ModelDeployment, verdict: Verdict) -> Story:
    metadata = deployment.metadata
    known = [v.retry for v in deployment.status.verdicts if v.revision == verdict.revision]
    again = None
    if verdict.binds(deployment.spec.rollout.retry):
        again = (
            f"deploy another version, or set spec.rollout.retry to {max([verdict.retry, *known]) + 1}, or once by hand:"
            f" kubectl annotate mdep {metadata.name} --namespace {metadata.namespace} --overwrite"
            f' {ACTION}="retry {verdict.revision}"'
        )
    return {
        "modelVersion": verdict.model_version,
        "revision": verdict.revision,
        "reason": verdict.reason,
        "message": verdict.message,
        "time": verdict.time,
        "stored": verdict.stored,
        "tryAgain": again,
    }


def _traces(deployment: ModelDeployment) -> list[str]:
    """Folders in the store, of versions that were compared with another."""
    metadata = deployment.metadata
    compared_with = (move.revision for move in deployment.status.history if move.revision and move.evidence)
    return [f"{metadata.namespace}/{traces_of(metadata.name, revision)}" for revision in dict.fromkeys(compared_with)]


def _identity(revision: ServingRevision) -> Story:
    return {"modelVersion": revision.model_version, "version": revision.version, "revision": revision.revision}


def text_of(story: Story) -> str:
    return "\n".join(map(printable, _lines(story)))


def _lines(story: Story) -> Iterator[str]:
    yield from _serves(story)
    yield from _is_tried(story)
    for problem in story["problems"]:
        yield f"{problem['reason']}: {problem['message']}"
    if story["history"]:
        yield ""
        yield "What was decided, the newest last (times in UTC):"
    for entry in story["history"]:
        yield f"  {moment(entry['time'])}  {entry['cause']}: {entry['message']}"
        yield from (f"    {line}" for line in entry["compared"])
    held = [*story["verdicts"], *([story["setAside"]] if story["setAside"] else [])]
    if held:
        yield ""
        yield "Held against versions:"
    for verdict in held:
        yield from _held(verdict, aside=verdict is story["setAside"])
    if story["traces"]:
        yield ""
        yield "What was looked at, in the store once a trial is over (`python -m modelward replay` judges it again):"
        yield from (f"  {folder}" for folder in story["traces"])


def _serves(story: Story) -> Iterator[str]:
    of, serving = f"{story['namespace']}/{story['name']}", story["serving"]
    if serving is None:
        yield f"{of}: nothing serves yet"
        return
    yield f"{of}: {_named(serving)} serves since {moment(serving['since'])} UTC"
    if why := serving["why"]:
        yield f"  because: {why['message']} ({why['cause']})"
        yield from (f"    {line}" for line in why["compared"])
    if because := serving.get("trainedBecause"):
        yield f"  it was trained because: {because}"


def _is_tried(story: Story) -> Iterator[str]:
    tried, phase = story["onTrial"], story["phase"]
    if tried is None or phase == "RollingBack":
        if story["waitsFor"]:
            yield f"  {story['waitsFor']}"
    elif phase == "Baking":
        until = f" until {moment(tried['watchedUntil'])} UTC" if tried["watchedUntil"] else ""
        yield f"  it is watched{until}; {_named(tried['warm'])} stays warm"
    else:
        since = f" since {moment(tried['since'])} UTC" if tried["since"] else ""
        yield f"{_named(tried)} is on trial{since} ({phase}, {tried['weight']} % of requests)"
        if story["waitsFor"]:
            yield f"  {story['waitsFor']}"
        yield from (f"    {line}" for line in tried["compared"])


def _held(verdict: Story, aside: bool) -> Iterator[str]:
    kept = "set aside, without a verdict" if aside else "a verdict"
    if not aside:
        kept += ", in the store too" if verdict["stored"] else ", not in the store yet"
    yield f"  {moment(verdict['time'])}  {_named(verdict)}, {verdict['reason']}: {verdict['message']} ({kept})"
    yield f"    {verdict['tryAgain'] or 'lifted: it is tried again as soon as the spec asks for it'}"


def _named(revision: Story) -> str:
    return f"{revision['modelVersion']} (revision {revision['revision']})"
