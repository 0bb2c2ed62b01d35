"""What is told of a Job that a queue holds. On a node with the real Kueue: tests/cluster/test_kueue.py."""

from typing import Any

import pytest

from modelward.clients.fake import FakeKube
from modelward.errors import Refused
from modelward.observe.queue import JOB_UID, QUEUE, WORKLOADS, held_by_queue

JOB = {"metadata": {"name": "a-train", "namespace": "shop", "uid": "u1", "labels": {QUEUE: "gpu"}}}
WAITS = "couldn't assign flavors to pod set main: insufficient unused quota for cpu in flavor default, 1 more needed"


def workload(*conditions: tuple[str, str, str], uid: str = "u1") -> dict[str, Any]:
    told = [{"type": type_, "status": status, "message": message} for type_, status, message in conditions]
    metadata = {"name": "job-a", "namespace": "shop", "labels": {JOB_UID: uid}}
    return {"apiVersion": WORKLOADS, "kind": "Workload", "metadata": metadata, "status": {"conditions": told}}


async def told(*workloads: dict[str, Any]) -> str | None:
    kube = FakeKube()
    for each in workloads:
        await kube.create(each)
    return await held_by_queue(kube, JOB)


async def test_job_that_waits_for_quota_says_what_is_missing_in_kueues_words() -> None:
    assert await told(workload(("QuotaReserved", "False", WAITS))) == f"queue gpu: {WAITS}"


async def test_job_that_had_to_give_way_says_to_whom() -> None:
    evicted = ("Evicted", "True", "Preempted to accommodate a workload of higher priority")
    found = await told(workload(("QuotaReserved", "False", "waiting for quota"), evicted))
    assert found == f"queue gpu: waiting for quota; {evicted[2]}"


async def test_workloads_of_other_jobs_and_no_workload_yet_tell_the_queue_alone() -> None:
    assert await told() == "queue gpu"
    assert await told(workload(("QuotaReserved", "False", "not mine"), uid="u2")) == "queue gpu"


async def test_without_kueue_the_queue_alone_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    kube = FakeKube()

    async def refused(*_: object, **__: object) -> None:
        raise Refused("NotFound", "the server could not find the requested resource")

    monkeypatch.setattr(kube, "list", refused)
    assert await held_by_queue(kube, JOB) == "queue gpu"


async def test_job_without_a_queue_is_held_by_none() -> None:
    assert await held_by_queue(FakeKube(), {"metadata": {"name": "a", "namespace": "shop", "uid": "u1"}}) is None
