"""Reads a ModelVersion, and the ModelDeployments that may serve it."""

import asyncio

from modelward.api import GROUP, VERSION, ModelDeployment, ModelVersion
from modelward.build.version_counter import counter_name
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
    version = ModelVersion.model_validate(raw)
    counter = await world.kube.get("v1", "ConfigMap", key.namespace, counter_name(version.spec.model_name))
    return ModelVersionObserved(version, tuple(ModelDeployment.model_validate(each) for each in deployments), counter)
