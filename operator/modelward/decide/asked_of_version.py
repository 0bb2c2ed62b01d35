"""What a person asks of a ModelVersion by annotation, without a write to the spec.

    modelward.dev/action: "VERB WHAT [reason]"
    modelward.dev/requested-by: "NAME"
    modelward.dev/requested-at: "anything that it was not before", to ask for the same again

What is done becomes a word in the status, which nobody changes any more. The same words never act twice, and what a
version was created with never acts: a copy, out of a backup say, tells nothing of today, and has passed no check. What
cannot be done is answered once, with what to do instead.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from modelward.api import ModelVersion
from modelward.api.common import ALIAS, ConditionStatus
from modelward.api.model_version import WHY, WORDS, AliasWord, ModelVersionStatus, Word
from modelward.decide.aliases import held, holder, moment
from modelward.decide.conditions import drop_condition, set_condition, timestamp
from modelward.decide.plan import Event
from modelward.errors import Refused
from modelward.names import ACTION, REQUESTED_AT, REQUESTED_BY, short_hash

REFUSED = "ActionRefused"
REMEMBERED = 20


@dataclass(frozen=True)
class Asked:
    """The annotations, read, and what they are decided from."""

    version: ModelVersion
    versions: tuple[ModelVersion, ...] = field(repr=False)
    """Of its model."""
    id: str
    verb: str
    what: str
    word: Word

    @property
    def name(self) -> str:
        return self.version.metadata.name


Done = tuple[str, str, dict[str, Any]]
"""reason of its Event, message, changes of the status"""


def answered(
    version: ModelVersion, versions: tuple[ModelVersion, ...], asked_at: str | None, verified: bool, now: datetime
) -> tuple[ModelVersionStatus, tuple[Event, ...]]:
    """The status with the answer to what is asked for now. `asked_at`: when, as the API server has it; `verified`: it
    proves names."""
    status, words = version.status, words_of(version.metadata.annotations)
    if not words:
        return status.model_copy(update={"conditions": drop_condition(status.conditions, "ActionDone")}), ()
    asked = _read(version, versions, words, asked_at or timestamp(now), verified)
    if asked.id in status.answered:
        return status, ()
    try:
        reason, message, changes = _act(asked)
    except Refused as problem:
        said = f"{f'{asked.verb} {asked.what}'.strip()}: {problem}"
        return _told(asked, "False", "Refused", said, now), (Event("Warning", REFUSED, said[:1024]),)
    message += asked.word.signed
    return _told(asked, "True", "Done", message, now, **changes), (Event("Normal", reason, message[:1024]),)


def words_of(annotations: Mapping[str, str]) -> list[str]:
    return annotations.get(ACTION, "").split()


def id_of(annotations: Mapping[str, str]) -> str:
    """Of what is asked for; nothing, where nothing is."""
    words = words_of(annotations)
    return short_hash(*words, annotations.get(REQUESTED_AT, "")) if words else ""


def _read(
    version: ModelVersion, versions: tuple[ModelVersion, ...], words: list[str], time: str, verified: bool
) -> Asked:
    annotations = version.metadata.annotations
    by = " ".join(annotations.get(REQUESTED_BY, "").split())[:256] or None
    word = Word(time=time, by=by, verified=verified and by is not None, why=" ".join(words[2:])[:WHY] or None)
    what = " ".join(words[1:2])[:256]
    return Asked(version, versions, id_of(annotations), words[0].lower()[:32], what, word)


def _act(asked: Asked) -> Done:
    if asked.version.status.observed_generation is None:
        raise Refused(REFUSED, "it stood there before this version was first looked at: ask again")
    return VERBS.get(asked.verb, _unknown)(asked)


def _told(
    asked: Asked, status: ConditionStatus, reason: str, message: str, now: datetime, **changes: Any
) -> ModelVersionStatus:
    before, generation = asked.version.status, asked.version.metadata.generation
    conditions = set_condition(before.conditions, "ActionDone", status, reason, message, generation, now)
    ids = [*before.answered, asked.id][-REMEMBERED:]
    return before.model_copy(update={"conditions": conditions, "answered": ids, **changes})


# What each verb does. Raises Refused where it cannot be done, and says what can.


def _alias(asked: Asked) -> Done:
    name, model, status = asked.what, asked.version.spec.model_name, asked.version.status
    if not re.fullmatch(ALIAS, name) or name == "latest":
        raise Refused(
            REFUSED,
            "an alias is a word of at most 32 lower-case letters, digits and dashes that starts with a letter, such as"
            " champion, and not latest",
        )
    holds = holder(name, asked.versions)
    if holds and holds[0].metadata.name == asked.name:
        raise Refused(REFUSED, f"{asked.name} is {name} already")
    before = holds[0].metadata.name if holds else None
    word = _alias_word(asked, before=before)
    if holds and moment(holds[1]) > moment(word):
        raise Refused(REFUSED, f"{before} was made {name} later than this was asked for")
    _require_room(status.aliases, len(held(status.aliases)) + 1)
    message = f"{asked.name} is {name} of {model}" + (f", in place of {before}" if before else "")
    return "AliasSet", message, {"aliases": [*status.aliases, word]}


def _unalias(asked: Asked) -> Done:
    name, status = asked.what, asked.version.status
    if name not in [word.name for word in held(status.aliases)]:
        holds = holder(name, asked.versions)
        who = f"{holds[0].metadata.name} is" if holds else "no version is"
        raise Refused(REFUSED, f"{asked.name} is not {name}; {who}")
    message = f"{asked.name} is not {name} of {asked.version.spec.model_name} any more"
    return "AliasRemoved", message, {"aliases": [*status.aliases, _alias_word(asked, removed=True)]}


def _alias_word(asked: Asked, **more: Any) -> AliasWord:
    version = asked.version.metadata.resource_version
    order = int(version) if version.isdigit() else 0
    return AliasWord(**dict(asked.word) | more, name=asked.what, order=order)


def _approve(asked: Asked) -> Done:
    _require_digest(asked)
    approvals = asked.version.status.approvals
    if before := asked.version.status.approval:
        raise Refused(REFUSED, f"{asked.name} is approved already{f', by {before.by}' if before.by else ''}")
    _require_room(approvals, 1)
    return "VersionApproved", f"{asked.name} is approved", {"approvals": [*approvals, asked.word]}


def _withdraw(asked: Asked) -> Done:
    _require_digest(asked)
    if asked.version.status.approval is None:
        raise Refused(REFUSED, f"{asked.name} is not approved")
    end = asked.word.model_copy(update={"removed": True})
    message = f"{asked.name} is not approved any more; a rollout that has begun goes on"
    return "ApprovalWithdrawn", message, {"approvals": [*asked.version.status.approvals, end]}


def _unknown(_: Asked) -> Done:
    raise Refused(
        REFUSED,
        'no such action: write "alias NAME [reason]", "unalias NAME [reason]", "approve DIGEST [reason]" or '
        '"withdraw DIGEST [reason]"',
    )


VERBS: dict[str, Callable[[Asked], Done]] = {
    "alias": _alias,
    "unalias": _unalias,
    "approve": _approve,
    "withdraw": _withdraw,
}


def _require_digest(asked: Asked) -> None:
    """What is approved is these bytes, whatever has this name."""
    digest = asked.version.spec.digest
    if asked.what != digest:
        raise Refused(REFUSED, f"spec.digest of {asked.name} is {digest}: write `{asked.verb} {digest}`")


def _require_room(words: Iterable[Word], ends: int) -> None:
    """For this word, and for the ends of all that is in force then."""
    if len(list(words)) + 1 + ends > WORDS:
        raise Refused(
            REFUSED, f"its status holds {WORDS} such words, and none is ever taken away: name another version"
        )
