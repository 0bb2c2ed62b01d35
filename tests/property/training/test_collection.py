"""Whatever comes between two steps of an ingest or of a collection: nothing that is named is ever missing.

Ingests put the same few contents over and over, versions are registered and deleted, collections begin at any time, and
each waits before every request to the store until it is its turn. The clock is moved by hand.
"""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelward.decide.collection import MARGIN, SHORTEST
from modelward_contracts.manifests import BLOBS
from modelward_contracts.storage.place import Content, Found
from modelward_contracts.store import GOING, Store
from modelward_contracts.tasks import CollectTask
from modelward_training.collect import job
from modelward_training.outcome import Done

CONTENTS = [b"PAR1 one", b"PAR1 two"]
SECONDS = [1, 40, 2000, 4000, 100_000]
STEPS = [1, 1, 1, 2, 3, 5, 8, 20]
URL = "memory://models"


@dataclass
class World:
    """A store, a clock, and whose turn it is."""

    now: float = 1_000_000.0
    objects: dict[str, tuple[bytes, float]] = field(default_factory=dict)
    actors: list["Actor"] = field(default_factory=list)
    live: dict[str, list[bytes]] = field(default_factory=dict)
    """Manifests that resources name, and what they consist of."""

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.turn()

    def turn(self) -> None:
        me = threading.current_thread()
        if isinstance(me, Actor):
            me.pause()

    def read(self, path: str, most: int | None = None) -> Iterator[bytes]:
        self.turn()
        if path not in self.objects:
            raise FileNotFoundError(path)
        yield self.objects[path][0][:most]

    def read_tagged(self, path: str) -> tuple[bytes, str] | None:
        self.turn()
        return (self.objects[path][0], str(self.objects[path])) if path in self.objects else None

    def find(self, path: str) -> Found | None:
        self.turn()
        return self._found(path) if path in self.objects else None

    def holds(self, path: str, content: Content) -> Found | None:
        self.turn()
        return self._found(path) if self.objects.get(path, (None,))[0] == content else None

    def write(self, path: str, content: Content) -> None:
        self.turn()
        assert isinstance(content, bytes)
        self.objects[path] = content, self.now

    def swap(self, path: str, data: bytes, tag: str | None) -> bool:
        self.turn()
        if (str(self.objects[path]) if path in self.objects else None) != tag:
            return False
        self.objects[path] = data, self.now
        return True

    def renew(self, found: Found) -> bool:
        self.turn()
        if found.path in self.objects:
            self.objects[found.path] = self.objects[found.path][0], self.now
        return found.path in self.objects

    def list(self, below: str = "") -> Iterator[Found]:
        self.turn()
        yield from [self._found(path) for path in sorted(self.objects) if path.startswith(below)]

    def remove(self, path: str) -> None:
        self.turn()
        self.objects.pop(path, None)

    def clear(self, before: float) -> int:
        self.turn()
        return 0

    def _found(self, path: str) -> Found:
        data, written = self.objects[path]
        return Found(path, len(data), written)


def missing(world: World) -> list[str]:
    held = {data for data, _ in world.objects.values()}
    names = {path.removeprefix(BLOBS) for path in world.objects}
    lost = [digest for digest in world.live if digest[7:] not in names]
    return lost + [str(part) for parts in world.live.values() for part in parts if part not in held]


class Actor(threading.Thread):
    """Runs from one request to the next, each time that it is its turn."""

    def __init__(self, world: World, work: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self.world, self.work, self.began = world, work, world.now
        self.collects, self.error = False, None
        self._go, self._paused = threading.Semaphore(0), threading.Semaphore(0)
        world.actors.append(self)
        self.start()
        self._paused.acquire()

    def run(self) -> None:
        try:
            self.work()
        except BaseException as error:
            self.error = error
        self.world.actors.remove(self)
        self._paused.release()

    def pause(self) -> None:
        self._paused.release()
        self._go.acquire()

    def step(self) -> None:
        self._go.release()
        self._paused.acquire()
        if self.error:
            raise self.error


class OneAfterTheOther(nullcontext[None]):
    """A pool in the actor's own thread: others come in between."""

    def __enter__(self) -> Any:
        return self

    def map(self, work: Callable[[Any], Any], each: Iterable[Any]) -> Iterator[Any]:
        return map(work, each)


def ingest(world: World, parts: list[bytes]) -> None:
    store = Store(URL, "ns")
    blobs = [store.put_bytes(part) for part in parts]
    manifest = store.put_json({"dataset": "things", "splits": blobs})
    world.live[manifest.digest] = parts


def collect(world: World) -> Done:
    """As `decide.collection` tells it."""
    since = min((actor.began for actor in world.actors if not actor.collects), default=world.now)
    before = min(world.now - SHORTEST, since - MARGIN.total_seconds())
    task = CollectTask(
        namespace="ns",
        store=URL,
        owner="me",
        live=list(world.live),
        before=datetime.fromtimestamp(before, UTC).isoformat(),
        grace=SHORTEST,
        records=1e9,
    )

    class Told:
        def task(self, _: type[CollectTask]) -> CollectTask:
            return task

    return job.run(Told())  # type: ignore[arg-type]


@given(st.data())
def test_nothing_that_is_named_is_ever_missing(data: st.DataObject) -> None:
    world = World()
    with ExitStack() as patches:
        for target, value in {
            "modelward_contracts.store.open_place": lambda *_: world,
            "modelward_contracts.store.time": world,
            "modelward_training.collect.job.time": world,
            "modelward_training.collect.job.ThreadPoolExecutor": OneAfterTheOther,
            "modelward_training.collect.named.ThreadPoolExecutor": OneAfterTheOther,
            "builtins.print": lambda *_, **__: None,
        }.items():
            patches.enter_context(patch(target, value))
        # What was found unnamed a day ago: the next collection takes it away.
        ingest(world, CONTENTS)
        world.live.clear()
        collect(world)
        world.now += 100_000
        for _ in range(data.draw(st.integers(5, 60))):
            act(world, data)
            assert not missing(world)
        while world.actors:
            world.actors[0].step()
            assert not missing(world)


def act(world: World, data: st.DataObject) -> None:
    may = ["step"] * 8 * bool(world.actors) + ["ingest"] * (len(world.actors) < 3)
    may += ["collect"] * 2 * (not any(actor.collects for actor in world.actors))
    may += ["forget"] * bool(world.live)
    # A mark stands for moments: who made it is long done, or dead, when much time has passed.
    may += ["wait"] * 2 * (not any(path.startswith(GOING) for path in world.objects))
    match data.draw(st.sampled_from(may)):
        case "step":
            actor = data.draw(st.sampled_from(world.actors))
            for _ in range(data.draw(st.sampled_from(STEPS))):
                if actor in world.actors:
                    actor.step()
                    assert not missing(world)
        case "ingest":
            parts = data.draw(st.lists(st.sampled_from(CONTENTS), min_size=1, max_size=2, unique=True))
            Actor(world, lambda: ingest(world, parts))
        case "collect":
            Actor(world, lambda: collect(world)).collects = True
        case "forget":
            world.live.pop(data.draw(st.sampled_from(sorted(world.live))))
        case "wait":
            world.now += data.draw(st.sampled_from(SECONDS))


@pytest.mark.parametrize("waits", [0, 3])
def test_what_is_named_no_more_is_gone_in_the_end(waits: int) -> None:
    """The other half: such a store is not kept by doing nothing."""
    world = World()
    with (
        patch("modelward_contracts.store.open_place", lambda *_: world),
        patch("modelward_contracts.store.time", world),
        patch("modelward_training.collect.job.time", world),
    ):
        ingest(world, CONTENTS)
        world.live.clear()
        for _ in range(waits):
            collect(world)
            world.now += 4000
    assert bool([path for path in world.objects if path.startswith(BLOBS)]) == (waits == 0)
