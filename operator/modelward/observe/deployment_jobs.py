"""Jobs of a ModelDeployment: what they told the store, or why they could not."""

import asyncio
from collections.abc import Sequence

from modelward.decide.jobs import hindrance
from modelward.decide.observed import ServedJob, TraceJob, VerdictJob
from modelward.names import LABEL, REVISION, Manifest
from modelward.observe.jobs import observe_job
from modelward.observe.world import World


async def verdict_jobs(world: World, jobs: Sequence[Manifest]) -> tuple[VerdictJob, ...]:
    found = [job for job in jobs if LABEL + "retry" in job["metadata"]["labels"]]
    return tuple(await asyncio.gather(*(_verdict_job(world, job) for job in found)))


def served_jobs(jobs: Sequence[Manifest]) -> tuple[ServedJob, ...]:
    found = [job for job in jobs if job["metadata"]["labels"].get("app.kubernetes.io/component") == "served"]
    return tuple(ServedJob(job["metadata"]["name"], _succeeded(job)) for job in found)


async def trace_jobs(world: World, jobs: Sequence[Manifest], own: str | None) -> tuple[TraceJob, ...]:
    """`own`: the name of the one that is of this operator's making."""
    found = [job for job in jobs if job["metadata"]["labels"].get("app.kubernetes.io/component") == "trace"]
    return tuple(await asyncio.gather(*(_trace_job(world, job, own) for job in found)))


async def _trace_job(world: World, job: Manifest, own: str | None) -> TraceJob:
    """One that an operator before this one left without its task has failed."""
    name = job["metadata"]["name"]
    if _succeeded(job):
        return TraceJob(name, finished=True)
    conditions = job.get("status", {}).get("conditions") or []
    failed = any(c["type"] == "Failed" and c["status"] == "True" for c in conditions)
    has_task = failed or await world.kube.get("v1", "ConfigMap", job["metadata"]["namespace"], name) is not None
    failed = failed or not (has_task or name == own)
    return TraceJob(name, finished=failed, failed=failed, has_task=has_task)


async def _verdict_job(world: World, job: Manifest) -> VerdictJob:
    metadata = job["metadata"]
    name, labels = metadata["name"], metadata["labels"]
    revision, retry = labels[REVISION], int(labels[LABEL + "retry"])
    if _succeeded(job):
        return VerdictJob(revision, retry, succeeded=True, name=name)
    seen = await observe_job(world, metadata["namespace"], name, "verdict")
    problem = hindrance(seen, world.clock()) if seen else None
    return VerdictJob(revision, retry, succeeded=False, name=name, problem=problem)


def _succeeded(job: Manifest) -> bool:
    return bool(job.get("status", {}).get("succeeded"))
