"""Reads a ModelVersion, the ModelDeployments that may serve it and, where somebody may ask, its model's versions."""

import asyncio

from modelward.api import GROUP, VERSION, ModelDeployment, ModelVersion
from modelward.build.version_counter import counter_name
from modelward.decide.aliases import held
from modelward.decide.asked_of_version import id_of
from modelward.decide.model_version import ModelVersionObserved
from modelward.decide.plan import Key
from modelward.decide.where_served import in_use
from modelward.names import ACTION, Manifest
from modelward.observe.world import World

API = f"{GROUP}/{VERSION}"


async def observe(world: World, key: Key) -> ModelVersionObserved | None:
    raw = await world.kube.get(API, "ModelVersion", key.namespace, key.name)
    if raw is None or raw["metadata"].get("deletionTimestamp"):
        return None
    version = ModelVersion.model_validate(raw)
    deployments, counter = await asyncio.gather(
        _deployments(world, key, version),
        world.kube.get("v1", "ConfigMap", key.namespace, counter_name(version.spec.model_name)),
    )
    return ModelVersionObserved(
        version,
        deployments,
        counter,
        await _versions(world, version),
        _asked_at(raw),
    )


async def _deployments(world: World, key: Key, version: ModelVersion) -> tuple[ModelDeployment, ...]:
    """Those whose status names the version, and those where it serves as far as it knows. One that begins to name it
    is told of, and the version looked at then."""
    telling = {each.name for each in world.told_by(key) if each.kind == "ModelDeployment"}
    names = sorted(telling | {each.deployment for each in in_use(version.status.deployments)})
    found = await asyncio.gather(*(world.kube.get(API, "ModelDeployment", key.namespace, name) for name in names))
    return tuple(ModelDeployment.model_validate(each) for each in found if each)


async def _versions(world: World, version: ModelVersion) -> tuple[ModelVersion, ...]:
    metadata, status = version.metadata, version.status
    asked = id_of(metadata.annotations)
    if not held(status.aliases) and (not asked or asked in status.answered):
        return ()
    found = map(ModelVersion.model_validate, await world.kube.list(API, "ModelVersion", metadata.namespace))
    return tuple(each for each in found if each.spec.model_name == version.spec.model_name)


def _asked_at(raw: Manifest) -> str | None:
    """When somebody last wrote the annotation, or others along with it."""
    times = [
        entry["time"]
        for entry in raw["metadata"].get("managedFields", [])
        if "time" in entry and f"f:{ACTION}" in entry.get("fieldsV1", {}).get("f:metadata", {}).get("f:annotations", {})
    ]
    return max(times, default=None)
