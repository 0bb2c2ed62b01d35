"""How a command asks something of a ModelVersion: by annotation, with the caller's own rights and name, and waits for
the operator's answer."""

import asyncio
from datetime import UTC, datetime

from modelward.api import ModelVersion
from modelward.api.model_version import WHY
from modelward.clients.kube import Conflict
from modelward.decide.asked_of_version import id_of
from modelward.errors import Refused, Unavailable
from modelward.names import ACTION, REQUESTED_AT, REQUESTED_BY

from .cluster import Cluster, Story, Unusable

LOOKS, BETWEEN = 20, 0.5
"""Seconds between two looks for an answer."""


def reason(why: str | None) -> str:
    words = " ".join((why or "").split())
    if len(words) > WHY:
        raise Unusable(f"--why is longer than {WHY} characters: say it shorter")
    return words


async def ask(asked: Cluster, version: ModelVersion, verb: str, what: str, why: str) -> Story:
    """What came of it. Raises Refused with the operator's sentence, Unavailable where none comes."""
    pending = id_of(version.metadata.annotations)
    if pending and pending not in version.status.answered:
        waiting = version.metadata.annotations[ACTION]
        raise Unavailable(f"{version.metadata.name} was asked for something else that has no answer yet: {waiting}")
    words = {ACTION: f"{verb} {what} {why}".strip(), REQUESTED_AT: datetime.now(UTC).isoformat()}
    try:
        await asked.annotate(version, {**words, REQUESTED_BY: await asked.caller()})
    except Conflict as error:
        raise Unavailable(f"{version.metadata.name} changed meanwhile: try again") from error
    return await _answer(asked, version, id_of(words))


async def _answer(asked: Cluster, version: ModelVersion, question: str) -> Story:
    metadata = version.metadata
    for _ in range(LOOKS):
        found = await asked.get(ModelVersion, metadata.namespace, metadata.name)
        done = found.status.condition("ActionDone")
        if question in found.status.answered and done:
            if done.status == "False":
                raise Refused(done.reason, done.message)
            return {"namespace": metadata.namespace, "name": metadata.name, "message": done.message}
        await asyncio.sleep(BETWEEN)
    raise Unavailable(
        f"it is asked for, and stands in {metadata.name}'s annotations, but no operator has answered in"
        f" {LOOKS * BETWEEN:.0f} s: is one running?"
    )


def text_of(story: Story) -> str:
    return str(story["message"])
