"""The life of TrainingRuns on a real API server with the Job controller and the garbage collector: what of a spec may
change, what a Job does about a pod that failed, what goes with a run and what stays.
"""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from api.client import Api, Manifest, RefusedByServer, establish, wait_until
from api.engine_operator import Operator
from api.manifests import ABSENT, DIGEST, changed, manifest
from localcluster import parts
from localcluster.api import ApiServer
from modelward.api import TrainingRun
from modelward.api.training_run import PinnedDataset
from modelward.build.task import train_task
from modelward.settings import Settings
from modelward_contracts.inputs import inputs_hash

SECONDS = 20
CONTROLLERS = [
    "job-controller",
    "garbage-collector-controller",
    "serviceaccount-controller",
    "persistentvolumeclaim-protection-controller",
]
CONTAINER = {"image": "mine:1", "command": ["train"]}
OF_OWN_CODE = {"spec.estimator": ABSENT, "spec.container": CONTAINER}
CHANGES: dict[str, Any] = {
    "modelName": "other",
    "datasetRef": {"name": "other"},
    "estimator": {"name": "Ridge"},
    "parameters": {"depth": 3},
    "gates": [{"metric": "auc", "minimum": 0.7}],
    "resources": {"limits": {"memory": "1Gi"}},
    "stepResources": {"fetch": {"limits": {"memory": "1Gi"}}},
    "pod": {"nodeSelector": {"disk": "ssd"}},
    "seed": 1,
    "activeDeadlineSeconds": 60,
    "backoffLimit": 1,
    "retrain": True,
    "sample": 100,
    "ttlSecondsAfterFinished": 1,
    "cause": {"type": "Request", "message": "why", "time": "2026-01-01T00:00:00Z"},
}


def test_suspend_alone_may_change(api: Api, namespace: str) -> None:
    live = api.create(manifest("TrainingRun", namespace))
    for suspend in (True, False, True, ABSENT):
        live = api.replace(changed(live, {"spec.suspend": suspend}))
        assert live["spec"].get("suspend", ABSENT) == suspend


@pytest.mark.parametrize("field", CHANGES)
def test_any_other_field_is_refused_also_beside_suspend(api: Api, namespace: str, field: str) -> None:
    live = api.create(manifest("TrainingRun", namespace))
    for more in ({}, {"spec.suspend": True}):
        with pytest.raises(RefusedByServer, match="a TrainingRun is immutable: make another one with a new metadata"):
            api.replace(changed(live, {f"spec.{field}": CHANGES[field]} | more))


@pytest.mark.parametrize("field", ["container", "tests", "checkpoint"])
def test_fields_of_own_code_are_immutable_too(api: Api, namespace: str, field: str) -> None:
    whole = {"spec.tests": {"command": ["pytest"]}, "spec.checkpoint": {"size": "1Gi"}}
    live = api.create(manifest("TrainingRun", namespace, OF_OWN_CODE | whole))
    new = {"container": CONTAINER | {"image": "mine:2"}, "tests": ABSENT, "checkpoint": {"size": "2Gi"}}[field]
    with pytest.raises(RefusedByServer, match="a TrainingRun is immutable"):
        api.replace(changed(live, {f"spec.{field}": new}))


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        ("TrainingRun", {"spec.tests": {"command": ["pytest"]}}, "tests and checkpoint are for code of your own"),
        ("TrainingRun", {"spec.checkpoint": {"size": "1Gi"}}, "tests and checkpoint are for code of your own"),
        ("RegisteredModel", {"spec.run.checkpoint": {"size": "1Gi"}}, "tests and checkpoint are for code of your own"),
        ("TrainingRun", OF_OWN_CODE | {"spec.tests": {"command": []}}, "spec.tests.command"),
        ("TrainingRun", OF_OWN_CODE | {"spec.checkpoint": {}}, "spec.checkpoint.size"),
        ("TrainingRun", OF_OWN_CODE | {"spec.checkpoint": {"size": "1 GB"}}, "spec.checkpoint.size"),
        ("TrainingRun", {"spec.sample": 0}, "spec.sample"),
        ("TrainingRun", {"spec.ttlSecondsAfterFinished": -1}, "spec.ttlSecondsAfterFinished"),
        ("RegisteredModel", {"spec.run.sample": 100}, 'unknown field "spec.run.sample"'),
        ("RegisteredModel", {"spec.run.suspend": True}, 'unknown field "spec.run.suspend"'),
    ],
)
def test_what_cannot_be_is_refused_in_words(
    api: Api, namespace: str, kind: str, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(RefusedByServer) as refused:
        api.create(manifest(kind, namespace, changes), dry_run=True)
    assert words in str(refused.value)


@pytest.mark.parametrize("size", ["5Gi", 1073741824])
def test_everything_of_a_run_is_accepted(api: Api, namespace: str, size: str | int) -> None:
    more = {
        "spec.tests": {"command": ["pytest"]},
        "spec.checkpoint": {"size": size, "storageClassName": "fast"},
        "spec.sample": 1000,
        "spec.retrain": True,
        "spec.suspend": True,
        "spec.ttlSecondsAfterFinished": 0,
    }
    api.create(manifest("TrainingRun", namespace, OF_OWN_CODE | more), dry_run=True)


@pytest.fixture(scope="module")
def living(tmp_path_factory: pytest.TempPathFactory, crds: list[Manifest]) -> Iterator[ApiServer]:
    with ApiServer(tmp_path_factory.mktemp("living"), CONTROLLERS) as server:
        establish(server, crds)
        yield server


@pytest.fixture(scope="module")
def operator(living: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    with Operator(living.kubeconfig, tmp_path_factory.mktemp("operator"), real=True) as operator:
        operator.wait_until_watching()
        yield operator


class Place:
    """A namespace of its own with a DatasetVersion."""

    def __init__(self, server: ApiServer, name: str) -> None:
        self._server, self.name = server, name
        self.kubectl("create", "namespace", name)
        wait_until(lambda: "default" in self.kubectl("get", "serviceaccounts"), "the namespace has its account")
        self.create(manifest("DatasetVersion", name))

    def kubectl(self, *words: str, stdin: str = "") -> str:
        command = [str(parts.kubectl()), f"--kubeconfig={self._server.kubeconfig}", f"--namespace={self.name}", *words]
        done = subprocess.run(command, input=stdin, text=True, capture_output=True, timeout=60, check=False)
        return done.stdout + done.stderr

    def create(self, found: Manifest) -> None:
        answer = self.kubectl("create", "--filename=-", stdin=json.dumps(found))
        assert "created" in answer, answer

    def run(self, **spec: Any) -> Manifest:
        found = manifest("TrainingRun", self.name, {"spec.datasetRef.version": "flights"})
        found["spec"] |= spec
        self.create(found)
        return found

    def get(self, kind: str, name: str = "flights") -> Manifest:
        found: Manifest = json.loads(self.kubectl("get", kind, name, "--output=json"))
        return found

    def names(self, *kinds: str) -> list[str]:
        return self.kubectl("get", ",".join(kinds), "--output=name").split()

    def condition(self, type_: str) -> str:
        path = f"{{.status.conditions[?(@.type=='{type_}')]['status','reason']}}"
        return self.kubectl("get", "trun", "flights", f"--output=jsonpath={path}")

    def suspend(self, value: bool) -> None:
        self.kubectl("patch", "trun", "flights", "--type=merge", f"--patch={json.dumps({'spec': {'suspend': value}})}")

    def one_pod(self) -> str:
        wait_until(lambda: len(self.names("pods")) == 1, "there is one pod", SECONDS)
        return self.names("pods")[0].removeprefix("pod/")

    def fail_pod(self, container: str, code: int, message: str = "", drained: bool = False) -> None:
        """As the kubelet would."""
        pod, ended = self.one_pod(), {"exitCode": code, "reason": "Error", "message": message}
        status = {"name": container, "image": "i", "imageID": "i", "ready": False, "restartCount": 0}
        failed: dict[str, Any] = {
            "phase": "Failed",
            "initContainerStatuses": [{**status, "state": {"terminated": ended}}],
        }
        if drained:
            failed["conditions"] = [{"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}]
        patch = json.dumps({"status": failed})
        answer = self.kubectl("patch", "pod", pod, "--subresource=status", "--type=merge", f"--patch={patch}")
        assert "patched" in answer, answer

    def job(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.kubectl("get", "jobs", "--output=json"))["items"][0]
        return found


@pytest.fixture
def place(living: ApiServer, operator: Operator, request: pytest.FixtureRequest) -> Place:
    return Place(living, f"place-{abs(hash(request.node.name)) % 10**8}")


def test_suspended_run_has_no_job_and_no_pod_until_it_is_resumed(place: Place) -> None:
    place.run(suspend=True)
    wait_until(lambda: place.condition("Suspended") == "True Suspended", "it is suspended", SECONDS)
    assert place.names("jobs", "pods", "pvc") == []
    place.suspend(False)
    first = place.one_pod()
    assert place.condition("Suspended") == "False Resumed"
    place.suspend(True)
    wait_until(lambda: place.names("jobs", "pods") == [], "Job and pod are gone", SECONDS)
    wait_until(lambda: place.condition("Suspended") == "True Suspended", "it is suspended", SECONDS)
    place.suspend(False)
    assert place.one_pod() != first


@pytest.mark.parametrize(
    ("container", "code", "drained", "counted"), [("fetch", 75, False, 1), ("train", 137, True, None)]
)
def test_what_the_infrastructure_did_is_tried_again(
    place: Place, container: str, code: int, drained: bool, counted: int | None
) -> None:
    place.run()
    first = place.one_pod()
    place.fail_pod(container, code, drained=drained)
    wait_until(lambda: any(first not in name for name in place.names("pods")), "there is another pod", 30)
    assert place.job()["status"].get("failed") == counted
    assert place.condition("Failed") == ""


def test_what_the_code_did_is_not_tried_again_and_the_run_goes_after_its_time_with_all_it_owns(place: Place) -> None:
    place.create(manifest("ModelVersion", place.name))
    train = {"container": CONTAINER, "checkpoint": {"size": "1Gi"}, "ttlSecondsAfterFinished": 4}
    found = manifest("TrainingRun", place.name, {"spec.datasetRef.version": "flights", "spec.estimator": ABSENT})
    place.create({**found, "spec": found["spec"] | train})
    place.fail_pod("train", 1, "Traceback\nKeyError: 'speed'\n")
    wait_until(lambda: place.condition("Failed") == "True TrainFailed", "the run has failed", SECONDS)
    assert any("checkpoint" in name for name in place.names("pvc"))
    wait_until(lambda: place.names("trun") == [], "the run is gone", SECONDS)
    wait_until(lambda: place.names("jobs", "pods") == [], "so is what it owned", SECONDS)
    wait_until(lambda: "checkpoint" not in str(place.names("pvc")), "and its checkpoint", SECONDS)
    assert place.names("mver") == ["modelversion.modelward.dev/flights"]
    assert place.names("pvc") == ["persistentvolumeclaim/modelward-store"]


def test_run_with_inputs_of_before_is_complete_at_once_and_may_go_at_once(place: Place) -> None:
    found = manifest("TrainingRun", place.name, {"spec.datasetRef.version": "flights"})
    run = TrainingRun.model_validate(found)
    settings = Settings(training_image="training", scoring_image="scoring")
    inputs = inputs_hash(train_task(run, PinnedDataset(name="flights", digest=DIGEST), settings))
    place.create(manifest("ModelVersion", place.name, {"spec.lineage.inputsHash": inputs}))
    place.create(found)
    wait_until(lambda: place.condition("Complete") == "True AlreadyTrained", "it is complete", SECONDS)
    assert place.get("trun")["status"]["modelVersion"] == "flights"
    assert place.names("jobs", "pods") == []
    again = changed(found, {"metadata.name": "again", "spec.ttlSecondsAfterFinished": 0})
    place.create(again)
    wait_until(lambda: place.names("trun") == ["trainingrun.modelward.dev/flights"], "the other one went", SECONDS)
    assert place.names("mver") == ["modelversion.modelward.dev/flights"]
