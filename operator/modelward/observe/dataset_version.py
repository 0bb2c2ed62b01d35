"""Reads a DatasetVersion: it says all about itself."""

from modelward.api import GROUP, VERSION, DatasetVersion
from modelward.decide.dataset_version import DatasetVersionObserved
from modelward.decide.plan import Key
from modelward.observe.world import World


async def observe(world: World, key: Key) -> DatasetVersionObserved | None:
    raw = await world.kube.get(f"{GROUP}/{VERSION}", "DatasetVersion", key.namespace, key.name)
    if raw is None or raw["metadata"].get("deletionTimestamp"):
        return None
    return DatasetVersionObserved(DatasetVersion.model_validate(raw))
