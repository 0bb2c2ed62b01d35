"""A training that is handed to Kubeflow Trainer: who sees what of the run's volume, and what is laid over a runtime."""

from typing import Any

import pytest

from modelward.api import TrainingRun
from modelward.api.script import ScriptOrigin
from modelward.api.training_run import PinnedDataset
from modelward.build.job import training_job
from modelward.build.task import train_task
from modelward.build.train_job import engine_claim, fetch_job, publish_job, train_job, train_job_name
from modelward.names import Manifest
from modelward_contracts.inputs import inputs_hash

from .test_job import CONTAINER, OWNER, SETTINGS, containers, env, run
from .test_job import mounts as volumes_by_place

ENGINE: dict[str, Any] = {"trainJob": {"runtimeRef": {"name": "torch-distributed"}, "nodes": 4}}
ORIGIN = ScriptOrigin(image="script:1", config_map="train", key="train.py", digest="sha256:" + "a" * 64)
GIT = {"url": "https://git.example.com/a.git", "revision": "main", "path": "a/train.py", "secretName": "reader"}


def handed_over(labels: dict[str, str] | None = None, **spec: Any) -> TrainingRun:
    trains = {} if "script" in spec else {"container": CONTAINER}
    return run(labels, **{"engine": ENGINE, **trains, **spec})


def whole(made: TrainingRun, script: ScriptOrigin | None = None) -> Manifest:
    return training_job(OWNER, made, "flights-a-train", {"ours": "yes"}, SETTINGS, script)


def trained(made: TrainingRun, script: ScriptOrigin | None = None) -> Manifest:
    assert made.spec.engine
    return train_job(OWNER, made, made.spec.engine, whole(made, script))


def patched(found: Manifest) -> dict[str, Any]:
    """The template of the pods that train."""
    (patch,) = found["spec"]["runtimePatches"]
    (job,) = patch["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"]
    template: dict[str, Any] = job["template"]["spec"]["template"]
    return template


def places(container: dict[str, Any]) -> dict[str, str]:
    """Folders of the shared volume, by where they are seen."""
    return {m["mountPath"]: m["subPath"] for m in container["volumeMounts"] if m["name"] == "shared"}


def test_steps_of_ours_have_all_of_the_volume_and_the_store() -> None:
    made = handed_over(tests={"command": ["pytest"]})
    fetch, publish = fetch_job(made, whole(made)), publish_job(made, whole(made))
    assert list(containers(fetch)) == ["fetch", "tests"]
    assert list(containers(publish)) == ["publish"]
    assert (fetch["metadata"]["name"][:-6], publish["metadata"]["name"]) == ("flights-a-fetch-", "flights-a-train")
    for each in (containers(fetch)["fetch"], containers(publish)["publish"]):
        assert places(each) == {"/work": "work"}
        assert each["envFrom"] == [{"secretRef": {"name": "bucket"}}]
        assert volumes_by_place(each)["/etc/modelward/task"] == "task"
    assert "envFrom" not in containers(fetch)["tests"]
    for job in (fetch, publish):
        volumes = job["spec"]["template"]["spec"]["volumes"]
        assert {"name": "task", "configMap": {"name": "flights-a-train"}} in volumes
        assert "work" not in [volume["name"] for volume in volumes]


def test_rule_about_tests_is_where_tests_are() -> None:
    made = handed_over(tests={"command": ["pytest"]})

    def named(job: Manifest) -> list[str]:
        rules = job["spec"]["podFailurePolicy"]["rules"]
        return [name for rule in rules if (name := rule.get("onExitCodes", {}).get("containerName"))]

    assert named(fetch_job(made, whole(made))) == ["tests"]
    assert named(publish_job(made, whole(made))) == []


def test_node_sees_the_folder_that_all_steps_see_and_nothing_else() -> None:
    found = trained(handed_over())
    (node,) = patched(found)["spec"]["containers"]
    assert node["name"] == "node"
    assert places(node) == {"/work": "work"}
    seen = volumes_by_place(node)
    assert list(seen) == ["/work", "/tmp", "/var/run/secrets/kubernetes.io/serviceaccount"]
    named = [volume["name"] for volume in patched(found)["spec"]["volumes"]]
    assert sorted(named) == sorted(seen.values())  # Trainer takes each of them once
    assert "modelward-store" not in named
    assert "bucket" not in str(found)


def test_pods_are_confined_as_a_train_step_is() -> None:
    made = handed_over(pod={"nodeSelector": {"gpu": "a100"}, "labels": {"team": "air"}})
    template, job = patched(trained(made)), whole(made)["spec"]["template"]
    assert template["spec"]["securityContext"] == job["spec"]["securityContext"]
    assert template["spec"]["nodeSelector"] == {"gpu": "a100"}
    assert template["metadata"]["labels"] == {"team": "air", "ours": "yes", "app.kubernetes.io/component": "engine"}
    assert template["metadata"]["annotations"]["kubectl.kubernetes.io/default-container"] == "node"
    assert template["metadata"]["annotations"]["sidecar.istio.io/inject"] == "false"
    (node,) = template["spec"]["containers"]
    assert node["securityContext"] == containers(whole(made))["train"]["securityContext"]
    assert node["securityContext"]["runAsUser"] == 1000


def test_trainer_is_given_the_container_and_the_runtime_the_rest() -> None:
    found = trained(handed_over(resources={"limits": {"nvidia.com/gpu": 1}}))
    spec, trainer = found["spec"], found["spec"]["trainer"]
    reference = {"name": "torch-distributed", "kind": "ClusterTrainingRuntime", "apiGroup": "trainer.kubeflow.org"}
    assert spec["runtimeRef"] == reference
    assert (trainer["image"], trainer["command"], trainer["args"]) == ("mine:1", ["python", "train.py"], ["--fast"])
    assert (trainer["numNodes"], trainer["resourcesPerNode"]) == (4, {"limits": {"nvidia.com/gpu": "1"}})
    assert env(trainer)["MODELWARD_INPUT"] == "/work/input"
    assert env(trainer)["MODELWARD_OUTPUT"] == "/work/output"
    assert (env(trainer)["MODELWARD_CHECKPOINT"], env(trainer)["HOME"]) == ("/work/checkpoint", "/tmp")
    assert {"suspend", "managedBy"}.isdisjoint(spec)
    bare = trained(handed_over(engine={"trainJob": {"runtimeRef": {"name": "x"}}}))["spec"]["trainer"]
    assert {"numNodes", "resourcesPerNode"}.isdisjoint(bare)


def test_labels_of_a_queue_are_on_all_three() -> None:
    made = handed_over({"kueue.x-k8s.io/queue-name": "gpu"})
    for each in (fetch_job(made, whole(made)), trained(made), publish_job(made, whole(made))):
        assert each["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "gpu"


def test_script_of_a_config_map_is_run_from_its_folder() -> None:
    made = handed_over(script={"configMap": {"name": "train"}})
    found = trained(made, ORIGIN)
    script = ["env", "--chdir=/script", "python", "-m", "modelward_script", "/script/train.py"]
    assert (found["spec"]["trainer"]["image"], found["spec"]["trainer"]["command"]) == ("script:1", script)
    volumes = {volume["name"]: volume for volume in patched(found)["spec"]["volumes"]}
    assert volumes["script"]["configMap"]["name"] == "flights-a-train"
    (node,) = patched(found)["spec"]["containers"]
    assert volumes_by_place(node)["/script"] == "script"


def test_script_of_a_repository_is_fetched_to_where_nodes_see_it() -> None:
    made = handed_over(script={"git": GIT})
    origin = ScriptOrigin(image="script:1", url=GIT["url"], revision="main", path=GIT["path"])
    fetch = containers(fetch_job(made, whole(made, origin)))["fetch"]
    assert places(fetch) == {"/work": "work", "/script": "work/script", "/handoff": "handoff"}
    assert fetch["envFrom"][-1]["secretRef"] == {"name": "reader"}
    (node,) = patched(trained(made, origin))["spec"]["containers"]
    assert places(node) == {"/work": "work"}
    script = ["env", "--chdir=/work/script", "python", "-m", "modelward_script", "/work/script/a/train.py"]
    assert trained(made, origin)["spec"]["trainer"]["command"] == script
    publish = containers(publish_job(made, whole(made, origin)))["publish"]
    assert places(publish) == {"/work": "work", "/handoff": "handoff"}


@pytest.mark.parametrize("name", ["flights-a", "2013-flights", "a" * 50])
def test_name_of_a_train_job_leaves_room_for_its_pods(name: str) -> None:
    made = handed_over()
    named = made.model_copy(update={"metadata": made.metadata.model_copy(update={"name": name})})
    assert train_job_name(named)[0].isalpha()
    assert len(train_job_name(named)) <= 40


def test_volume_is_as_the_run_says_and_else_as_the_chart_does() -> None:
    def claim(**volume: Any) -> dict[str, Any]:
        made = handed_over(engine=ENGINE | {"volume": volume})
        assert made.spec.engine
        found: dict[str, Any] = engine_claim(OWNER, made, made.spec.engine, {}, SETTINGS)["spec"]
        return found

    assert claim() == {"accessModes": ["ReadWriteMany"], "resources": {"requests": {"storage": "10Gi"}}}
    own = claim(size="1Ti", storageClassName="nfs", accessMode="ReadWriteOnce")
    assert (own["storageClassName"], own["accessModes"]) == ("nfs", ["ReadWriteOnce"])


def test_engine_is_part_of_what_decides_the_result() -> None:
    pinned = PinnedDataset(name="flights-1", digest="sha256:" + "a" * 64)
    two = {"trainJob": {"runtimeRef": {"name": "torch-distributed"}, "nodes": 2}}
    runs = [run(container=CONTAINER), handed_over(), handed_over(engine=two)]
    assert len({inputs_hash(train_task(each, pinned, SETTINGS)) for each in runs}) == 3
