"""Every five minutes, a look at everything, because watches lose things: kopf lists again after a 410 without telling
of what was deleted meanwhile, and a watch can die without a word.

An object whose version no event has brought is enqueued at once. If half a minute later still no event about it came,
the watch is dead, and liveness fails: a restart is what heals it.
"""

import asyncio
import logging
import random
from collections.abc import Sequence

from modelward.api import GROUP, KINDS, VERSION
from modelward.clients.kube import Kube
from modelward.decide.plan import Key
from modelward.engine.queue import Queue
from modelward.engine.sightings import Sightings, key_of
from modelward.errors import Refused, Unavailable
from modelward.names import COLLECTION, Manifest

_log = logging.getLogger(__name__)

_API = f"{GROUP}/{VERSION}"
_EVERY = 300.0
AGAIN = 30.0
"""Seconds to the next where the API server could not be asked."""
_GRACE = 30.0
_KINDS = tuple(model.NAMES.kind for model in KINDS)
_WITH_CHILDREN = {"Dataset", "TrainingRun", "ModelDeployment"}
"""Looked at once in the time of each sweep, because a dead watch of Jobs or Pods shows nowhere else."""


class Sweep:
    """`namespaces`: None stands for all."""

    def __init__(
        self, kube: Kube, queue: Queue, sightings: Sightings, namespaces: Sequence[str | None] = (None,)
    ) -> None:
        self._kube, self._queue, self._sightings, self._namespaces = kube, queue, sightings, namespaces
        self._ended = asyncio.get_running_loop().time()
        self.watch_dead: str | None = None
        """Why the watch is believed dead."""

    @property
    def age(self) -> float:
        """Seconds since the last sweep ended, well or not."""
        return asyncio.get_running_loop().time() - self._ended

    async def run(self, every: float = _EVERY, grace: float = _GRACE) -> None:
        pause = every
        while True:
            await asyncio.sleep(pause)
            pause = every
            try:
                await self.once(grace)
            except (Unavailable, Refused) as error:
                pause = min(every, AGAIN)
                _log.warning("sweep not done: %s", error)
            except Exception:
                _log.exception("sweep not done")
            self._ended = asyncio.get_running_loop().time()

    async def once(self, grace: float = _GRACE) -> None:
        started = dict(self._sightings.versions)
        listed = {key: found for kind in _KINDS for key, found in (await self._list(kind)).items()}
        for key in sorted(started.keys() - listed.keys()):
            # Unless an event was faster: then it is forgotten already.
            if self._sightings.versions.get(key) == started[key]:
                self._enqueue(self._sightings.forget(key))
        unseen = {key: found for key, found in listed.items() if self._unseen(key, started, found)}
        for key in unseen:
            self._queue.add(key)
        for key in listed:
            if key.kind in _WITH_CHILDREN:
                self._queue.add(key, random.uniform(0, _EVERY))  # noqa: S311  no secret: it spreads the load
        for namespace in {key.namespace for key in listed}:
            # No watch tells when its store is to be looked through.
            self._queue.add(Key("ConfigMap", namespace, COLLECTION), random.uniform(0, _EVERY))  # noqa: S311
        if unseen:
            await asyncio.sleep(grace)
            await self._judge(unseen, started)

    def _unseen(self, key: Key, started: dict[Key, str], found: Manifest) -> bool:
        """Neither this version nor, since the sweep began, any other has come by event."""
        known = self._sightings.versions.get(key)
        return known == started.get(key) and known != found["metadata"]["resourceVersion"]

    async def _judge(self, unseen: dict[Key, Manifest], started: dict[Key, str]) -> None:
        for key, found in unseen.items():
            if not self._unseen(key, started, found):
                continue
            now = await self._kube.get(_API, key.kind, key.namespace, key.name)
            if now and now["metadata"]["resourceVersion"] == found["metadata"]["resourceVersion"]:
                self.watch_dead = f"no event about {key.kind} {key.namespace}/{key.name} in {_GRACE:.0f} s"
                _log.error("the watch is dead: %s", self.watch_dead)
                return

    async def _list(self, kind: str) -> dict[Key, Manifest]:
        found: dict[Key, Manifest] = {}
        for namespace in self._namespaces:
            objects = await self._kube.list(_API, kind, namespace)
            found |= {key_of(kind, each): each for each in objects}
        return found

    def _enqueue(self, keys: set[Key]) -> None:
        for key in sorted(keys):
            self._queue.add(key)
