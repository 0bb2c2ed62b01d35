"""The in-memory API server keeps the promises that tests of the loop build on."""

import pytest

from modelward.clients.fake import Crash, FakeKube
from modelward.clients.kube import Conflict
from modelward.names import Manifest


def manifest(name: str = "a", **fields: object) -> Manifest:
    return {"apiVersion": "v1", "kind": "Thing", "metadata": {"name": name, "namespace": "ns"}, **fields}


async def test_generation_moves_with_the_spec_only() -> None:
    kube = FakeKube()
    created = await kube.create(manifest(spec={"a": 1}))
    reported = await kube.update_status({**created, "spec": {"ignored": 1}, "status": {"b": 2}})
    changed = kube.put(manifest(spec={"a": 2}))

    assert [each["metadata"]["generation"] for each in (created, reported, changed)] == [1, 1, 2]
    assert reported["spec"] == {"a": 1}
    assert changed["status"] == {"b": 2}
    assert len({each["metadata"]["resourceVersion"] for each in (created, reported, changed)}) == 3


async def test_equal_write_leaves_the_resource_version() -> None:
    kube = FakeKube()
    first = await kube.apply(manifest(data={"a": "1"}))
    second = await kube.apply(manifest(data={"a": "1"}))

    assert first == second


async def test_old_resource_version_conflicts() -> None:
    kube = FakeKube()
    old = await kube.create(manifest())
    await kube.update_status({**old, "status": {"a": 1}})

    with pytest.raises(Conflict):
        await kube.update_status({**old, "status": {"a": 2}})


async def test_list_selects_by_namespace_and_label() -> None:
    kube = FakeKube()
    labelled = manifest("labelled")
    labelled["metadata"]["labels"] = {"a": "b", "c": "d"}
    kube.put(labelled)
    kube.put(manifest("plain"))

    assert [each["metadata"]["name"] for each in await kube.list("v1", "Thing", "ns", {"a": "b"})] == ["labelled"]
    assert len(await kube.list("v1", "Thing", None)) == 2
    assert await kube.list("v1", "Thing", "other") == []


async def test_crash_comes_before_the_nth_write_and_loses_it() -> None:
    kube = FakeKube()
    kube.crash_before(2)
    await kube.create(manifest("first"))

    with pytest.raises(Crash):
        await kube.create(manifest("second"))

    assert [name for *_, name in kube.objects] == ["first"]


async def test_frozen_reads_show_the_old_world() -> None:
    kube = FakeKube()
    kube.freeze_reads()
    await kube.create(manifest())
    assert await kube.get("v1", "Thing", "ns", "a") is None

    kube.recover()

    assert await kube.get("v1", "Thing", "ns", "a") is not None
