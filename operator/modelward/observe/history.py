"""Reads a Dataset's versions, and which of them runs, models and versions of other Datasets name."""

import asyncio
from collections.abc import Iterator, Sequence

from modelward.api import GROUP, VERSION, Dataset
from modelward.decide.history import Kept
from modelward.names import DATASET, Manifest
from modelward.observe.world import World

API = f"{GROUP}/{VERSION}"


async def observe_history(world: World, dataset: Dataset) -> tuple[tuple[Kept, ...], frozenset[str]]:
    """Nothing, where there are too few to take one away."""
    metadata = dataset.metadata
    versions = await world.kube.list(API, "DatasetVersion", metadata.namespace, {DATASET: metadata.name})
    if len(versions) <= dataset.spec.history_limit:
        return (), frozenset()
    runs, models, everybodys = await asyncio.gather(
        world.kube.list(API, "TrainingRun", metadata.namespace),
        world.kube.list(API, "ModelVersion", metadata.namespace),
        world.kube.list(API, "DatasetVersion", metadata.namespace),
    )
    kept = tuple(_kept(each) for each in versions if "deletionTimestamp" not in each["metadata"])
    return kept, frozenset(_named(runs, models, everybodys))


def _kept(version: Manifest) -> Kept:
    metadata, conditions = version["metadata"], version.get("status", {}).get("conditions", [])
    invalid = any((c["type"], c["status"]) == ("Valid", "False") for c in conditions)
    return Kept(metadata["name"], metadata["uid"], metadata.get("creationTimestamp", ""), not invalid)


def _named(runs: Sequence[Manifest], models: Sequence[Manifest], versions: Sequence[Manifest]) -> Iterator[str]:
    """A run's data is what it has pinned, or what it will pin; a version's are its parents in other Datasets."""
    for version in versions:
        yield from (parent["version"] for parent in version["spec"].get("parents", []))
    for run in runs:
        yield run["spec"]["datasetRef"].get("version", "")
        yield run.get("status", {}).get("datasetVersion", {}).get("name", "")
    for model in models:
        yield model["spec"]["lineage"]["datasetVersion"]
