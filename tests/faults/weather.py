"""What may go wrong between an operator and its API server, drawn by lot from one seed.

`Unreliable` is the client: requests that are refused or reset, writes that are done while their answer is lost, reads
of a lagging replica, in any interleaving with another operator's. `Watch` is the stream of events: some never come,
some come twice, some late and so after newer ones; or the whole stream dies without a word.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple, TypeVar

from faults.world import ApiServer
from modelward.api import KINDS
from modelward.clients.fake import Identity
from modelward.clients.kube import Conflict
from modelward.errors import Unavailable
from modelward.names import MANAGED_BY, Manifest

T = TypeVar("T")

_OURS = {model.NAMES.kind for model in KINDS}
_CHILDREN = {"Job", "Deployment", "Pod"}
_LONGEST_LAG = 10
"""Seconds by which a read may be too old."""
_LATEST = 5
"""Seconds by which an event may be late."""


@dataclass(frozen=True)
class Weather:
    """The share of requests, or events, to which each of these happens."""

    seed: int = 0
    refused: float = 0
    """429, 5xx, a connection that is reset: nothing was done."""
    unheard: float = 0
    """Writes that were done, of which nothing is heard."""
    conflict: float = 0
    """Writes of a status that somebody else was faster with."""
    stale: float = 0
    """Reads of one of our resources that show it as it was some seconds ago. Lists are never stale: the API server
    promises that of reads that name no resourceVersion, as ours do not."""
    dropped: float = 0
    doubled: float = 0
    late: float = 0
    deaths: float = 0
    """Of the seconds: the operator dies."""
    silent_after: int | None = None
    """Seconds after which no event comes any more."""


class Past:
    """The world as it was in each of the last seconds."""

    def __init__(self, kube: ApiServer) -> None:
        self._kube = kube
        self._worlds: list[dict[Identity, Manifest]] = []

    def tick(self) -> None:
        """The server replaces what it holds and changes nothing in place: a shallow copy keeps it."""
        self._worlds = [*self._worlds[1 - _LONGEST_LAG :], dict(self._kube.objects)]

    def some(self, lots: Random) -> dict[Identity, Manifest]:
        return lots.choice(self._worlds) if self._worlds else self._kube.objects


class Unreliable:
    """`Kube`."""

    def __init__(self, kube: ApiServer, past: Past, weather: Weather, lots: Random) -> None:
        self._kube, self._past, self._weather, self._lots = kube, past, weather, lots

    async def get(self, api_version: str, kind: str, namespace: str, name: str) -> Manifest | None:
        await self._way()
        stale = kind in _OURS and self._happens(self._weather.stale)
        with self._kube.showing(self._past.some(self._lots) if stale else None):
            return await self._kube.get(api_version, kind, namespace, name)

    async def metadata(self, api_version: str, kind: str, namespace: str, name: str) -> Manifest | None:
        return await self._read(lambda: self._kube.metadata(api_version, kind, namespace, name))

    async def list(self, *question: Any, **more: Any) -> Sequence[Manifest]:
        return await self._read(lambda: self._kube.list(*question, **more))

    async def create(self, manifest: Manifest) -> Manifest:
        return await self._write(lambda: self._kube.create(manifest))

    async def apply(self, manifest: Manifest) -> Manifest:
        return await self._write(lambda: self._kube.apply(manifest))

    async def update_status(self, manifest: Manifest) -> Manifest:
        if self._happens(self._weather.conflict):
            raise Conflict("somebody was faster")
        return await self._write(lambda: self._kube.update_status(manifest))

    async def delete(self, api_version: str, kind: str, namespace: str, name: str, uid: str | None = None) -> None:
        await self._write(lambda: self._kube.delete(api_version, kind, namespace, name, uid))

    async def pod_log(
        self, namespace: str, pod: str, container: str, limit_bytes: int, tail_lines: int | None = None
    ) -> str | None:
        return await self._read(lambda: self._kube.pod_log(namespace, pod, container, limit_bytes, tail_lines))

    async def _read(self, ask: Callable[[], Awaitable[T]]) -> T:
        await self._way()
        return await ask()

    async def _write(self, do: Callable[[], Awaitable[T]]) -> T:
        await self._way()
        done = await do()
        if self._happens(self._weather.unheard):
            raise Unavailable("the API server did not answer: connection reset by peer")
        return done

    async def _way(self) -> None:
        """To the server: others may be faster, and not every request arrives."""
        for _ in range(self._lots.randrange(3)):
            await asyncio.sleep(0)
        if self._happens(self._weather.refused):
            raise Unavailable(f"the API server answered {self._lots.choice((429, 500, 503, 504))}")

    def _happens(self, share: float) -> bool:
        return share > 0 and self._lots.random() < share


class Event(NamedTuple):
    kind: str
    found: Manifest
    gone: bool
    due: datetime


class Watch:
    """What one operator is told of what has changed since it was told last."""

    def __init__(self, kube: ApiServer, weather: Weather, lots: Random, began: datetime) -> None:
        self._kube, self._weather, self._lots, self._began = kube, weather, lots, began
        self._known: dict[Identity, Manifest] = {}
        self._under_way: list[Event] = []

    def events(self, now: datetime) -> list[Event]:
        silent = self._weather.silent_after
        if silent is not None and now - self._began > timedelta(seconds=silent):
            return []
        self._under_way += [sent for event in self._new(now) for sent in self._sent(event)]
        due = [event for event in self._under_way if event.due <= now]
        self._under_way = [event for event in self._under_way if event.due > now]
        return due

    def _new(self, now: datetime) -> list[Event]:
        before, objects = self._known, {i: o for i, o in self._kube.objects.items() if _watched(o)}
        self._known = objects
        changed = [o for i, o in objects.items() if i not in before or _version(before[i]) != _version(o)]
        gone = [o for i, o in before.items() if i not in objects]
        return [Event(o["kind"], o, is_gone, now) for of, is_gone in ((changed, False), (gone, True)) for o in of]

    def _sent(self, event: Event) -> list[Event]:
        weather, lots = self._weather, self._lots
        if lots.random() < weather.dropped:
            return []
        times = 2 if lots.random() < weather.doubled else 1
        return [event._replace(due=event.due + self._delay()) for _ in range(times)]

    def _delay(self) -> timedelta:
        late = self._lots.random() < self._weather.late
        return timedelta(seconds=self._lots.randint(1, _LATEST) if late else 0)


def _watched(found: Manifest) -> bool:
    if found["kind"] in _OURS:
        return True
    return found["kind"] in _CHILDREN and MANAGED_BY in found["metadata"].get("labels", {})


def _version(found: Manifest) -> str:
    return str(found["metadata"]["resourceVersion"])
