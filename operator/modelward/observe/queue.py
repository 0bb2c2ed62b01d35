"""Why a queue holds a Job, in the words of Kueue, which keeps a Workload for each Job that it queues."""

from collections.abc import Iterable

from modelward.clients.kube import Kube
from modelward.errors import Refused
from modelward.names import KUEUE, Manifest

WORKLOADS = "kueue.x-k8s.io/v1beta2"
"""Served by Kueue 0.15 and later."""
QUEUE, JOB_UID = f"{KUEUE}queue-name", f"{KUEUE}job-uid"
_MOST = 600


async def held_by_queue(kube: Kube, job: Manifest) -> str | None:
    """None: the Job names no queue. Without Kueue, or where we may not look, the queue alone is told."""
    metadata = job["metadata"]
    name = metadata.get("labels", {}).get(QUEUE)
    if name is None:
        return None
    try:
        workloads = await kube.list(WORKLOADS, "Workload", metadata["namespace"], {JOB_UID: metadata["uid"]})
    except Refused:
        workloads = ()
    return f"queue {name}{_told(workloads)}"


def _told(workloads: Iterable[Manifest]) -> str:
    conditions = {each["type"]: each for one in workloads for each in one.get("status", {}).get("conditions", [])}
    held = (("QuotaReserved", "False"), ("Evicted", "True"))
    said = [conditions[type_] for type_, status in held if conditions.get(type_, {}).get("status") == status]
    words = "; ".join(" ".join(each.get("message", "").split()) for each in said)
    return f": {words[:_MOST]}" if words else ""
