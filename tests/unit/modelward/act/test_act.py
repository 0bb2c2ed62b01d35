"""The order of writes, what is skipped, and that a death between any two of them is made good by the next look."""

from datetime import UTC, datetime

import pytest

from modelward.act import Hands, act
from modelward.api.common import Status
from modelward.clients.fake import Crash, FakeKube
from modelward.clients.kube import Conflict
from modelward.decide.conditions import set_condition
from modelward.decide.plan import Event, Plan, Push, Ref
from modelward.errors import Refused, Unavailable
from modelward.names import Manifest, labels
from modelward_contracts.traffic import Traffic

NOW = datetime(2030, 1, 1, tzinfo=UTC)
API = "modelward.dev/v1alpha1"


class Pods:
    """Scoring pods that remember what they were told; `down` ones do not answer."""

    def __init__(self, kube: FakeKube, down: tuple[str, ...] = ()) -> None:
        self.kube, self.down = kube, down

    async def push(self, address: str, setting: Traffic) -> int:
        if address in self.down:
            raise Unavailable(f"{address} did not answer")
        self.kube.writes.append(("push", address, str(setting.epoch)))
        return setting.epoch


def child(kind: str, name: str, **more: object) -> Manifest:
    versions = {"Job": "batch/v1", "Deployment": "apps/v1"}
    metadata = {"name": name, "namespace": "ns", "labels": labels("scoring", deployment="flights")}
    return {"apiVersion": versions.get(kind, "v1"), "kind": kind, "metadata": metadata, **more}


def push(address: str, epoch: int) -> Push:
    return Push(address, address, Traffic(deployment="ns/flights", revision="a", epoch=epoch))


def status(reason: str = "Fine") -> Status:
    return Status(observed_generation=1, conditions=set_condition([], "Ready", "True", reason, "", 1, NOW))


def owner_of(kube: FakeKube) -> Manifest:
    return kube.objects[API, "ModelDeployment", "ns", "flights"]


@pytest.fixture
def kube() -> FakeKube:
    kube = FakeKube()
    kube.put({"apiVersion": API, "kind": "ModelDeployment", "metadata": {"name": "flights", "namespace": "ns"}})
    kube.put(child("Service", "old"))
    kube.writes.clear()
    return kube


def full_plan(memory: bool) -> Plan:
    return Plan(
        status=status(),
        memory=memory,
        urgent=(push("10.0.0.1:8082", 7),),
        creates=(child("Job", "verdict"),),
        applies=(child("ConfigMap", "traffic", data={"a.json": "{}"}), child("Service", "flights")),
        pushes=(push("10.0.0.1:8082", 7), push("10.0.0.2:8082", 7)),
        deletes=(Ref("v1", "Service", "old"),),
        events=(Event("Warning", "RolledBack", "slow"),),
    )


async def test_plan_with_memory_is_written_before_it_is_acted_on(kube: FakeKube) -> None:
    await act(Hands(kube, Pods(kube)), owner_of(kube), full_plan(memory=True))

    assert [f"{verb} {what}" for verb, what, _ in kube.writes] == [
        "push 10.0.0.1:8082",
        "status ModelDeployment",
        "create Job",
        "apply ConfigMap",
        "apply Service",
        "push 10.0.0.2:8082",
        "delete Service",
        "create Event",
    ]


async def test_plan_without_memory_reports_after_it_acted(kube: FakeKube) -> None:
    await act(Hands(kube, Pods(kube)), owner_of(kube), full_plan(memory=False))

    verbs = [verb for verb, _, _ in kube.writes]
    assert verbs.index("status") == verbs.index("delete") + 1


async def test_plan_carried_out_twice_writes_nothing_the_second_time(kube: FakeKube) -> None:
    plan = Plan(status=status(), creates=(child("Job", "verdict"),), applies=full_plan(False).applies)
    await act(Hands(kube, Pods(kube)), owner_of(kube), plan)
    kube.writes.clear()

    await act(Hands(kube, Pods(kube)), owner_of(kube), plan)

    assert kube.writes == []


@pytest.mark.parametrize("memory", [True, False])
async def test_death_before_any_write_ends_in_the_same_state_after_the_next_look(memory: bool) -> None:
    def world(kube: FakeKube) -> object:
        return {
            identity: (found.get("data"), found["metadata"].get("labels"), found.get("status"))
            for identity, found in kube.objects.items()
            if identity[1] != "Event"
        }

    def fresh() -> FakeKube:
        kube = FakeKube()
        kube.put({"apiVersion": API, "kind": "ModelDeployment", "metadata": {"name": "flights", "namespace": "ns"}})
        kube.put(child("Service", "old"))
        return kube

    whole = fresh()
    await act(Hands(whole, Pods(whole)), owner_of(whole), full_plan(memory))
    for nth in range(1, 7):
        kube = fresh()
        kube.crash_before(nth)
        with pytest.raises(Crash):
            await act(Hands(kube, Pods(kube)), owner_of(kube), full_plan(memory))
        kube.recover()

        await act(Hands(kube, Pods(kube)), owner_of(kube), full_plan(memory))

        assert world(kube) == world(whole), f"after a death before write {nth}"


async def test_stale_object_conflicts_before_anything_is_done(kube: FakeKube) -> None:
    stale = await kube.get(API, "ModelDeployment", "ns", "flights")
    assert stale is not None
    await kube.update_status({**stale, "status": status("Other").wire()})
    kube.writes.clear()

    with pytest.raises(Conflict):
        await act(Hands(kube, Pods(kube)), stale, Plan(status=status(), memory=True, applies=full_plan(True).applies))

    assert [verb for verb, _, _ in kube.writes] == ["status"]


async def test_pod_that_does_not_answer_holds_up_nothing(kube: FakeKube) -> None:
    pods = Pods(kube, down=("10.0.0.1:8082",))

    await act(Hands(kube, pods), owner_of(kube), full_plan(memory=True))

    assert owner_of(kube)["status"]["conditions"][0]["reason"] == "Fine"
    assert ("push", "10.0.0.2:8082", "7") in kube.writes


async def test_object_of_somebody_else_under_a_childs_name_is_refused_and_kept(kube: FakeKube) -> None:
    theirs = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "flights", "namespace": "ns"}}
    kube.put({**theirs, "spec": {"selector": {"app": "mine"}}})

    with pytest.raises(Refused, match="Service ns/flights exists and is not Modelward's"):
        await act(Hands(kube, Pods(kube)), owner_of(kube), full_plan(memory=False))

    assert kube.objects["v1", "Service", "ns", "flights"]["spec"] == {"selector": {"app": "mine"}}


async def test_objects_seen_in_this_reconcile_are_not_read_again(kube: FakeKube) -> None:
    service = child("Service", "flights")
    seen = {("v1", "Service", "flights"): kube.put(service)}
    reads = kube.reads

    await act(Hands(kube, Pods(kube), seen), owner_of(kube), Plan(applies=(service,)))

    assert (kube.reads, kube.writes) == (reads, [])


async def test_child_that_is_refused_holds_up_no_other_and_takes_nothing_away(kube: FakeKube) -> None:
    theirs = child("Service", "flights")
    kube.put({**theirs, "metadata": {"name": "flights", "namespace": "ns"}})
    kube.writes.clear()
    applies = (child("Service", "flights", spec={}), child("ConfigMap", "traffic", data={"a": "b"}))
    plan = Plan(applies=applies, pushes=(push("10.0.0.1:8082", 7),), deletes=(Ref("v1", "Service", "old"),))

    with pytest.raises(Refused, match="Service ns/flights exists and is not Modelward's"):
        await act(Hands(kube, Pods(kube)), owner_of(kube), plan)

    assert kube.writes == [("apply", "ConfigMap", "traffic"), ("push", "10.0.0.1:8082", "7")]


async def test_events_carry_the_times_and_the_order_that_kubectl_sorts_by(kube: FakeKube) -> None:
    for version, reason in (("9", "First"), ("10", "Second"), ("10000", "Third")):
        owner = owner_of(kube)
        told = {**owner, "metadata": owner["metadata"] | {"resourceVersion": version}}
        await act(Hands(kube, Pods(kube)), told, Plan(events=(Event("Normal", reason, ""),)))

    events = [found for (_, kind, _, _), found in sorted(kube.objects.items()) if kind == "Event"]

    assert [event["reason"] for event in events] == ["First", "Second", "Third"]
    assert all(event["lastTimestamp"] == event["firstTimestamp"] and event["count"] == 1 for event in events)


async def test_a_keepsake_that_is_refused_holds_nothing_up(kube: FakeKube, monkeypatch: pytest.MonkeyPatch) -> None:
    create = kube.create

    async def full(manifest: Manifest) -> Manifest:
        if manifest["kind"] == "Job":
            raise Refused("Forbidden", "exceeded quota")
        return await create(manifest)

    monkeypatch.setattr(kube, "create", full)
    plan = Plan(
        status=status(),
        keepsakes=(child("Job", "trace"), child("ConfigMap", "trace")),
        events=(Event("Normal", "Baked", "it has proven itself"),),
    )
    await act(Hands(kube, Pods(kube)), owner_of(kube), plan)
    assert [write[1] for write in kube.writes if write[0] == "create"] == ["Event"]
    assert owner_of(kube)["status"]["observedGeneration"] == 1
