"""Reads a DatasetVersion, and what its Dataset says of it."""

from modelward.api import GROUP, VERSION, Dataset, DatasetVersion
from modelward.decide.dataset_version import DatasetVersionObserved
from modelward.decide.plan import Key
from modelward.observe.world import World

API = f"{GROUP}/{VERSION}"


async def observe(world: World, key: Key) -> DatasetVersionObserved | None:
    raw = await world.kube.get(API, "DatasetVersion", key.namespace, key.name)
    if raw is None or raw["metadata"].get("deletionTimestamp"):
        return None
    version = DatasetVersion.model_validate(raw)
    found = await world.kube.get(API, "Dataset", key.namespace, version.spec.dataset_name)
    return DatasetVersionObserved(version, Dataset.model_validate(found).status.checked if found else None)
