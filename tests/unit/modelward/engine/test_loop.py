"""The loop over a made-up kind of behaviour: retries, deadlines, conditions, and no harm from one key to another."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import Any

import pytest

from modelward.api import Dataset
from modelward.clients.fake import FakeKube
from modelward.decide.conditions import set_condition
from modelward.decide.plan import Key, Plan
from modelward.engine import schedule
from modelward.engine.freshness import Freshness
from modelward.engine.loop import API, Engine, Reconciler
from modelward.engine.queue import Queue
from modelward.errors import Refused, Unavailable, Wait
from modelward.names import Manifest, labels
from modelward.observe.world import World
from modelward.settings import Settings
from modelward_contracts.traffic import Traffic

SETTINGS = Settings(training_image="training", scoring_image="scoring")
Decide = Callable[[Manifest, Settings, datetime], Plan]


class NoPods:
    async def push(self, address: str, setting: Traffic) -> int:
        raise Unavailable(address)


async def observe(world: World, key: Key) -> Manifest | None:
    return await world.kube.get(API, key.kind, key.namespace, key.name)


def put(kube: FakeKube, name: str) -> Key:
    spec = {"source": {"inline": {"data": "a,b\n1,2\n"}}, "columns": {"label": "b"}}
    kube.put({"apiVersion": API, "kind": "Dataset", "metadata": {"name": name, "namespace": "ns"}, "spec": spec})
    return Key("Dataset", "ns", name)


def ready(kube: FakeKube, name: str) -> Any:
    live = Dataset.model_validate(kube.objects[API, "Dataset", "ns", name])
    return live.status.condition("Ready")


async def until(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not met():  # noqa: ASYNC110  the fake has no event to wait for
            await asyncio.sleep(0.01)


@pytest.fixture
def kube() -> FakeKube:
    return FakeKube()


@pytest.fixture
async def start(kube: FakeKube) -> AsyncIterator[Callable[..., Queue]]:
    workers: list[asyncio.Task[None]] = []

    def start(decide: Decide, observe: Any = observe, workers_count: int = 2, **more: Any) -> Queue:
        queue = Queue()
        engine = Engine(World(kube, SETTINGS), NoPods(), queue, {"Dataset": Reconciler(observe, decide)}, **more)
        workers.extend(asyncio.create_task(engine.work()) for _ in range(workers_count))
        return queue

    yield start
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)


def config_map(owner: Manifest) -> Manifest:
    metadata = {"name": owner["metadata"]["name"], "namespace": "ns", "labels": labels("ingest")}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "b"}}


async def test_key_is_reconciled_and_then_left_alone(kube: FakeKube, start: Callable[..., Queue]) -> None:
    key, seen = put(kube, "a"), []

    def decide(found: Manifest, settings: Settings, now: datetime) -> Plan:
        seen.append(found["metadata"]["name"])
        return Plan(applies=(config_map(found),))

    start(decide).add(key)
    await until(lambda: len(kube.writes) == 1)
    await asyncio.sleep(0.05)

    assert (seen, kube.writes) == (["a"], [("apply", "ConfigMap", "a")])


async def test_plan_that_asks_for_another_look_gets_it(kube: FakeKube, start: Callable[..., Queue]) -> None:
    key, times = put(kube, "a"), []

    def decide(found: Manifest, settings: Settings, now: datetime) -> Plan:
        times.append(asyncio.get_running_loop().time())
        return Plan(requeue_after=0.1)

    start(decide).add(key)
    await until(lambda: len(times) == 3)

    assert all(0.09 < later - earlier < 1 for earlier, later in itertools.pairwise(times))


async def test_object_that_is_gone_is_dropped(kube: FakeKube, start: Callable[..., Queue]) -> None:
    def decide(found: Manifest, settings: Settings, now: datetime) -> Plan:
        raise AssertionError("nothing to decide about")

    queue = start(decide)
    queue.add(Key("Dataset", "ns", "gone"))
    await until(lambda: kube.reads == 1)
    await asyncio.sleep(0.02)

    assert queue.depth == 0


@pytest.mark.parametrize("problem", [Wait("SourceMissing", "no such volume", 0.05), Refused("NoColumn", "no column b")])
async def test_problem_becomes_the_ready_condition_once(
    kube: FakeKube, start: Callable[..., Queue], problem: Exception
) -> None:
    key, looks = put(kube, "a"), 0

    def decide(found: Manifest, settings: Settings, now: datetime) -> Plan:
        nonlocal looks
        looks += 1
        raise problem

    queue = start(decide)
    queue.add(key)
    await until(lambda: looks == 1 and bool(kube.writes))
    queue.add(key)
    await until(lambda: looks >= 2)

    condition = ready(kube, "a")
    assert (condition.status, condition.reason, condition.message) == ("False", problem.reason, str(problem))  # type: ignore[attr-defined]
    assert kube.writes == [("status", "Dataset", "a")]


async def test_conflict_is_retried_at_once_on_the_new_object(kube: FakeKube, start: Callable[..., Queue]) -> None:
    key = put(kube, "a")

    def decide(found: Manifest, settings: Settings, now: datetime) -> Plan:
        if not found["metadata"].get("labels"):  # a user edits between our read and our write
            kube.put({**found, "metadata": {**found["metadata"], "labels": {"edited": "yes"}}})
        return Plan(status=Dataset.model_validate(found).status.model_copy(update={"observed_generation": 1}))

    start(decide).add(key)
    await until(lambda: "status" in kube.objects[API, "Dataset", "ns", "a"])

    assert kube.objects[API, "Dataset", "ns", "a"]["metadata"]["labels"] == {"edited": "yes"}


@pytest.mark.parametrize("error", [Unavailable("no answer"), ValueError("a bug")])
async def test_failure_is_tried_again_and_holds_up_nobody(
    kube: FakeKube, start: Callable[..., Queue], error: Exception
) -> None:
    poison, good = put(kube, "poison"), put(kube, "good")
    tries = 0

    def decide(found: Manifest, settings: Settings, now: datetime) -> Plan:
        nonlocal tries
        if found["metadata"]["name"] == "poison":
            tries += 1
            raise error
        return Plan(applies=(config_map(found),))

    queue = start(decide, workers_count=1)
    queue.add(poison)
    queue.add(good)
    await until(lambda: tries == 2)

    assert kube.writes == [("apply", "ConfigMap", "good")]


async def test_reconcile_over_its_deadline_is_cut_off_and_frees_its_worker(
    kube: FakeKube, start: Callable[..., Queue]
) -> None:
    stuck, good = put(kube, "stuck"), put(kube, "good")

    async def hang(world: World, key: Key) -> Manifest | None:
        if key == stuck:
            await asyncio.Event().wait()
        return await observe(world, key)

    queue = start(lambda found, *_: Plan(applies=(config_map(found),)), hang, workers_count=1, deadline=0.1)
    queue.add(stuck)
    queue.add(good)

    await until(lambda: kube.writes == [("apply", "ConfigMap", "good")])


async def test_key_is_never_with_two_workers_at_once(kube: FakeKube, start: Callable[..., Queue]) -> None:
    key, running, most, looks = put(kube, "a"), 0, 0, 0

    async def slow(world: World, key: Key) -> Manifest | None:
        nonlocal running, most, looks
        running, looks = running + 1, looks + 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        running -= 1
        return None

    queue = start(lambda *_: Plan(), slow, workers_count=4)
    for _ in range(10):
        queue.add(key)
        await asyncio.sleep(0.005)
    await until(lambda: looks >= 3)

    assert most == 1


async def test_closed_queue_lets_the_running_reconcile_finish_and_starts_no_other(kube: FakeKube) -> None:
    first, second = put(kube, "first"), put(kube, "second")
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(world: World, key: Key) -> Manifest | None:
        begun.set()
        await go_on.wait()
        return await observe(world, key)

    queue = Queue()
    reconcilers = {"Dataset": Reconciler(slow, lambda found, *_: Plan(applies=(config_map(found),)))}
    worker = asyncio.create_task(Engine(World(kube, SETTINGS), NoPods(), queue, reconcilers).work())
    queue.add(first)
    queue.add(second)
    await begun.wait()
    queue.close()
    go_on.set()
    await asyncio.wait_for(worker, timeout=5)

    assert kube.writes == [("apply", "ConfigMap", "first")]


@pytest.mark.parametrize(
    ("error", "reason"),
    [(Unavailable("no answer"), "Unavailable"), (ValueError("phase Canary\nwithout"), "ReconcileFailed")],
)
async def test_failure_that_does_not_end_is_told_and_taken_back_by_a_success(
    kube: FakeKube, start: Callable[..., Queue], error: Exception, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedule, "_LONGEST", 0.01)
    key, works = put(kube, "a"), False

    def decide(found: Manifest, settings: Settings, now: datetime) -> Plan:
        if not works:
            raise error
        status = Dataset.model_validate(found).status
        conditions = set_condition(status.conditions, "Ready", "True", "Fine", "", 1, now)
        return Plan(status=status.model_copy(update={"conditions": conditions}))

    queue = start(decide)
    queue.add(key)
    await until(lambda: ready(kube, "a") is not None)
    told = ready(kube, "a")
    assert (told.status, told.reason) == ("Unknown", reason)
    assert " ".join(str(error).split()) in told.message
    assert queue.failures(key) >= 3
    writes = len(kube.writes)
    await until(lambda: queue.failures(key) >= 8)
    assert len(kube.writes) == writes

    works = True
    await until(lambda: ready(kube, "a").status == "True")
    await until(lambda: queue.failures(key) == 0)


async def test_old_read_of_another_object_is_not_decided_from(kube: FakeKube, start: Callable[..., Queue]) -> None:
    seen: list[str] = []
    key, other = put(kube, "a"), put(kube, "other")

    async def observe_both(world: World, key: Key) -> Manifest | None:
        await world.kube.get(API, key.kind, key.namespace, key.name)
        return await observe(world, other)

    def decide(found: Manifest, *_: Any) -> Plan:
        seen.append(found["metadata"]["resourceVersion"])
        return Plan()

    told = str(int(kube.objects[API, "Dataset", "ns", "other"]["metadata"]["resourceVersion"]) + 1)
    start(decide, observe_both, freshness=Freshness({other: told})).add(key)
    await asyncio.sleep(0.05)
    assert seen == []
    live = kube.objects[API, "Dataset", "ns", "other"]
    kube.put({**live, "spec": {**live["spec"], "columns": {"label": "a"}}})
    await until(lambda: bool(seen))
    assert int(seen[0]) >= int(told)
