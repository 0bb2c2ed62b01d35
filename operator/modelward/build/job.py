"""Jobs: one of our steps alone, or the three steps of a training in one pod.

A step that failed by its code or its data (any exit code but 75) fails the Job at once; 75 says that the
infrastructure was at fault, and is retried with backoff, as a disrupted pod is. Jobs carry no TTL: what they say is
copied into a status before whoever asked for them takes them away.
"""

from typing import Any

from modelward.api.training_run import ContainerSpec, TrainingRun
from modelward.build.pod import MESH_OFF, TMP_DIR, restricted, store_environment, store_mounts, store_volumes
from modelward.names import Manifest, owned_by
from modelward.settings import Settings
from modelward_contracts.tasks import INPUT_DIR, OUTPUT_DIR, SOURCE_DIR, TASK_DIR

TEMPORARY = 75
"""EX_TEMPFAIL"""
SMALL = {"requests": {"cpu": "50m", "memory": "128Mi"}, "limits": {"memory": "1Gi"}}
LARGE = {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "4Gi"}}
STEP_SECONDS = 6 * 3600
STEP_RETRIES = 6
KUEUE = "kueue.x-k8s.io/"
"""Labels of a TrainingRun with this prefix go on to its Job: that is all Kueue needs to queue it."""


def step_job(
    owner: Manifest, name: str, labels: dict[str, str], step: str, settings: Settings, source_claim: str | None = None
) -> Manifest:
    """One of our own steps. `source_claim` is mounted read-only at SOURCE_DIR."""
    container = _ours(step, settings, LARGE if step == "ingest" else SMALL)
    volumes = [_task(name), *store_volumes(settings)]
    if source_claim:
        container["volumeMounts"].append({"name": "source", "mountPath": SOURCE_DIR, "readOnly": True})
        volumes.append({"name": "source", "persistentVolumeClaim": {"claimName": source_claim, "readOnly": True}})
    pod = {"containers": [container], "volumes": volumes}
    return _job(owner, name, labels, pod, step, STEP_RETRIES, STEP_SECONDS)


def training_job(owner: Manifest, run: TrainingRun, name: str, labels: dict[str, str], settings: Settings) -> Manifest:
    """fetch → train → publish. Only the first and the last see the store; `train` sees its input and its output."""
    pod = {
        "initContainers": [_ours("fetch", settings, SMALL), _train(run, settings)],
        "containers": [_publish(settings)],
        "volumes": [_task(name), *store_volumes(settings)],
    }
    spec = run.spec
    job = _job(owner, name, labels, pod, "train", spec.backoff_limit, spec.active_deadline_seconds)
    queue = {key: value for key, value in run.metadata.labels.items() if key.startswith(KUEUE)}
    return {**job, "metadata": {**job["metadata"], "labels": labels | queue}}


def _job(
    owner: Manifest, name: str, labels: dict[str, str], pod: dict[str, Any], shown: str, retries: int, deadline: int
) -> Manifest:
    """`shown` is the container that `kubectl logs` shows."""
    annotations = {**MESH_OFF, "kubectl.kubernetes.io/default-container": shown}
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
            "template": {
                "metadata": {"labels": labels, "annotations": annotations},
                "spec": restricted({"restartPolicy": "Never", **pod}),
            },
        },
    }


def _task(name: str) -> dict[str, Any]:
    """The ConfigMap of the Job's own name."""
    return {"name": "task", "configMap": {"name": name}}


def _ours(step: str, settings: Settings, resources: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": step,
        "image": settings.training_image,
        "imagePullPolicy": settings.image_pull_policy,
        "command": ["python", "-m", "modelward_training", step],
        "resources": resources,
        # Modules come from the image alone, whatever lies in the working directory or at HOME.
        "env": [{"name": "PYTHONSAFEPATH", "value": "1"}, {"name": "PYTHONNOUSERSITE", "value": "1"}],
        "volumeMounts": [{"name": "task", "mountPath": TASK_DIR, "readOnly": True}, *store_mounts(settings)],
        **store_environment(settings),
    }


def _publish(settings: Settings) -> dict[str, Any]:
    """It comes after the user's code, with the store's credentials: no library may find settings of theirs at HOME."""
    container = _ours("publish", settings, LARGE)
    return {**container, "env": [*container["env"], {"name": "HOME", "value": TMP_DIR}]}


def _train(run: TrainingRun, settings: Settings) -> dict[str, Any]:
    """Neither the store nor its credentials; our own trainer reads the task, a user's image does not."""
    resources = run.spec.resources.container() or LARGE
    if run.spec.container:
        return _theirs(run.spec.container, resources, settings)
    ours = _ours("train", settings, resources)
    ours.pop("envFrom", None)
    return {**ours, "volumeMounts": [mount for mount in ours["volumeMounts"] if mount["name"] == "task"]}


def _theirs(container: ContainerSpec, resources: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """The user's image with the fields that they may set, each of them named here."""
    train = {
        "name": "train",
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
    return train | user
