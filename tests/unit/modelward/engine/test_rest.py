"""At rest nothing is read; what is written rests on what has just been read."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest

from modelward.api.dataset import DatasetStatus
from modelward.clients.fake import FakeKube
from modelward.decide.plan import Key, Plan
from modelward.engine.loop import API, Engine, Reconciler
from modelward.engine.memory import Memory
from modelward.engine.queue import Queue
from modelward.errors import Unavailable
from modelward.names import Manifest, labels
from modelward.observe.world import World
from modelward.settings import Settings
from modelward_contracts.traffic import Traffic

KEY = Key("Dataset", "ns", "a")
SETTINGS = Settings(training_image="training", scoring_image="scoring")


class Pods:
    async def push(self, address: str, setting: Traffic) -> int:
        raise Unavailable(address)


@dataclass
class Seen:
    owner: Manifest
    children: list[Manifest]


async def observe(world: World, key: Key) -> Seen | None:
    owner = await world.kube.get(API, "Dataset", key.namespace, key.name)
    children = await world.kube.list("v1", "ConfigMap", key.namespace, {"modelward.dev/dataset": key.name})
    return Seen(owner, list(children)) if owner else None


class Asleep:
    """Until somebody wakes it."""

    lasting = True

    async def lasts(self, world: World, key: Key) -> bool:
        return self.lasting


def child(text: str) -> Manifest:
    metadata = {"name": "a", "namespace": "ns", "labels": labels("ingest", dataset="a")}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"text": text}}


def wanted(seen: Seen, _: Settings, __: datetime) -> Plan:
    """The child has the text that the owner's spec asks for."""
    text = seen.owner["spec"]["source"]["inline"]["data"]
    status = DatasetStatus(observed_generation=len(seen.children))
    return Plan(applies=(child(text),), status=status, at_rest=True, requeue_after=15)


def put(kube: FakeKube, text: str = "a,b\n1,2\n") -> None:
    spec = {"source": {"inline": {"data": text}}, "columns": {"label": "b"}}
    kube.put({"apiVersion": API, "kind": "Dataset", "metadata": {"name": "a", "namespace": "ns"}, "spec": spec})


Make = Callable[..., Engine]


@pytest.fixture
def kube() -> FakeKube:
    found = FakeKube()
    put(found)
    return found


@pytest.fixture
async def make(kube: FakeKube) -> Make:
    def make(decide: Any = wanted, rest: Asleep | None = None) -> Engine:
        behaviour = {"Dataset": Reconciler(observe, decide, without_api=True, rest=lambda _: rest or Asleep())}
        return Engine(World(kube, SETTINGS), Pods(), Queue(), behaviour)

    return make


async def rested(engine: Engine) -> Engine:
    """Has seen that there is nothing to do."""
    for _ in range(3):
        await engine.reconcile(KEY)
    return engine


async def test_look_at_rest_asks_the_api_server_nothing(kube: FakeKube, make: Make) -> None:
    engine = await rested(make())
    reads, writes = kube.reads, len(kube.writes)
    for _ in range(5):
        assert await engine.reconcile(KEY, named=False) == 15
    assert (kube.reads, len(kube.writes)) == (reads, writes)


async def test_look_after_a_write_reads_anew(kube: FakeKube, make: Make) -> None:
    """What was read before it is what was before it."""
    engine = make()
    await engine.reconcile(KEY)
    assert kube.writes
    reads = kube.reads
    await engine.reconcile(KEY, named=False)
    assert kube.reads > reads


async def test_missed_event_waits_for_whatever_names_the_key_next(kube: FakeKube, make: Make) -> None:
    engine = await rested(make())
    put(kube, "c,d\n3,4\n")
    await engine.reconcile(KEY, named=False)
    assert kube.objects["v1", "ConfigMap", "ns", "a"]["data"] == {"text": "a,b\n1,2\n"}
    await engine.reconcile(KEY, named=True)
    assert kube.objects["v1", "ConfigMap", "ns", "a"]["data"] == {"text": "c,d\n3,4\n"}


async def test_rest_that_ends_makes_the_world_read_before_anything_is_written(kube: FakeKube, make: Make) -> None:
    """And meanwhile the world has moved on without a word."""
    rest = Asleep()
    engine = await rested(make(rest=rest))
    put(kube, "c,d\n3,4\n")
    rest.lasting = False
    await engine.reconcile(KEY, named=False)
    assert kube.objects["v1", "ConfigMap", "ns", "a"]["data"] == {"text": "c,d\n3,4\n"}


async def test_something_under_way_is_read_anew_at_every_look(kube: FakeKube, make: Make) -> None:
    def decide(seen: Seen, settings: Settings, now: datetime) -> Plan:
        return Plan(applies=wanted(seen, settings, now).applies)

    engine = await rested(make(decide))
    reads = kube.reads
    await engine.reconcile(KEY, named=False)
    assert kube.reads == reads + 2


async def test_key_that_an_event_names_during_its_look_is_named_at_the_next() -> None:
    queue = Queue()
    queue.add(KEY)
    assert await queue.get() == KEY
    assert queue.take_name(KEY)
    queue.add(KEY)
    queue.done(KEY)
    assert await queue.get() == KEY
    assert queue.take_name(KEY)
    queue.again(KEY)
    assert not queue.take_name(KEY)


def test_memory_answers_what_it_was_told_without_who_wrote_which_field() -> None:
    memory = Memory()
    found = {"kind": "Pod", "metadata": {"name": "p", "managedFields": [{"manager": "m"}]}}
    memory.keep({("list", "v1", "Pod", "ns", "a", "b", None): [found], ("get", "v1", "Pod", "ns", "q"): None})
    lean = {"kind": "Pod", "metadata": {"name": "p"}}
    assert memory.answers() == {
        ("list", "v1", "Pod", "ns", "a", "b", None): [lean],
        ("get", "v1", "Pod", "ns", "q"): None,
    }
    assert Memory().answers() == {}
