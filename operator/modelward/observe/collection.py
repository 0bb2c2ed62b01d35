"""Reads how far a namespace's collection is and, where one is due, what its resources name."""

import asyncio
import json
import re
from collections.abc import Iterable

from modelward.api import GROUP, KINDS, VERSION
from modelward.decide.collection import CollectionObserved, due, oldest
from modelward.decide.plan import Key
from modelward.names import MANAGED_BY, STORE_CLAIM, Manifest
from modelward.observe.jobs import observe_job
from modelward.observe.world import World

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
SOURCES = "sources"
"""Of a version: digests of files that lie somewhere else."""


async def observe(world: World, key: Key) -> CollectionObserved | None:
    namespace, collection = key.namespace, world.settings.store_collection
    if not collection.schedule:
        return None
    ledger = await world.kube.get("v1", "ConfigMap", namespace, key.name)
    if ledger is None or ledger["metadata"].get("deletionTimestamp"):
        # In a namespace that is going, nothing can be made, and nothing of ours is left.
        return CollectionObserved(namespace) if await _resources(world, namespace) else None
    observed = CollectionObserved(namespace, ledger)
    if job := observed.data.get("job"):
        return CollectionObserved(namespace, ledger, await observe_job(world, namespace, job, "collect"))
    if due(observed.data, namespace, collection, world.clock()) is None:
        return observed
    if not await _has_store(world, namespace):
        return None
    # Jobs first: one that ends meanwhile has its result in a resource that is listed after it.
    jobs = await world.kube.list("batch/v1", "Job", namespace, {MANAGED_BY: "modelward"})
    resources = await _resources(world, namespace)
    return CollectionObserved(
        namespace, ledger, named=frozenset(_named(resources)), since=oldest(_begun(resources, jobs))
    )


async def _has_store(world: World, namespace: str) -> bool:
    """A claim is made by the first Job that needs it."""
    if not world.settings.store_is_claim:
        return True
    return await world.kube.get("v1", "PersistentVolumeClaim", namespace, STORE_CLAIM) is not None


async def _resources(world: World, namespace: str) -> list[Manifest]:
    kinds = [world.kube.list(f"{GROUP}/{VERSION}", model.NAMES.kind, namespace) for model in KINDS]
    return [each for found in await asyncio.gather(*kinds) for each in found]


def _named(resources: Iterable[Manifest]) -> set[str]:
    """Any digest anywhere: what it means is for others to know."""
    return {digest for each in resources for digest in _DIGEST.findall(json.dumps(_without_sources(each)))}


def _without_sources(resource: Manifest) -> Manifest:
    if resource["kind"] != "DatasetVersion":
        return resource
    return {**resource, "spec": {key: value for key, value in resource["spec"].items() if key != SOURCES}}


def _begun(resources: Iterable[Manifest], jobs: Iterable[Manifest]) -> Iterable[str | None]:
    """Of whatever may have written to the store and has not been registered."""
    for resource in resources:
        status = resource.get("status") or {}
        ingest = status.get("ingest") or {}
        if resource["kind"] == "Dataset" and ingest and not ingest.get("finished"):
            yield ingest["started"]
        if resource["kind"] == "TrainingRun" and not _over(status):
            yield status.get("startTime")
    for job in jobs:
        if not _over(job.get("status") or {}):
            yield job["metadata"].get("creationTimestamp")


def _over(status: Manifest) -> bool:
    conditions = status.get("conditions") or []
    return any(c["type"] in ("Complete", "Failed") and c["status"] == "True" for c in conditions)
