"""What counts as "already so"."""

from typing import Any

import pytest

from modelward.clients.fake import FakeKube
from modelward.compare import holds, same
from modelward.names import Manifest


def manifest(**fields: Any) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "ns"}, **fields}


def container(**fields: Any) -> Manifest:
    return manifest(spec={"containers": [{"name": "server", **fields}]})


@pytest.mark.parametrize(
    ("desired", "live"),
    [
        (manifest(data={"a": "1"}), manifest(data={"a": "1", "b": "theirs"})),
        (container(resources={"limits": {"cpu": "1000m"}}), container(resources={"limits": {"cpu": "1"}})),
        (container(resources={"limits": {"memory": "1Gi"}}), container(resources={"limits": {"memory": "1024Mi"}})),
        (container(resources={"limits": {"cpu": 2}}), container(resources={"limits": {"cpu": "2"}})),
        (container(args=[], env=None), container()),
        (container(image="a"), container(image="a", imagePullPolicy="IfNotPresent")),
    ],
)
def test_live_object_with_all_that_is_desired_is_already_so(desired: Manifest, live: Manifest) -> None:
    assert holds(live, desired)


@pytest.mark.parametrize(
    ("desired", "live"),
    [
        (manifest(data={"a": "1"}), manifest(data={"a": "2"})),
        (manifest(data={"a": "1"}), manifest()),
        (container(args=["-v"]), container(args=["-v", "-v"])),
        (container(args=["1000m"]), container(args=["1"])),
        (container(resources={"limits": {"cpu": "1"}}), container(resources={"limits": {"cpu": "1m"}})),
        (container(automount=False), container()),
        (container(args=[]), container(args=["left"])),
    ],
)
def test_live_object_that_differs_is_not(desired: Manifest, live: Manifest) -> None:
    assert not holds(live, desired)


async def test_field_applied_before_and_no_longer_desired_makes_a_difference_until_it_is_gone() -> None:
    kube = FakeKube()
    await kube.apply(manifest(data={"a": "1", "b": "2"}))
    desired = manifest(data={"a": "1"})
    assert not holds(kube.objects["v1", "ConfigMap", "ns", "a"], desired)

    applied = await kube.apply(desired)

    assert applied["data"] == {"a": "1"}
    assert holds(applied, desired)


def test_field_dropped_inside_a_list_item_makes_a_difference() -> None:
    fields: dict[str, Any] = {
        "f:spec": {"f:containers": {'k:{"name":"server"}': {".": {}, "f:name": {}, "f:image": {}, "f:args": {}}}}
    }
    live = container(image="a", args=["x"])
    live["metadata"]["managedFields"] = [{"manager": "modelward", "operation": "Apply", "fieldsV1": fields}]

    assert not holds(live, container(image="a"))
    assert holds(live, container(image="a", args=["x"]))


def test_status_is_equal_up_to_empty_fields() -> None:
    assert same({"phase": "Stable", "history": [], "stable": {"resources": {}}}, {"phase": "Stable"})
    assert not same({"phase": "Stable"}, {"phase": "Stable", "weight": 10})
    assert same({"history": []}, None)
