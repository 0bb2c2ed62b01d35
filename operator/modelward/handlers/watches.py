"""What is watched, and which keys an event enqueues."""

import functools
from collections.abc import Iterable
from typing import Any

import kopf

from modelward.api import GROUP, KINDS, VERSION
from modelward.decide.plan import Key
from modelward.engine.first_sight import FirstSight
from modelward.engine.queue import Queue
from modelward.engine.sightings import Sightings, key_of, owners_of
from modelward.names import MANAGED_BY, Manifest
from modelward.telemetry.metrics import WATCH_EVENTS

CHILDREN = (("batch", "v1", "jobs"), ("apps", "v1", "deployments"), ("", "v1", "pods"))
"""Whose changes somebody waits for. Services and ConfigMaps only we change; the sweep finds them if others did."""
WATCHED = frozenset({model.NAMES.plural for model in KINDS} | {plural for _, _, plural in CHILDREN})
OURS_ONLY = f"{MANAGED_BY}=modelward"

_TOGETHER = 0.05
"""Seconds to wait for more events about the same key: a starting pod makes several at once."""
_AHEAD = -60.0
"""A spec that was not answered yet goes ahead of all that waits: somebody sits before it."""


def register(registry: kopf.OperatorRegistry, queue: Queue, sightings: Sightings, first: FirstSight) -> None:
    def enqueue(keys: Iterable[Key], event: Any, ahead: Key | None = None) -> None:
        if event["type"] != "DELETED" and first.tells(event["object"]):
            return
        for key in keys:
            queue.add(key, _AHEAD if key == ahead else _TOGETHER)

    async def ours(kind: str, event: Any, **_: Any) -> None:
        WATCH_EVENTS.labels(kind).inc()
        found, gone = event["object"], event["type"] == "DELETED"
        ahead = None if gone or _answered(found) else key_of(kind, found)
        enqueue(sightings.see(kind, found, gone=gone), event, ahead)

    async def child(kind: str, event: Any, **_: Any) -> None:
        WATCH_EVENTS.labels(kind).inc()
        enqueue(owners_of(event["object"]), event)

    for model in KINDS:
        names = model.NAMES
        handler = functools.partial(ours, names.kind)
        kopf.on.event(GROUP, VERSION, names.plural, id=names.plural, registry=registry)(handler)
    for group, version, plural in CHILDREN:
        handler = functools.partial(child, plural)
        kopf.on.event(group, version, plural, id=plural, registry=registry)(handler)


def _answered(found: Manifest) -> bool:
    observed = (found.get("status") or {}).get("observedGeneration")
    return bool(observed == found["metadata"].get("generation"))
