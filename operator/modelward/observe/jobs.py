"""Reads a Job, its pods and, when it has succeeded, the report in the log of our own last container.

What the log says is believed only if its digest is the one in the termination message. Where the log is gone, the log
of the Job that prints the report again is read instead.
"""

from collections.abc import Collection
from dataclasses import replace

from modelward.build.reprint import reprint_name
from modelward.decide.jobs import JobSeen, Problem
from modelward.errors import Refused, Unavailable
from modelward.names import Manifest
from modelward.observe.job_pods import ended_early, job_seen, succeeded
from modelward.observe.progress import TAIL_BYTES, TAIL_LINES, progress_in
from modelward.observe.queue import held_by_queue
from modelward.observe.refusals import refusal_of_job
from modelward.observe.world import World
from modelward_contracts.reports import MAX_REPORT, PREFIX, Report
from modelward_contracts.wire import decode, sha256

JOB_NAME, JOB_UID = "batch.kubernetes.io/job-name", "batch.kubernetes.io/controller-uid"
LOG_BYTES = 8 * MAX_REPORT
"""The report is the last line; what libraries print before it is little."""


async def observe_job(
    world: World, namespace: str, name: str, reporter: str, theirs: Collection[str] = (), follow: bool = False
) -> JobSeen | None:
    """`reporter`: the container that reports. `theirs`: those that run the user's code. `follow`: see how far it is."""
    job = await world.kube.get("batch/v1", "Job", namespace, name)
    if job is None or job["metadata"].get("deletionTimestamp"):
        return None
    seen = await _read(world, job, reporter, theirs, follow)
    if seen.digest is None or seen.report is not None:
        return seen
    printer = await world.kube.get("batch/v1", "Job", namespace, reprint_name(name))
    if printer is None:
        return seen
    printed = await _read(world, printer, "report")
    return replace(seen, printer=printed, report=printed.report if printed.digest == seen.digest else None)


async def _read(
    world: World, job: Manifest, reporter: str, theirs: Collection[str] = (), follow: bool = False
) -> JobSeen:
    metadata = job["metadata"]
    found = await world.kube.list("v1", "Pod", metadata["namespace"], {JOB_NAME: metadata["name"]})
    pods = [pod for pod in found if pod["metadata"].get("labels", {}).get(JOB_UID, metadata["uid"]) == metadata["uid"]]
    seen, pod = job_seen(job, pods, theirs), succeeded(pods)
    if seen.stored:
        pod, reporter = ended_early(pods), "fetch"
    if seen.state == "Suspended":
        return replace(seen, queue=await held_by_queue(world.kube, job))
    if seen.podless and (refusal := await refusal_of_job(world.kube, job, pods)):
        message = f"the API server refuses the pod of Job {metadata['name']}: {refusal}"
        return replace(seen, problem=Problem("FailedCreate", message))
    if follow and seen.state == "Active" and seen.step and pods:
        newest = max(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")))
        log = await log_of(world, newest, seen.step, TAIL_BYTES, TAIL_LINES)
        return replace(seen, progress=progress_in(log))
    if seen.digest is None or pod is None:
        return seen
    return replace(seen, report=report_in(await log_of(world, pod, reporter), seen.digest))


async def log_of(world: World, pod: Manifest, container: str, most: int = LOG_BYTES, last: int | None = None) -> str:
    """Empty where nobody has it any more: a lost node must not hold up what the store can tell. `last`: lines."""
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    try:
        return await world.kube.pod_log(namespace, name, container, most, last) or ""
    except (Refused, Unavailable):
        return ""


def report_in(log: str, digest: str) -> Report | None:
    """The line of ours with this digest."""
    for line in reversed(log.splitlines()):
        data = line.removeprefix(PREFIX)
        if data != line and sha256(data.encode()) == digest:
            return decode(data, Report)  # type: ignore[arg-type]  # a union of shapes is a type to msgspec
    return None
