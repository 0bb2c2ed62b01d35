"""What the watches lost is found, and a dead watch is told from a quiet one."""

import asyncio

import pytest

from modelward.api import GROUP, VERSION
from modelward.clients.fake import FakeKube
from modelward.decide.plan import Key
from modelward.engine.health import Health
from modelward.engine.queue import Queue
from modelward.engine.sightings import Sightings
from modelward.engine.sweep import Sweep
from modelward.errors import Unavailable
from modelward.names import Manifest

API = f"{GROUP}/{VERSION}"
A = Key("ModelVersion", "ns", "a")


def put(kube: FakeKube, **spec: object) -> Manifest:
    metadata = {"name": "a", "namespace": "ns"}
    return kube.put({"apiVersion": API, "kind": "ModelVersion", "metadata": metadata, "spec": spec})


@pytest.fixture
def kube() -> FakeKube:
    return FakeKube()


async def due(queue: Queue) -> Key | None:
    try:
        return await asyncio.wait_for(queue.get(), timeout=0.02)
    except TimeoutError:
        return None


async def test_world_as_the_watch_showed_it_leaves_nothing_to_do(kube: FakeKube) -> None:
    queue, sightings = Queue(), Sightings()
    sightings.see("ModelVersion", put(kube))
    sweep = Sweep(kube, queue, sightings)

    await sweep.once(grace=0)

    assert await due(queue) is None
    assert Health(queue, sweep).complaints() == []


async def test_object_that_vanished_unseen_is_enqueued_and_forgotten(kube: FakeKube) -> None:
    queue, sightings = Queue(), Sightings()
    sightings.see("ModelVersion", put(kube))
    kube.remove(API, "ModelVersion", "ns", "a")

    await Sweep(kube, queue, sightings).once(grace=0)

    assert await due(queue) == A
    assert sightings.versions == {}


async def test_sweep_that_was_not_answered_is_done_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent(FakeKube):
        async def list(self, *_: object, **__: object) -> list[Manifest]:
            raise Unavailable("no answer")

    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            raise asyncio.CancelledError

    sweep = Sweep(Silent(), Queue(), Sightings())
    monkeypatch.setattr("asyncio.sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await sweep.run()
    assert pauses == [300.0, 30.0, 30.0]


async def test_store_of_each_namespace_in_use_is_looked_at(kube: FakeKube, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.uniform", lambda *_: 0.0)
    queue, sightings = Queue(), Sightings()
    sightings.see("ModelVersion", put(kube))
    await Sweep(kube, queue, sightings).once(grace=0)
    assert await due(queue) == Key("ConfigMap", "ns", "modelward-collection")


async def test_change_that_no_event_brings_is_enqueued_and_ends_in_a_dead_watch(kube: FakeKube) -> None:
    queue, sightings = Queue(), Sightings()
    sightings.see("ModelVersion", put(kube))
    put(kube, version=2)
    sweep = Sweep(kube, queue, sightings)

    await sweep.once(grace=0)

    assert await due(queue) == A
    assert "the watch is dead" in Health(queue, sweep).complaints()[0]


async def test_event_that_comes_late_clears_the_watch(kube: FakeKube) -> None:
    queue, sightings = Queue(), Sightings()
    sightings.see("ModelVersion", put(kube))
    changed = put(kube, version=2)
    sweep = Sweep(kube, queue, sightings)
    asyncio.get_running_loop().call_later(0.02, sightings.see, "ModelVersion", changed)

    await sweep.once(grace=0.1)

    assert sweep.watch_dead is None


async def test_object_created_and_deleted_around_a_sweep_does_not_condemn_the_watch(kube: FakeKube) -> None:
    queue, sightings = Queue(), Sightings()
    put(kube)
    sweep = Sweep(kube, queue, sightings)
    asyncio.get_running_loop().call_later(0.02, kube.remove, API, "ModelVersion", "ns", "a")

    await sweep.once(grace=0.1)

    assert sweep.watch_dead is None
