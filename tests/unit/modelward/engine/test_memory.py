"""What one reconcile remembers of its reads."""

import pytest

from modelward.clients.fake import FakeKube
from modelward.clients.kube import Conflict
from modelward.engine.memory import Remembering

VERSION = ("modelward.dev/v1alpha1", "ModelVersion")


async def test_status_that_another_wrote_between_two_reads_is_not_written_over() -> None:
    kube = FakeKube()
    kube.put({"apiVersion": VERSION[0], "kind": VERSION[1], "metadata": {"name": "flights-1", "namespace": "ns"}})
    reader = Remembering(kube, "ns")
    decided_from = await reader.get(*VERSION, "ns", "flights-1")
    assert decided_from
    await kube.update_status({**decided_from, "status": {"aliases": [{"name": "champion"}]}})
    await reader.list(*VERSION, "ns")

    held = reader.seen[(*VERSION, "flights-1")]
    with pytest.raises(Conflict):
        await reader.update_status({**held, "status": {"aliases": []}})


async def test_status_of_our_own_making_is_remembered() -> None:
    kube = FakeKube()
    stored = kube.put(
        {"apiVersion": VERSION[0], "kind": VERSION[1], "metadata": {"name": "flights-1", "namespace": "ns"}}
    )
    reader = Remembering(kube, "ns")
    updated = await reader.update_status({**stored, "status": {"observedGeneration": 1}})

    assert reader.seen[(*VERSION, "flights-1")] == updated
