"""A training that an engine does: the steps of the run's pod, in three places.

A Job of ours fetches onto the run's own volume (and runs the tests), Kubeflow Trainer's TrainJob trains, another Job of
ours publishes. All three are cut out of the Job that would have been made otherwise, so that a step may do, and sees,
what it always does. The pods of the TrainJob have /work of the volume, and with it $MODELWARD_CHECKPOINT; what the
steps before and after tell one another lies beside it.
"""

from typing import Any

from modelward.api import TrainingRun
from modelward.api.engine import EngineSpec
from modelward.build.pod import TMP_DIR, WORK_DIR
from modelward.build.volume_claim import volume_claim
from modelward.names import TRAINER, Manifest, child_name, owned_by, short_hash
from modelward.settings import Settings
from modelward_contracts.tasks import SHARED_CHECKPOINT_DIR

COMPONENT = "app.kubernetes.io/component"
"""Other than of our Jobs' pods: these talk to one another, which network policies let nothing but them do."""
NODE = "node"
"""What Trainer calls the job and the container that train."""
_SHARED, _NO_TOKEN = "shared", "no-token"
_FOLDERS = {"work": "work", "script": "work/script", "handoff": "handoff"}
"""Of that volume, by the empty one that a pod of ours would have."""
_FETCHED_SCRIPT = f"{WORK_DIR}/script"
_TOKEN_DIR = "/var/run/secrets/kubernetes.io/serviceaccount"  # noqa: S105 - a place, and no token
_PATCHED = ("serviceAccountName", "imagePullSecrets", "securityContext", "nodeSelector", "affinity", "tolerations")
"""All that Trainer lets others say of a pod, besides volumes and containers."""


def fetch_name(run: TrainingRun) -> str:
    return child_name(run.metadata.name, f"fetch-{short_hash(run.metadata.uid, length=6)}")


def train_job_name(run: TrainingRun) -> str:
    """It begins with a letter, and leaves room for what JobSet adds to its pods' names."""
    name = run.metadata.name if run.metadata.name[0].isalpha() else f"run-{run.metadata.name}"
    return child_name(name, short_hash(run.metadata.uid, length=6), limit=40)


def volume_name(run: TrainingRun) -> str:
    return child_name(run.metadata.name, f"engine-{short_hash(run.metadata.uid, length=6)}")


def engine_claim(
    owner: Manifest, run: TrainingRun, engine: EngineSpec, labels: dict[str, str], settings: Settings
) -> Manifest:
    asked, metadata = engine.volume, {**_metadata(owner, run, volume_name(run)), "labels": labels}
    return volume_claim(
        metadata,
        asked.access_mode or settings.engine_volume_access_mode,
        str(asked.size or settings.engine_volume_size),
        asked.storage_class_name or settings.engine_volume_class,
    )


def fetch_job(run: TrainingRun, job: Manifest) -> Manifest:
    """`job`: that of `build.job`, whose task it reads."""
    found = _steps(_on_volume(run, job), ["fetch", "tests"])
    return {**found, "metadata": {**found["metadata"], "name": fetch_name(run)}}


def publish_job(run: TrainingRun, job: Manifest) -> Manifest:
    found = _steps(_on_volume(run, job), ["publish"])
    rules = [rule for rule in found["spec"]["podFailurePolicy"]["rules"] if not _of_tests(rule)]
    return {**found, "spec": {**found["spec"], "podFailurePolicy": {"rules": rules}}}


def _of_tests(rule: dict[str, Any]) -> bool:
    """The API server takes no rule about a container that is not there."""
    return "containerName" in rule.get("onExitCodes", {})


def train_job(owner: Manifest, run: TrainingRun, engine: EngineSpec, job: Manifest) -> Manifest:
    """Kueue finds it by its labels; `suspend` and `managedBy` are left to others."""
    job = _on_volume(run, job)
    spec, container = engine.train_job, _containers(job)["train"]
    own = {"HOME": TMP_DIR, "MODELWARD_CHECKPOINT": SHARED_CHECKPOINT_DIR}  # nodes share /work, and no caches in it
    environment = [each for each in container["env"] if each["name"] not in own]
    trainer = {
        "image": container["image"],
        "command": _command(container),
        "args": container.get("args"),
        "env": [*environment, *({"name": name, "value": value} for name, value in own.items())],
        "numNodes": spec.nodes,
        "resourcesPerNode": run.spec.resources.container(),
    }
    return {
        "apiVersion": TRAINER,
        "kind": "TrainJob",
        "metadata": {**_metadata(owner, run, train_job_name(run)), "labels": job["metadata"]["labels"]},
        "spec": {
            "runtimeRef": spec.runtime_ref.wire(),
            "trainer": {name: value for name, value in trainer.items() if value},
            "activeDeadlineSeconds": run.spec.active_deadline_seconds,
            "runtimePatches": [_patch(job, container)],
        },
    }


def _metadata(owner: Manifest, run: TrainingRun, name: str) -> dict[str, Any]:
    return {"name": name, "namespace": run.metadata.namespace, "ownerReferences": [owned_by(owner)]}


def _command(container: dict[str, Any]) -> list[str]:
    """A TrainJob says no working directory; and mounts each volume once, so that a script of git is found in /work."""
    folder, command = container.get("workingDir"), list(map(str, container["command"]))
    if folder is None:
        return command
    if any(mount["name"] == _SHARED and mount["mountPath"] == folder for mount in container["volumeMounts"]):
        folder, command = _FETCHED_SCRIPT, [word.replace(f"{folder}/", f"{_FETCHED_SCRIPT}/", 1) for word in command]
    return ["env", f"--chdir={folder}", *command]


def _containers(job: Manifest) -> dict[str, dict[str, Any]]:
    pod = job["spec"]["template"]["spec"]
    return {each["name"]: each for each in [*pod["initContainers"], *pod["containers"]]}


def _on_volume(run: TrainingRun, job: Manifest) -> Manifest:
    """What is handed from step to step lies in folders of the run's volume."""
    template = job["spec"]["template"]
    pod, volumes = template["spec"], template["spec"]["volumes"]
    moved = {each["name"] for each in volumes if each["name"] in _FOLDERS and "emptyDir" in each}
    claim = {"name": _SHARED, "persistentVolumeClaim": {"claimName": volume_name(run)}}
    there = {
        "initContainers": [_moved(each, moved) for each in pod["initContainers"]],
        "containers": [_moved(each, moved) for each in pod["containers"]],
        "volumes": [*(each for each in volumes if each["name"] not in moved), claim],
    }
    return {**job, "spec": {**job["spec"], "template": {**template, "spec": {**pod, **there}}}}


def _moved(container: dict[str, Any], moved: set[str]) -> dict[str, Any]:
    mounts = [
        {**mount, "name": _SHARED, "subPath": _FOLDERS[mount["name"]]} if mount["name"] in moved else mount
        for mount in container["volumeMounts"]
    ]
    return {**container, "volumeMounts": mounts}


def _steps(job: Manifest, names: list[str]) -> Manifest:
    """The same Job with these alone, in their order; the last one shows its log."""
    template = job["spec"]["template"]
    chosen = [each for name, each in _containers(job).items() if name in names]
    volumes = _mounted(template["spec"]["volumes"], chosen)
    pod = {**template["spec"], "initContainers": chosen[:-1], "containers": chosen[-1:], "volumes": volumes}
    annotations = _annotations(template, chosen[-1]["name"])
    metadata = {**template["metadata"], "annotations": annotations}
    return {**job, "spec": {**job["spec"], "template": {"metadata": metadata, "spec": pod}}}


def _mounted(volumes: list[dict[str, Any]], containers: list[dict[str, Any]]) -> list[dict[str, Any]]:
    names = {mount["name"] for each in containers for mount in each["volumeMounts"]}
    return [volume for volume in volumes if volume["name"] in names]


def _annotations(template: dict[str, Any], shown: str) -> dict[str, str]:
    """`shown`: the container whose log `kubectl logs` shows."""
    found: dict[str, str] = template["metadata"]["annotations"]
    return {**found, "kubectl.kubernetes.io/default-container": shown}


def _patch(job: Manifest, train: dict[str, Any]) -> dict[str, Any]:
    """How `train` sees its files and is confined, laid over the runtime's own pod."""
    template = job["spec"]["template"]
    node = {"name": NODE, "volumeMounts": _mounts(train), "securityContext": train["securityContext"]}
    own = {"name": _NO_TOKEN, "emptyDir": {}}
    pod = {name: template["spec"][name] for name in _PATCHED if name in template["spec"]}
    annotations = _annotations(template, NODE)
    for name in annotations:
        if name.endswith("/skip-containers"):
            annotations[name] = NODE
    labels = {**template["metadata"]["labels"], COMPONENT: "engine"}
    patched = {
        "metadata": {"labels": labels, "annotations": annotations},
        "spec": {**pod, "volumes": [*_mounted(template["spec"]["volumes"], [node]), own], "containers": [node]},
    }
    ours = {"metadata": {"labels": labels}, "spec": {"template": patched}}
    jobs = {"replicatedJobs": [{"name": NODE, "template": ours}]}
    return {"manager": "modelward.dev/operator", "trainingRuntimeSpec": {"template": {"spec": jobs}}}


def _mounts(train: dict[str, Any]) -> list[dict[str, Any]]:
    """A mount where the service account's token would be keeps Kubernetes from putting it there, whatever the runtime
    says."""
    seen = [mount for mount in train["volumeMounts"] if mount["name"] != _SHARED or mount["mountPath"] == WORK_DIR]
    return [*seen, {"name": _NO_TOKEN, "mountPath": _TOKEN_DIR, "readOnly": True}]
