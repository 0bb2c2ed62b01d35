"""Reads a Dataset, its parents, its Jobs, its newest version and the valid one before it, and all older ones."""

import asyncio
from dataclasses import replace

from modelward.api import GROUP, VERSION, Dataset, DatasetVersion
from modelward.decide.dataset import DatasetObserved
from modelward.decide.jobs import JobSeen, Problem
from modelward.decide.plan import Key, Ref
from modelward.names import DATASET
from modelward.observe.history import observe_history
from modelward.observe.jobs import observe_job
from modelward.observe.parents import observe_parents
from modelward.observe.world import World
from modelward_contracts.tasks import PII_KEY, PII_SECRET

API = f"{GROUP}/{VERSION}"
ANCESTORS = 10
"""Looked back at most."""


async def observe(world: World, key: Key) -> DatasetObserved | None:
    raw = await world.kube.get(API, "Dataset", key.namespace, key.name)
    if raw is None or raw["metadata"].get("deletionTimestamp"):
        return None
    dataset = Dataset.model_validate(raw)
    job, jobs, latest, secret, (parents, lineage) = await asyncio.gather(
        _job(world, dataset),
        _jobs(world, dataset),
        _latest(world, dataset),
        secret_labels(world, dataset.metadata.namespace, dataset.spec.secret_name),
        observe_parents(world, dataset),
    )
    ingest = dataset.status.ingest
    versions, named = await observe_history(world, dataset) if ingest and ingest.finished else ((), frozenset())
    return DatasetObserved(
        dataset=dataset,
        raw=raw,
        secret_labels=secret,
        parents=parents,
        lineage=lineage,
        job=job,
        jobs=jobs,
        latest_exists=latest is not None or dataset.status.latest_version is None,
        before=await _valid_before(world, latest) if latest and dataset.spec.expectations else None,
        versions=versions,
        named=named,
    )


async def secret_labels(world: World, namespace: str, name: str | None) -> dict[str, str] | None:
    """What is in the Secret is not asked for."""
    name = name if world.settings.source_secrets else None
    found = await world.kube.metadata("v1", "Secret", namespace, name) if name else None
    return None if found is None else found["metadata"].get("labels") or {}


async def _job(world: World, dataset: Dataset) -> JobSeen | None:
    """Of an ingest that is not done; what came of one that is, the status tells."""
    ingest = dataset.status.ingest
    if ingest is None or ingest.finished:
        return None
    seen = await observe_job(world, dataset.metadata.namespace, ingest.job, "ingest", ("prepare",))
    return await _explained(world, dataset, seen) if seen and seen.problem else seen


async def _explained(world: World, dataset: Dataset, seen: JobSeen) -> JobSeen:
    """Of a claim that is not there the scheduler says just that no node has it."""
    pvc, problem = dataset.spec.source.pvc, seen.problem
    if problem and problem.reason == "CreateContainerConfigError" and PII_SECRET in problem.message:
        return replace(seen, problem=_without_salt(problem))
    if pvc is None or problem is None or problem.reason != "Unschedulable":
        return seen
    if await world.kube.get("v1", "PersistentVolumeClaim", dataset.metadata.namespace, pvc.claim_name):
        return seen
    what = f"the PersistentVolumeClaim {pvc.claim_name} does not exist in this namespace"
    hint = f"{what}: create it, or correct spec.source.pvc.claimName"
    return replace(seen, problem=replace(problem, reason="SourceClaimNotFound", message=hint))


def _without_salt(problem: Problem) -> Problem:
    """The kubelet looks for it again by itself."""
    keyless = "couldn't find key" in problem.message
    what = f"has no key {PII_KEY}" if keyless else "does not exist in this namespace"
    make = f"`kubectl create secret generic {PII_SECRET} --from-literal={PII_KEY}=$(openssl rand -hex 32)` makes it"
    return replace(
        problem,
        reason="SecretNotFound",
        message=f"columns.pii hashes with the Secret {PII_SECRET}, which {what}: {make}, and the ingest goes on",
    )


async def _jobs(world: World, dataset: Dataset) -> tuple[Ref, ...]:
    """Only this Dataset's own: the label alone may be that of one that was deleted."""
    metadata = dataset.metadata
    found = await world.kube.list("batch/v1", "Job", metadata.namespace, {DATASET: metadata.name})
    owned = [job for job in found if any(o["uid"] == metadata.uid for o in job["metadata"].get("ownerReferences", []))]
    return tuple(Ref("batch/v1", "Job", job["metadata"]["name"], job["metadata"]["uid"]) for job in owned)


async def _latest(world: World, dataset: Dataset) -> DatasetVersion | None:
    latest = dataset.status.latest_version
    return await _version(world, dataset.metadata.namespace, latest.name) if latest else None


async def _valid_before(world: World, version: DatasetVersion) -> DatasetVersion | None:
    """The nearest of its parents that is not known to be wrong."""
    for _ in range(ANCESTORS):
        parent = version.spec.parent
        found = await _version(world, version.metadata.namespace, parent) if parent else None
        valid = found.status.condition("Valid") if found else None
        if found is None or valid is None or valid.status != "False":
            return found
        version = found
    return None


async def _version(world: World, namespace: str, name: str) -> DatasetVersion | None:
    raw = await world.kube.get(API, "DatasetVersion", namespace, name)
    return DatasetVersion.model_validate(raw) if raw else None
