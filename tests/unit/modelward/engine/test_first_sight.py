"""A start reads everything once; what happens meanwhile is not overlooked."""

from datetime import datetime
from typing import Any

import pytest

from modelward.clients.fake import FakeKube
from modelward.decide.plan import Key, Plan
from modelward.engine.first_sight import FirstSight
from modelward.engine.loop import API, Engine, Reconciler
from modelward.engine.queue import Queue
from modelward.errors import Refused, Unavailable
from modelward.names import Manifest, labels
from modelward.observe.world import World
from modelward.settings import Settings
from modelward_contracts.traffic import Traffic

SETTINGS = Settings(training_image="training", scoring_image="scoring")


class Pods:
    async def push(self, address: str, setting: Traffic) -> int:
        raise Unavailable(address)


async def observe(world: World, key: Key) -> tuple[Manifest, ...] | None:
    owner = await world.kube.get(API, key.kind, key.namespace, key.name)
    pods = await world.kube.list("v1", "Pod", key.namespace, {"modelward.dev/deployment": key.name})
    budgets = await world.kube.list("policy/v1", "PodDisruptionBudget", key.namespace)
    return (owner, *pods, *budgets) if owner else None


def decide(seen: tuple[Manifest, ...], _: Settings, __: datetime) -> Plan:
    """A ConfigMap with the numbers of its pods, once the owner is labelled."""
    owner, *children = seen
    metadata = {"name": owner["metadata"]["name"], "namespace": "ns", "labels": labels("ingest")}
    data = {"children": str(len(children))}
    applies = ({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data},)
    return Plan(applies=applies if owner["metadata"].get("labels") else (), at_rest=True)


def owner(name: str, **labelled: str) -> Manifest:
    metadata = {"name": name, "namespace": "ns"} | ({"labels": labelled} if labelled else {})
    return {"apiVersion": API, "kind": "ModelDeployment", "metadata": metadata, "spec": {"modelRef": {"name": name}}}


def pod(name: str, deployment: str) -> Manifest:
    metadata = {"name": name, "namespace": "ns", "labels": labels("scoring", deployment=deployment)}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata}


@pytest.fixture
def kube() -> FakeKube:
    found = FakeKube()
    for name in ("a", "b", "c"):
        found.put(owner(name))
        found.put(pod(f"{name}-0", name))
    return found


class Start:
    """An operator that has just taken everything in."""

    def __init__(self, kube: FakeKube) -> None:
        self.first, self.queue = FirstSight(kube), Queue()
        behaviour = {"ModelDeployment": Reconciler(observe, decide, without_api=True)}
        self.engine = Engine(World(kube, SETTINGS), Pods(), self.queue, behaviour, first=self.first)

    async def look(self) -> Key:
        key = await self.queue.get()
        await self.engine.reconcile(key, named=self.queue.take_name(key))
        self.queue.done(key)
        return key


async def test_first_looks_read_nothing_but_what_was_listed_once(kube: FakeKube) -> None:
    start = Start(kube)
    await start.first.take_in((None,), start.queue)
    reads = kube.reads
    looked_at = {(await start.look()).name for _ in range(3)}
    assert looked_at == {"a", "b", "c"}
    assert kube.reads == reads
    assert kube.writes == []


async def test_first_look_that_finds_something_to_do_reads_anew_before_it_does_it(kube: FakeKube) -> None:
    kube.put(owner("a", team="x"))
    start = Start(kube)
    await start.first.take_in((None,), start.queue)
    kube.put(pod("a-1", "a"))
    for _ in range(3):
        await start.look()
    assert kube.objects["v1", "ConfigMap", "ns", "a"]["data"] == {"children": "2"}
    assert kube.writes == [("apply", "ConfigMap", "a")]


async def test_event_about_what_was_seen_names_nothing_and_any_other_does(kube: FakeKube) -> None:
    start = Start(kube)
    await start.first.take_in((None,), start.queue)
    seen = kube.objects["v1", "Pod", "ns", "a-0"]
    assert start.first.tells(seen)
    assert not start.first.tells(seen)
    assert not start.first.tells(kube.put(pod("a-1", "a")))


async def test_key_that_was_named_before_its_first_look_is_read_anew(kube: FakeKube) -> None:
    start = Start(kube)
    await start.first.take_in((None,), start.queue)
    start.queue.add(Key("ModelDeployment", "ns", "a"))
    reads = kube.reads
    for _ in range(3):
        await start.look()
    assert kube.reads == reads + 3


async def test_where_not_everything_may_be_listed_each_is_read_for_itself(kube: FakeKube) -> None:
    class Strict(FakeKube):
        async def list(self, api_version: str, kind: str, namespace: str | None, *more: Any, **named: Any) -> Any:
            if namespace is None:
                raise Refused("Forbidden", "not of all namespaces")
            return await super().list(api_version, kind, namespace, *more, **named)

    strict = Strict()
    strict.objects = kube.objects
    start = Start(strict)
    await start.first.take_in((None,), start.queue)
    start.queue.add(Key("ModelDeployment", "ns", "a"))
    await start.look()
    assert strict.reads == 3
