"""Reads a TrainingRun and, as far as it has come: its dataset, its Job, the versions that are registered."""

from modelward.api import GROUP, VERSION, Dataset, DatasetVersion, ModelVersion, TrainingRun
from modelward.build.version_counter import counter_name, last_number
from modelward.decide.plan import Key
from modelward.decide.script import ScriptSeen
from modelward.decide.training_run import RunObserved
from modelward.names import Manifest
from modelward.observe.dataset import secret_labels
from modelward.observe.jobs import observe_job
from modelward.observe.world import World

API = f"{GROUP}/{VERSION}"


async def observe(world: World, key: Key) -> RunObserved | None:
    raw = await world.kube.get(API, "TrainingRun", key.namespace, key.name)
    if raw is None or raw["metadata"].get("deletionTimestamp"):
        return None
    run = TrainingRun.model_validate(raw)
    if run.status.is_true("Complete") or run.status.is_true("Failed"):
        return await _over(world, run, raw)
    return await (_with_job(world, run, raw) if run.status.dataset_version else _with_dataset(world, run, raw))


async def _with_dataset(world: World, run: TrainingRun, raw: Manifest) -> RunObserved:
    ref, namespace = run.spec.dataset_ref, run.metadata.namespace
    found = await world.kube.get(API, "Dataset", namespace, ref.name)
    dataset = Dataset.model_validate(found) if found else None
    latest = dataset.status.latest_version if dataset else None
    name = ref.version or (latest.name if latest else None)
    version = await world.kube.get(API, "DatasetVersion", namespace, name) if name else None
    meant = DatasetVersion.model_validate(version) if version else None
    return RunObserved(run, raw, dataset, meant, script=await _script(world, run))


async def _with_job(world: World, run: TrainingRun, raw: Manifest) -> RunObserved:
    namespace, theirs = run.metadata.namespace, None if run.spec.estimator else "train"
    job = await observe_job(world, namespace, run.status.job, "publish", theirs) if run.status.job else None
    if job is None:
        return RunObserved(run, raw, script=await _script(world, run))
    if job.state != "Succeeded":
        return RunObserved(run, raw, job=job)
    models = await world.kube.list(API, "ModelVersion", namespace)
    counter = await world.kube.get("v1", "ConfigMap", namespace, counter_name(run.spec.model_name))
    found = tuple(ModelVersion.model_validate(each) for each in models)
    return RunObserved(run, raw, job=job, models=found, last_number=last_number(counter))


async def _script(world: World, run: TrainingRun) -> ScriptSeen:
    """For a Job that is to be made. What is in a Secret is not asked for."""
    spec, namespace = run.spec.script, run.metadata.namespace
    if spec is None:
        return ScriptSeen()
    if spec.config_map:
        copy = await world.kube.get("v1", "ConfigMap", namespace, run.status.job) if run.status.job else None
        return ScriptSeen(await world.kube.get("v1", "ConfigMap", namespace, spec.config_map.name), copy)
    secret = await secret_labels(world, namespace, spec.git.secret_name if spec.git else None)
    return ScriptSeen(secret_labels=secret)


async def _over(world: World, run: TrainingRun, raw: Manifest) -> RunObserved:
    """Runs that ended under an earlier operator do not say yet whether their version passed its gates."""
    name = run.status.model_version
    if name is None or run.status.condition("Verified"):
        return RunObserved(run, raw)
    found = await world.kube.get(API, "ModelVersion", run.metadata.namespace, name)
    return RunObserved(run, raw, models=(ModelVersion.model_validate(found),) if found else ())
