"""Reads the Datasets that a Dataset is made of, and the names of those that they are made of in turn."""

import asyncio

from modelward.api import GROUP, VERSION, Dataset
from modelward.decide.parents import ParentSeen
from modelward.observe.world import World

API = f"{GROUP}/{VERSION}"
MOST = 200
"""Looked at: more is no lineage that anybody drew."""


async def observe_parents(world: World, dataset: Dataset) -> tuple[tuple[ParentSeen, ...], dict[str, tuple[str, ...]]]:
    """The parents as they are written, and the names of the parents of each Dataset that it leads to."""
    known: dict[str, Dataset | None] = {dataset.metadata.name: dataset}
    lineage: dict[str, tuple[str, ...]] = {dataset.metadata.name: _names(dataset)}
    ahead = [name for name in _names(dataset) if name not in known]
    while ahead and len(known) < MOST:
        found = await asyncio.gather(*(_dataset(world, dataset.metadata.namespace, name) for name in ahead))
        known |= dict(zip(ahead, found, strict=True))
        lineage |= {each.metadata.name: _names(each) for each in found if each}
        ahead = list(dict.fromkeys(name for each in found if each for name in _names(each) if name not in known))
    stated = dataset.spec.source.datasets or []
    return tuple(ParentSeen(each.name, each.table, known.get(each.name)) for each in stated), lineage


def _names(dataset: Dataset) -> tuple[str, ...]:
    return tuple(each.name for each in dataset.spec.source.datasets or [])


async def _dataset(world: World, namespace: str, name: str) -> Dataset | None:
    raw = await world.kube.get(API, "Dataset", namespace, name)
    return Dataset.model_validate(raw) if raw and not raw["metadata"].get("deletionTimestamp") else None
