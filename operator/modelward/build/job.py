"""Jobs: one of our steps alone, or the steps of a training in one pod.

A step that failed by its code or its data (any exit code but 75) fails the Job at once; 75 says that the
infrastructure was at fault, and is retried with backoff, as a disrupted pod is. Jobs carry no TTL: what they say is
copied into a status before whoever asked for them takes them away.
"""

from typing import Any

from modelward.api.container import ContainerSpec
from modelward.api.dataset import Dataset, DatasetSpec, Source
from modelward.api.imported import ImportSpec
from modelward.api.pod import JobPod
from modelward.api.resources import Resources
from modelward.api.script import GitScript, ScriptOrigin
from modelward.api.training_run import TrainingRun
from modelward.build.checkpoint import checkpoint_name
from modelward.build.pod import (
    MESH_OFF,
    TMP_DIR,
    WORK_DIR,
    settings_of_pod,
    store_environment,
    store_mounts,
    store_variables,
    store_volumes,
    template,
    without_identity,
)
from modelward.build.search import winner_of
from modelward.names import DEPLOYMENT, KUEUE, REVISION, Manifest, owned_by
from modelward.settings import Settings
from modelward_contracts.tasks import (
    CHECKPOINT_DIR,
    HANDOFF_DIR,
    INPUT_DIR,
    OUTPUT_DIR,
    PII_KEY,
    PII_SALT,
    PII_SECRET,
    SCRIPT_DIR,
    SCRIPT_FILE,
    SOURCE_DIR,
    SOURCE_VARIABLE,
    TASK_DIR,
)

_SCRIPT = {"name": "script", "mountPath": SCRIPT_DIR}
_SOURCE = {"name": "source", "mountPath": SOURCE_DIR, "readOnly": True}
TEMPORARY = 75
"""EX_TEMPFAIL"""
STEP_SECONDS = 6 * 3600
STEP_RETRIES = 6
THEIRS = ("train", "tests", "prepare")
"""Containers of the user's own code."""


def ingest_job(owner: Manifest, dataset: Dataset, name: str, labels: dict[str, str], settings: Settings) -> Manifest:
    """One step, or, around a user's container, two: `source` reads, and `ingest` checks what `prepare` made of it."""
    spec, theirs = dataset.spec, dataset.spec.prepare.container if dataset.spec.prepare else None
    ingest = _ours("ingest", settings, spec.resources, settings.job_resources.ingest)
    first = _reading(
        _ours("source", settings, spec.resources, settings.job_resources.ingest) if theirs else ingest, spec
    )
    volumes = [_task(name), *store_volumes(settings), *_claims(spec.source)]
    pod = {"containers": [ingest], "volumes": volumes}
    if theirs and spec.prepare:
        resources = spec.prepare.resources.container() or settings.job_resources.train.container()
        prepare = _theirs("prepare", theirs, resources, settings)
        handoff = {"name": "handoff", "mountPath": HANDOFF_DIR}
        for step in (first, ingest):
            step["volumeMounts"] = [*step["volumeMounts"], handoff]
        pod = {
            "initContainers": [first, prepare],
            "containers": [_after_theirs(ingest)],
            "volumes": [*volumes, {"name": "handoff", "emptyDir": {}}],
        }
    chosen = settings_of_pod(spec.pod, settings.job_pod, settings)
    shown = "prepare" if theirs else "ingest"
    return _job(owner, name, labels, pod, chosen, shown, STEP_RETRIES, STEP_SECONDS)


def _reading(container: dict[str, Any], spec: DatasetSpec) -> dict[str, Any]:
    """A source on a volume is mounted read-only at SOURCE_DIR; the keys of a source's Secret are in the environment."""
    if spec.source.pvc:
        container["volumeMounts"].append(_SOURCE)
    if "Hash" in spec.columns.pii.values():
        salt = {"secretKeyRef": {"name": PII_SECRET, "key": PII_KEY}}
        container["env"].append({"name": PII_SALT, "valueFrom": salt})
    if spec.secret_name:
        container["envFrom"] = [*container.get("envFrom", []), _keys(spec.secret_name)]
    return container


def _claims(source: Source) -> list[dict[str, Any]]:
    return [_source_claim(source.pvc.claim_name)] if source.pvc else []


def _source_claim(name: str) -> dict[str, Any]:
    return {"name": "source", "persistentVolumeClaim": {"claimName": name, "readOnly": True}}


def small_job(owner: Manifest, name: str, labels: dict[str, str], step: str, settings: Settings) -> Manifest:
    """One of our own steps that writes or prints a few KiB, wherever the chart's values say."""
    pod = {
        "containers": [_ours(step, settings, Resources(), settings.job_resources.small)],
        "volumes": [_task(name), *store_volumes(settings)],
    }
    return _job(owner, name, labels, pod, settings.job_pod, step, STEP_RETRIES, STEP_SECONDS)


def training_job(
    owner: Manifest,
    run: TrainingRun,
    name: str,
    labels: dict[str, str],
    settings: Settings,
    script: ScriptOrigin | None = None,
) -> Manifest:
    """fetch → tests → train → publish. Only the first and the last see the store; `train` sees its input, its output
    and, as the only one, its checkpoint. The last Job of a search, and an import, train nothing: `fetch` brings what
    won, or the model."""
    spec, publish = run.spec, _publish(run, settings)
    fetch = _ours("fetch", settings, spec.step_resources.fetch, settings.job_resources.fetch)
    volumes = [_task(name), *store_volumes(settings), *_checkpoint_volume(run)]
    if script:
        volumes += _script_volumes(name, script, bool(spec.reproduce))
    if script and (spec.reproduce or not script.key):
        _fetched(fetch, spec.script.git if spec.script else None)
    if spec.search or (script and not script.key):
        volumes.append(_handed_on(fetch, publish))
    if spec.import_:
        volumes += _brought(fetch, spec.import_)
    taken = winner_of(run) is not None or spec.import_ is not None
    steps = [fetch] if taken else [fetch, *_tests_and_train(run, settings, script)]
    pod = {"initContainers": steps, "containers": [publish], "volumes": volumes}
    chosen = settings_of_pod(spec.pod, settings.job_pod, settings)
    shown, seconds = "publish" if taken else "train", spec.active_deadline_seconds
    job = _job(owner, name, labels, pod, chosen, shown, spec.backoff_limit, seconds)
    if spec.tests and not taken:
        failed = {"containerName": "tests", "operator": "NotIn", "values": [0]}
        job["spec"]["podFailurePolicy"]["rules"].insert(1, {"action": "FailJob", "onExitCodes": failed})
    queue = {key: value for key, value in run.metadata.labels.items() if key.startswith(KUEUE)}
    return {**job, "metadata": {**job["metadata"], "labels": labels | queue}}


def _job(
    owner: Manifest,
    name: str,
    labels: dict[str, str],
    pod: dict[str, Any],
    chosen: JobPod,
    shown: str,
    retries: int,
    deadline: int,
) -> Manifest:
    """`shown` is the container that `kubectl logs` shows."""
    annotations = {**MESH_OFF, "kubectl.kubernetes.io/default-container": shown}
    theirs = [each["name"] for each in pod.get("initContainers", []) if each["name"] in THEIRS]
    annotations |= without_identity(theirs, chosen)
    # Whoever selects a deployment's pods (a disruption budget, an autoscaler) means those that serve.
    of_pods = {key: value for key, value in labels.items() if key not in (DEPLOYMENT, REVISION)}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": owner["metadata"]["namespace"],
            "labels": labels,
            "ownerReferences": [owned_by(owner)],
        },
        "spec": {
            "backoffLimit": retries,
            "activeDeadlineSeconds": deadline,
            "podFailurePolicy": {
                "rules": [
                    {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
                    {"action": "FailJob", "onExitCodes": {"operator": "NotIn", "values": [TEMPORARY]}},
                ]
            },
            "template": template({"restartPolicy": "Never", **pod}, chosen, of_pods, annotations),
        },
    }


def _task(name: str) -> dict[str, Any]:
    """The ConfigMap of the Job's own name."""
    return {"name": "task", "configMap": {"name": name}}


def _ours(step: str, settings: Settings, asked: Resources, default: Resources) -> dict[str, Any]:
    return {
        "name": step,
        "image": settings.training_image,
        "imagePullPolicy": settings.image_pull_policy,
        "command": ["python", "-m", "modelward_training", step],
        "resources": asked.container() or default.container(),
        # Modules come from the image alone, whatever lies in the working directory or at HOME.
        "env": [
            {"name": "PYTHONSAFEPATH", "value": "1"},
            {"name": "PYTHONNOUSERSITE", "value": "1"},
            *store_variables(settings),
        ],
        "volumeMounts": [{"name": "task", "mountPath": TASK_DIR, "readOnly": True}, *store_mounts(settings)],
        **store_environment(settings),
    }


def _publish(run: TrainingRun, settings: Settings) -> dict[str, Any]:
    return _after_theirs(_ours("publish", settings, run.spec.step_resources.publish, settings.job_resources.publish))


def _after_theirs(container: dict[str, Any]) -> dict[str, Any]:
    """It comes after the user's code, with the store's credentials: no library may find settings of theirs at HOME."""
    return {**container, "env": [*container["env"], {"name": "HOME", "value": TMP_DIR}]}


def _train(run: TrainingRun, settings: Settings, script: ScriptOrigin | None) -> dict[str, Any]:
    """Neither the store nor its credentials; our own trainer reads the task, a user's image or script does not."""
    asked, default = run.spec.resources, settings.job_resources.train
    if script:
        command = ["python", "-m", "modelward_script", f"{SCRIPT_DIR}/{script.key or script.path}"]
        code = ContainerSpec(image=script.image, command=command)
        theirs = _theirs("train", code, asked.container() or default.container(), settings)
        env = [*theirs["env"], {"name": "MODELWARD_SEED", "value": str(run.spec.seed)}]
        return {**theirs, "env": env, "workingDir": SCRIPT_DIR, "volumeMounts": [{**_SCRIPT, "readOnly": True}]}
    if run.spec.container:
        return _theirs("train", run.spec.container, asked.container() or default.container(), settings)
    ours = _ours("train", settings, asked, default)
    ours.pop("envFrom", None)
    env = [variable for variable in ours["env"] if variable not in store_variables(settings)]
    return {**ours, "env": env, "volumeMounts": [mount for mount in ours["volumeMounts"] if mount["name"] == "task"]}


def _tests_and_train(run: TrainingRun, settings: Settings, script: ScriptOrigin | None) -> list[dict[str, Any]]:
    train = _train(run, settings, script)
    return [*_tests(run, train), _with_checkpoint(train, run)]


def _tests(run: TrainingRun, train: dict[str, Any]) -> list[dict[str, Any]]:
    """`train` with another command, which finds all of /work to read only."""
    if run.spec.tests is None:
        return []
    work = {"name": "work", "mountPath": WORK_DIR, "readOnly": True}
    return [
        {
            **train,
            "name": "tests",
            "command": run.spec.tests.command,
            "args": [],
            "env": [*(each for each in train["env"] if each["name"] != "HOME"), {"name": "HOME", "value": TMP_DIR}],
            "volumeMounts": [*train.get("volumeMounts", []), work],
        }
    ]


def _with_checkpoint(train: dict[str, Any], run: TrainingRun) -> dict[str, Any]:
    if run.spec.checkpoint is None:
        return train
    mount = {"name": "checkpoint", "mountPath": CHECKPOINT_DIR}
    variable = {"name": "MODELWARD_CHECKPOINT", "value": CHECKPOINT_DIR}
    mounts = [*train.get("volumeMounts", []), mount]
    return {**train, "env": [*train["env"], variable], "volumeMounts": mounts}


def _checkpoint_volume(run: TrainingRun) -> list[dict[str, Any]]:
    if run.spec.checkpoint is None:
        return []
    return [{"name": "checkpoint", "persistentVolumeClaim": {"claimName": checkpoint_name(run)}}]


def _script_volumes(name: str, script: ScriptOrigin, reproduced: bool) -> list[dict[str, Any]]:
    """The copy of a ConfigMap's text, or room for what `fetch` takes out of git or, of a version that is reproduced,
    out of the store."""
    if script.key and not reproduced:
        items = [{"key": SCRIPT_FILE, "path": script.key}]
        return [{"name": "script", "configMap": {"name": name, "items": items}}]
    return [{"name": "script", "emptyDir": {}}]


def _handed_on(fetch: dict[str, Any], publish: dict[str, Any]) -> dict[str, Any]:
    """Where `fetch` tells `publish` the commit of a script and what a trial tries, past `train`."""
    handoff = {"name": "handoff", "mountPath": HANDOFF_DIR}
    fetch["volumeMounts"] = [*fetch["volumeMounts"], handoff]
    publish["volumeMounts"] = [*publish["volumeMounts"], {**handoff, "readOnly": True}]
    return {"name": "handoff", "emptyDir": {}}


def _fetched(fetch: dict[str, Any], git: GitScript | None) -> None:
    """`fetch` alone writes the script, and has the keys of the repository's Secret."""
    fetch["volumeMounts"] = [*fetch["volumeMounts"], _SCRIPT]
    if git and git.secret_name:
        fetch["envFrom"] = [*fetch.get("envFrom", []), _keys(git.secret_name)]


def _brought(fetch: dict[str, Any], imported: ImportSpec) -> list[dict[str, Any]]:
    """`fetch` alone reads where the model lies: with the keys of its Secret, or its volume, of which it gives what the
    pod needs."""
    if imported.secret_name:
        fetch["envFrom"] = [*fetch.get("envFrom", []), _keys(imported.secret_name)]
    if imported.pvc is None:
        return []
    fetch["volumeMounts"] = [*fetch["volumeMounts"], _SOURCE]
    return [_source_claim(imported.pvc.claim_name)]


def _keys(secret: str) -> dict[str, Any]:
    """With a prefix of their own: neither is the store read with the source's credentials, nor the source with its."""
    return {"prefix": SOURCE_VARIABLE, "secretRef": {"name": secret}}


def _theirs(name: str, container: ContainerSpec, resources: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """The user's image with the fields that they may set, each of them named here."""
    made = {
        "name": name,
        "image": container.image,
        "imagePullPolicy": settings.image_pull_policy,
        "command": container.command,
        "args": container.args,
        "resources": resources,
        "env": [
            *(variable.wire() for variable in container.env),
            {"name": "MODELWARD_INPUT", "value": INPUT_DIR},
            {"name": "MODELWARD_OUTPUT", "value": OUTPUT_DIR},
        ],
    }
    user = {"securityContext": {"runAsUser": container.run_as_user}} if container.run_as_user else {}
    return made | user
