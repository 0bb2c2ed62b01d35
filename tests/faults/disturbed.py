"""Operators as they run: told by events, with a queue, retries and a sweep, several at once if need be, in bad weather.

`Town` asks each operator about everything every second; here one looks only at what its queue holds.
"""

import asyncio
import logging
import random
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from faults.outcome import outcome
from faults.weather import Past, Unreliable, Watch, Weather
from faults.world import AWAY, ApiServer, Story, Town
from modelward.clients.kube import Kube
from modelward.decide.plan import Key
from modelward.engine.freshness import Freshness
from modelward.engine.loop import Engine
from modelward.engine.queue import Closed, Queue
from modelward.engine.reconcilers import RECONCILERS
from modelward.engine.schedule import Schedule
from modelward.engine.sightings import Sightings, owners_of
from modelward.engine.sweep import AGAIN, Sweep
from modelward.errors import Unavailable
from modelward.handlers.watches import WATCHED
from modelward.names import Manifest

FAIR = Weather()
_MAY_COME_BESIDES = re.compile(r"-report$|-train-|-served-|modelward-collection$")
"""Objects: Jobs with their tasks, of which one prints a report again because a log could not be read, one goes because
it only found its result, and one's task is made once more by another operator; the collection that a sweep brings
about. What was trained is counted by itself."""
_MAY_BE_MISSED = ("deployments", "before")
"""Fields: roles that a version had for a moment in which no event came; what an ingest that was done twice knew."""
_WORKERS = 4
_SWEEP = timedelta(seconds=300)
_MOST_ROUNDS = 50
"""In a second: more means that it runs hot."""


class Due(Queue):
    """On the town's clock. Workers go home when nothing is due."""

    def __init__(self, town: Town) -> None:
        super().__init__()
        self._town, self._schedule, self.handed_out = town, Schedule(jitter=lambda: 0.5), 0

    def again(self, key: Key, delay: float = 0.0) -> None:
        self._schedule.add(key, self._town.now.timestamp() + delay)

    async def get(self) -> Key:
        key = self._schedule.pop(self._town.now.timestamp())
        if key is None:
            raise Closed
        self.handed_out += 1
        return key

    def done(self, key: Key) -> None:
        self._schedule.done(key)


class Complaints(logging.Handler):
    """What an operator says that should not happen: a traceback. A watch that it found dead is as it should be."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if "watch is dead" not in record.msg:
            self.said.append(self.format(record))


class Operator:
    """One process."""

    def __init__(self, town: "Disturbed", weather: Weather, kube: Kube | None = None) -> None:
        kube = kube or Unreliable(town.kube, town.past, weather, town.lots)
        self._town, self._queue, self._sightings = town, Due(town), Sightings()
        known = Freshness(self._sightings.versions)
        self._engine = Engine(town.world(kube, self._sightings), town, self._queue, RECONCILERS, freshness=known)
        self._watch = Watch(town.kube, weather, town.lots, town.now)
        self._sweep, self._swept = Sweep(kube, self._queue, self._sightings), town.now

    async def tick(self) -> None:
        for event in self._watch.events(self._town.now):
            for key in sorted(self._concerned(event.kind, event.found, event.gone)):
                self._queue.add(key)
        if self._town.now - self._swept >= _SWEEP:
            self._swept = self._town.now
            await self._look_at_everything()
        await self._work()

    @property
    def is_blind(self) -> bool:
        """Its liveness probe fails."""
        return self._sweep.watch_dead is not None

    def _concerned(self, kind: str, found: Manifest, gone: bool) -> Iterable[Key]:
        if f"{kind.lower()}s" in WATCHED - {"jobs", "deployments", "pods"}:
            return self._sightings.see(kind, found, gone=gone)
        return owners_of(found)

    async def _look_at_everything(self) -> None:
        try:
            await self._sweep.once(grace=0)
        except Unavailable as error:
            self._swept -= _SWEEP - timedelta(seconds=AGAIN)
            logging.getLogger(__name__).info("sweep not done: %s", error)

    async def _work(self) -> None:
        before = self._queue.handed_out
        while True:
            handed_out = self._queue.handed_out
            await asyncio.gather(*(self._engine.work() for _ in range(_WORKERS)))
            if self._queue.handed_out == handed_out:
                return
            assert handed_out - before < _MOST_ROUNDS * len(self._town.kube.objects), "it runs hot"


class Disturbed(Town):
    """`weathers`: of one operator each."""

    def __init__(self, *weathers: Weather, kube: ApiServer | None = None) -> None:
        super().__init__(kube)
        self._weathers = weathers or (FAIR,)
        self.lots = random.Random(self._weathers[0].seed)
        self.past = Past(self.kube)
        self.patience, self.complaints = 6, Complaints()
        self._operators = [Operator(self, weather) for weather in self._weathers]
        self._back: list[datetime] = [self.now] * len(self._operators)

    def use(self, kube: Kube) -> None:
        """From now on, one operator with this client."""
        self._operators = [Operator(self, FAIR, kube)]

    async def tick(self) -> None:
        self.past.tick()
        await super().tick()

    async def rest(self) -> None:
        """What no event told is found by the sweep."""
        await self.pass_(_SWEEP.seconds + 2 * AWAY)
        await super().rest()

    async def _look(self) -> None:
        there = [o for o, back in zip(self._operators, self._back, strict=True) if self.now >= back]
        await asyncio.gather(*(operator.tick() for operator in there))
        for number, (operator, weather) in enumerate(zip(self._operators, self._weathers, strict=True)):
            dies = weather.deaths > 0 and self.lots.random() < weather.deaths
            if operator.is_blind or (dies and operator in there):
                self._operators[number] = Operator(self, weather)
                self._back[number] = self.now + timedelta(seconds=AWAY)


def ends(town: Town) -> dict[str, Any]:
    """What is left, but for what bad weather may add or take."""
    found = outcome(town)
    return {name: _without(each) for name, each in found.items() if not _MAY_COME_BESIDES.search(name)}


def _without(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without(below) for key, below in value.items() if key not in _MAY_BE_MISSED}
    return [_without(below) for below in value] if isinstance(value, list) else value


async def live(story: Story, *weathers: Weather) -> Disturbed:
    random.seed(weathers[0].seed if weathers else 0)  # the sweep spreads its load by it
    town, log = Disturbed(*weathers), logging.getLogger("modelward")
    log.addHandler(town.complaints)
    try:
        await story(town)
        await town.rest()
    finally:
        log.removeHandler(town.complaints)
    return town
