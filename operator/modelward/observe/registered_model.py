"""Reads a RegisteredModel, its data, the runs that it made, and the versions and deployments of its model."""

import asyncio

from modelward.api import (
    GROUP,
    VERSION,
    Dataset,
    DatasetVersion,
    ModelDeployment,
    ModelVersion,
    RegisteredModel,
    TrainingRun,
)
from modelward.decide.plan import Key
from modelward.decide.registered_model import RegisteredModelObserved
from modelward.names import REGISTERED_MODEL, Manifest
from modelward.observe.world import World

API = f"{GROUP}/{VERSION}"


async def observe(world: World, key: Key) -> RegisteredModelObserved | None:
    raw = await world.kube.get(API, "RegisteredModel", key.namespace, key.name)
    if raw is None or raw["metadata"].get("deletionTimestamp"):
        return None
    model = RegisteredModel.model_validate(raw)
    script = model.spec.run.script
    code = script.config_map.name if script and script.config_map else None
    dataset, runs, versions, deployments, text = await asyncio.gather(
        world.kube.get(API, "Dataset", key.namespace, model.spec.run.dataset_ref.name),
        world.kube.list(API, "TrainingRun", key.namespace, labels={REGISTERED_MODEL: key.name}),
        world.kube.list(API, "ModelVersion", key.namespace),
        world.kube.list(API, "ModelDeployment", key.namespace),
        _config_map(world, key.namespace, code),
    )
    found = Dataset.model_validate(dataset) if dataset else None
    latest = found.status.latest_version if found else None
    data = await world.kube.get(API, "DatasetVersion", key.namespace, latest.name) if latest else None
    return RegisteredModelObserved(
        model=model,
        raw=raw,
        dataset=found,
        data=DatasetVersion.model_validate(data) if data else None,
        runs=tuple(map(TrainingRun.model_validate, runs)),
        versions=tuple(v for v in map(ModelVersion.model_validate, versions) if v.spec.model_name == key.name),
        deployments=tuple(
            d for d in map(ModelDeployment.model_validate, deployments) if d.spec.model_ref.name == key.name
        ),
        script=text,
    )


async def _config_map(world: World, namespace: str, name: str | None) -> Manifest | None:
    return await world.kube.get("v1", "ConfigMap", namespace, name) if name else None
