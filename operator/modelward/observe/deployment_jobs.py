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


def trace_jobs(jobs: Sequence[Manifest]) -> tuple[TraceJob, ...]:
    found = [job for job in jobs if job["metadata"]["labels"].get("app.kubernetes.io/component") == "trace"]
    return tuple(_trace_job(job) for job in found)


def _trace_job(job: Manifest) -> TraceJob:
    conditions = job.get("status", {}).get("conditions") or []
    failed = any(c["type"] == "Failed" and c["status"] == "True" for c in conditions)
    return TraceJob(job["metadata"]["name"], failed or _succeeded(job), failed)


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
