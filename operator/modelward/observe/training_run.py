"""Reads a TrainingRun and, as far as it has come: its dataset, its Job, the versions that are registered."""

from dataclasses import replace

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
from modelward.api.training_run import TrainedAs, TrainingRunSpec
from modelward.build.checkpoint import checkpoint_name
from modelward.build.search import script_name, trial_name
from modelward.build.train_job import volume_name
from modelward.build.version_counter import counter_name, last_number
from modelward.decide.pin import compares
from modelward.decide.plan import Key, Ref
from modelward.decide.run import EngineSeen, RunObserved, TrialSeen, job_name
from modelward.decide.script import ScriptSeen
from modelward.decide.search import searches
from modelward.decide.trials import running
from modelward.names import REGISTERED_MODEL, RUN_UID, TRIAL, Manifest
from modelward.observe.dataset import secret_labels
from modelward.observe.engine import observe_engine
from modelward.observe.jobs import observe_job
from modelward.observe.world import World

API = f"{GROUP}/{VERSION}"
Trained = TrainingRunSpec | TrainedAs


async def observe(world: World, key: Key) -> RunObserved | None:
    raw = await world.kube.get(API, "TrainingRun", key.namespace, key.name)
    if raw is None or raw["metadata"].get("deletionTimestamp"):
        return None
    run = TrainingRun.model_validate(raw)
    if run.status.is_over:
        return await _over(world, run, raw)
    if searches(run.status):
        return await _with_trials(world, run, raw)
    original = await _original(world, run)
    trained = (original and original.spec.lineage.trained_as) or run.spec
    engine = await observe_engine(world, run) if trained.engine else EngineSeen()
    if run.status.dataset_version:
        found = await _with_job(world, run, raw, trained, engine)
    else:
        found = await _with_dataset(world, run, raw, trained)
    return replace(found, original=original, engine=engine)


async def _original(world: World, run: TrainingRun) -> ModelVersion | None:
    if run.spec.reproduce is None:
        return None
    found = await world.kube.get(API, "ModelVersion", run.metadata.namespace, run.spec.reproduce.name)
    return ModelVersion.model_validate(found) if found else None


async def _with_dataset(world: World, run: TrainingRun, raw: Manifest, trained: Trained) -> RunObserved:
    ref, namespace = run.spec.dataset_ref, run.metadata.namespace
    found = await world.kube.get(API, "Dataset", namespace, ref.name)
    dataset = Dataset.model_validate(found) if found else None
    latest = dataset.status.latest_version if dataset else None
    name = ref.version or (latest.name if latest else None)
    version = await world.kube.get(API, "DatasetVersion", namespace, name) if name else None
    script = await _script(world, run, trained)
    if version is None:
        return RunObserved(run, raw, dataset, script=script)
    deployments = await world.kube.list(API, "ModelDeployment", namespace) if compares(run) else []
    return RunObserved(
        run,
        raw,
        dataset,
        DatasetVersion.model_validate(version),
        deployments=tuple(map(ModelDeployment.model_validate, deployments)),
        models=await _models(world, run),
        script=script,
    )


async def _with_trials(world: World, run: TrainingRun, raw: Manifest) -> RunObserved:
    """Every trial that has a Job; those that have been told of lie in the status."""
    found = await world.kube.list("batch/v1", "Job", run.metadata.namespace, {RUN_UID: run.metadata.uid})
    open_ = {trial.number for trial in running(run.status.search)} if run.status.search else set()
    numbers = sorted(int(job["metadata"]["labels"][TRIAL]) for job in found if TRIAL in job["metadata"]["labels"])
    theirs = () if run.spec.estimator else ("tests", "train")
    trials = []
    for number in numbers:
        name = trial_name(job_name(run), number)
        job = await observe_job(world, run.metadata.namespace, name, "publish", theirs)
        if job and (number in open_ or job.state != "Failed"):
            trials.append(TrialSeen(number, job))
    return RunObserved(run, raw, trials=tuple(trials), script=await _script(world, run, run.spec))


async def _with_job(world: World, run: TrainingRun, raw: Manifest, trained: Trained, engine: EngineSeen) -> RunObserved:
    """What an engine's first Job has found in the store is the run's result."""
    namespace, theirs = run.metadata.namespace, () if trained.estimator or trained.import_ else ("tests", "train")
    job = (
        await observe_job(world, namespace, run.status.job, "publish", theirs, follow=True) if run.status.job else None
    )
    if job is None and engine.fetch and engine.fetch.stored:
        job = engine.fetch
    if job is None:
        ending = await _ending(world, run) if trained.engine or run.spec.checkpoint else None
        return RunObserved(run, raw, script=await _script(world, run, trained), ending=ending)
    if job.state != "Succeeded":
        return RunObserved(run, raw, job=job)
    counter = await world.kube.get("v1", "ConfigMap", namespace, counter_name(run.spec.model_name))
    return RunObserved(
        run,
        raw,
        job=job,
        models=await _models(world, run),
        last_number=last_number(counter),
        checkpoint=await _claim(world, run, trained),
    )


async def _models(world: World, run: TrainingRun) -> tuple[ModelVersion, ...]:
    found = await world.kube.list(API, "ModelVersion", run.metadata.namespace)
    return tuple(ModelVersion.model_validate(each) for each in found)


async def _claim(world: World, run: TrainingRun, trained: Trained) -> Ref | None:
    """Only what the run owns: the name alone proves nothing."""
    if not trained.engine and run.spec.checkpoint is None:
        return None
    name = volume_name(run) if trained.engine else checkpoint_name(run)
    claim = await world.kube.get("v1", "PersistentVolumeClaim", run.metadata.namespace, name)
    owners = claim["metadata"].get("ownerReferences", []) if claim else []
    if claim is None or run.metadata.uid not in [owner["uid"] for owner in owners]:
        return None
    return Ref("v1", "PersistentVolumeClaim", name, claim["metadata"]["uid"])


async def _ending(world: World, run: TrainingRun) -> str | None:
    pods = await world.kube.list("v1", "Pod", run.metadata.namespace, {RUN_UID: run.metadata.uid})
    running = [pod for pod in pods if pod.get("status", {}).get("phase") not in ("Succeeded", "Failed")]
    return next((pod["metadata"]["name"] for pod in running), None)


async def _script(world: World, run: TrainingRun, trained: Trained) -> ScriptSeen:
    """For a Job that is to be made. What is in a Secret is not asked for."""
    spec, namespace = trained.script, run.metadata.namespace
    if trained.import_:
        return ScriptSeen(secret_labels=await secret_labels(world, namespace, trained.import_.secret_name))
    if spec is None:
        return ScriptSeen()
    if spec.config_map:
        name = script_name(job_name(run)) if run.status.search else run.status.job
        copy = await world.kube.get("v1", "ConfigMap", namespace, name) if name else None
        return ScriptSeen(await world.kube.get("v1", "ConfigMap", namespace, spec.config_map.name), copy)
    secret = await secret_labels(world, namespace, spec.git.secret_name if spec.git else None)
    return ScriptSeen(secret_labels=secret)


async def _over(world: World, run: TrainingRun, raw: Manifest) -> RunObserved:
    """Runs that ended under an earlier operator do not say yet whether their version passed its gates."""
    name = run.status.model_version
    if name is None or run.status.condition("Verified"):
        return RunObserved(run, raw, noted=await _noted(world, run))
    found = await world.kube.get(API, "ModelVersion", run.metadata.namespace, name)
    return RunObserved(run, raw, models=(ModelVersion.model_validate(found),) if found else ())


async def _noted(world: World, run: TrainingRun) -> bool:
    """The RegisteredModel that made it, where there is one, has written down how it ended."""
    model = run.metadata.labels.get(REGISTERED_MODEL)
    if run.spec.ttl_seconds_after_finished is None or model is None:
        return True
    found = await world.kube.get(API, "RegisteredModel", run.metadata.namespace, model)
    history = RegisteredModel.model_validate(found).status.history if found else []
    return all(record.ended for record in history if record.run == run.metadata.name)
