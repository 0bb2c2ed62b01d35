"""Reads a ModelVersion, and the ModelDeployments that may serve it."""

import asyncio

from modelward.api import GROUP, VERSION, ModelDeployment, ModelVersion
from modelward.decide.model_version import ModelVersionObserved
from modelward.decide.plan import Key
from modelward.observe.world import World

API = f"{GROUP}/{VERSION}"


async def observe(world: World, key: Key) -> ModelVersionObserved | None:
    raw, deployments = await asyncio.gather(
        world.kube.get(API, "ModelVersion", key.namespace, key.name),
        world.kube.list(API, "ModelDeployment", key.namespace),
    )
    if raw is None or raw["metadata"].get("deletionTimestamp"):
        return None
    return ModelVersionObserved(
        ModelVersion.model_validate(raw), tuple(ModelDeployment.model_validate(each) for each in deployments)
    )
