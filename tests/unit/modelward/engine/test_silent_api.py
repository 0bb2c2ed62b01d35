"""A rollback needs no API server: what was read last is enough to decide it, and the push comes before the write."""

import asyncio
from datetime import datetime
from typing import Any

import pytest

from modelward.api.dataset import DatasetStatus
from modelward.clients.fake import FakeKube
from modelward.decide.plan import Key, Plan, Push
from modelward.engine.freshness import Freshness
from modelward.engine.loop import API, Engine, Reconciler
from modelward.engine.queue import Queue
from modelward.errors import Unavailable
from modelward.names import Manifest
from modelward.observe.world import World
from modelward.settings import Settings
from modelward_contracts.traffic import Traffic

SETTINGS = Settings(training_image="training", scoring_image="scoring")
PUSH = Push("pod", "10.0.0.1:8082", Traffic(deployment="ns/a", revision="r", epoch=2))
KEY = Key("Dataset", "ns", "a")


class Silent(FakeKube):
    silent = False

    async def get(self, *arguments: Any) -> Manifest | None:
        if self.silent:
            raise Unavailable("the API server does not answer")
        return await super().get(*arguments)

    async def update_status(self, manifest: Manifest) -> Manifest:
        if self.silent:
            raise Unavailable("the API server does not answer")
        return await super().update_status(manifest)


class Pods:
    def __init__(self) -> None:
        self.pushed = asyncio.Event()

    async def push(self, address: str, setting: Traffic) -> int:
        self.pushed.set()
        return setting.epoch


async def observe(world: World, key: Key) -> Manifest | None:
    return await world.kube.get(API, key.kind, key.namespace, key.name)


class Harm:
    """Decides on a rollback once it is told to."""

    found = False

    def decide(self, _: Manifest, __: Settings, ___: datetime) -> Plan:
        if not self.found:
            return Plan(requeue_after=0.01)
        return Plan(status=DatasetStatus(observed_generation=7), memory=True, urgent=(PUSH,))


async def test_silent_api_server_rollback_is_pushed_and_written_when_it_answers_again() -> None:
    kube, pods, harm = Silent(), Pods(), Harm()
    spec = {"source": {"inline": {"data": "a,b\n1,2\n"}}, "columns": {"label": "b"}}
    kube.put({"apiVersion": API, "kind": "Dataset", "metadata": {"name": "a", "namespace": "ns"}, "spec": spec})
    queue = Queue()
    behaviour = {"Dataset": Reconciler(observe, harm.decide, without_api=True)}
    worker = asyncio.create_task(Engine(World(kube, SETTINGS), pods, queue, behaviour).work())
    try:
        queue.add(KEY)
        await asyncio.sleep(0.05)
        kube.silent, harm.found = True, True
        async with asyncio.timeout(10):
            await pods.pushed.wait()
        live = kube.objects[API, "Dataset", "ns", "a"]
        assert live.get("status", {}).get("observedGeneration") is None
        kube.silent = False
        async with asyncio.timeout(10):
            while kube.objects[API, "Dataset", "ns", "a"].get("status", {}).get("observedGeneration") != 7:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


async def test_silent_api_server_what_was_read_before_the_last_event_is_enough() -> None:
    kube, pods, harm, told = Silent(), Pods(), Harm(), dict[Key, str]()
    kube.put({"apiVersion": API, "kind": "Dataset", "metadata": {"name": "a", "namespace": "ns"}, "spec": {}})
    behaviour = {"Dataset": Reconciler(observe, harm.decide, without_api=True)}
    engine = Engine(World(kube, SETTINGS), pods, Queue(), behaviour, freshness=Freshness(told))
    await engine.reconcile(KEY)
    kube.silent, harm.found, told[KEY] = True, True, "999"
    with pytest.raises(Unavailable):
        await engine.reconcile(KEY)
    assert pods.pushed.is_set()


async def test_silent_api_server_status_that_was_written_last_is_what_is_decided_from() -> None:
    kube, pods = Silent(), Pods()
    kube.put({"apiVersion": API, "kind": "Dataset", "metadata": {"name": "a", "namespace": "ns"}, "spec": {}})
    seen: list[Any] = []

    def decide(found: Manifest, *_: Any) -> Plan:
        seen.append(found.get("status", {}).get("observedGeneration"))
        return Plan(status=DatasetStatus(observed_generation=7), memory=True)

    behaviour = {"Dataset": Reconciler(observe, decide, without_api=True)}
    engine = Engine(World(kube, SETTINGS), pods, Queue(), behaviour)
    await engine.reconcile(KEY)
    kube.silent = True
    await engine.reconcile(KEY)
    assert seen == [None, 7]
