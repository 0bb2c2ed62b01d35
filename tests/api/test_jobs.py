"""Jobs and what comes of them on a real API server: admitted by Pod Security, collected with their owner."""

import json
import os
import subprocess
from collections.abc import Iterator

import msgspec
import pytest

from api.client import Api, Manifest, wait_until
from api.conftest import Kubectl
from api.manifests import manifest
from localcluster import parts
from localcluster.api import ApiServer
from modelward.api import Dataset, TrainingRun
from modelward.api.training_run import PinnedDataset
from modelward.build.job import ingest_job, training_job
from modelward.build.model_version import model_version
from modelward.build.store_claim import store_claim
from modelward.build.task import ingest_task, task_config_map, train_task
from modelward.build.trace import trace_job
from modelward.decide.judge.recording import MOST_BYTES
from modelward.names import labels
from modelward.settings import Settings
from modelward_contracts.manifests import Signature, Tensor
from modelward_contracts.reports import (
    MAX_IMPORTANCE,
    MAX_SLICES,
    BaselineResult,
    GateResult,
    Importance,
    PublishReport,
    SliceResult,
)
from modelward_contracts.tasks import INLINE_FILE

SETTINGS = Settings(training_image="training:1", scoring_image="scoring:1", store_secret="bucket")
DIGEST = "sha256:" + "a" * 64
PINNED = PinnedDataset(name="flights-aaaaaaaaaa", digest=DIGEST)
CONTAINER = {"image": "mine:1", "command": ["train"], "env": [{"name": "MODE", "value": "fast"}], "runAsUser": 1000}


def ingest(owner: Manifest) -> list[Manifest]:
    dataset, own = Dataset.model_validate(owner), labels("ingest", dataset="flights")
    task = task_config_map(owner, "flights-ingest", own, ingest_task(dataset, SETTINGS), {INLINE_FILE: "id,late\n"})
    return [task, ingest_job(owner, dataset, "flights-ingest", own, SETTINGS)]


def training(owner: Manifest) -> list[Manifest]:
    run, own = TrainingRun.model_validate(owner), labels("training", training_run="flights")
    task = task_config_map(owner, "flights-train", own, train_task(run, PINNED, SETTINGS))
    return [task, training_job(owner, run, "flights-train", own, SETTINGS)]


def container_run(namespace: str) -> Manifest:
    found = manifest("TrainingRun", namespace)
    del found["spec"]["estimator"]
    return {**found, "spec": {**found["spec"], "container": CONTAINER}}


@pytest.fixture
def restricted(namespace: str, kubectl: Kubectl) -> str:
    kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    return namespace


@pytest.mark.parametrize("kind", ["Dataset", "TrainingRun", "container"])
def test_job_and_its_pod_are_taken_where_pod_security_is_restricted(
    api: Api, kubectl: Kubectl, restricted: str, kind: str
) -> None:
    owner = api.create(container_run(restricted) if kind == "container" else manifest(kind, restricted))
    children = ingest(owner) if kind == "Dataset" else training(owner)
    template = children[1]["spec"]["template"]
    pod = {"apiVersion": "v1", "kind": "Pod", **template, "metadata": template["metadata"] | {"name": "flights"}}
    for each in (*store_claim(restricted, SETTINGS), *children, pod):
        answer = kubectl("create", "--validate=strict", "--filename=-", stdin=json.dumps(each))
        assert answer.strip().endswith("created"), answer
        assert "Warning" not in answer


def test_largest_trace_of_a_trial_is_taken(api: Api, namespace: str, kubectl: Kubectl) -> None:
    owner = api.create(manifest("ModelDeployment", namespace))
    for each in trace_job(owner, "0123456789", "first", os.urandom(MOST_BYTES), SETTINGS):
        answer = kubectl("create", "--validate=strict", "--filename=-", stdin=json.dumps(each))
        assert answer.strip().endswith("created"), answer


TENSOR = Tensor(name="x" * 256, datatype="FP32", shape=[-1, 1])
REPORT = PublishReport(
    manifest=DIGEST,
    model=DIGEST,
    model_bytes=1,
    task="classification",
    signature=Signature(inputs=[TENSOR], outputs=[TENSOR], classes=["0", "1"]),
    metrics={"auc": 0.9},
    validation_metrics={},
    parity={"rows": 2.0},
    latency_seconds={"p50": 0.001},
    memory_bytes=10_000_000,
    gates=[GateResult(metric="auc", value=None, bound=">= 0.7", passed=False)],
    inputs_hash=DIGEST,
)


def test_longest_model_version_is_taken(api: Api, namespace: str) -> None:
    signature = Signature(inputs=[TENSOR] * 1000, outputs=[TENSOR], classes=["0", "1"])
    report = msgspec.structs.replace(REPORT, signature=signature)
    run = TrainingRun.model_validate(manifest("TrainingRun", namespace))

    version = api.create(model_version(run, PINNED, report, 1, SETTINGS))

    assert version["spec"]["gates"] == [{"metric": "auc", "bound": ">= 0.7", "passed": False}]


def test_model_version_with_all_that_can_be_measured_is_taken(api: Api, namespace: str) -> None:
    name, metrics = "x" * 256, {f"metric_{number}": 0.123456789 for number in range(13)}
    gate = GateResult(
        metric="calibration_error",
        value=0.5,
        bound="b" * 300,
        passed=True,
        message="m" * 500,
        slice=name,
        against=name[:253],
        other=0.5,
        difference=0.1,
        low=-0.1,
        high=0.3,
        result="Unclear",
    )
    one = SliceResult(column=name, value="v" * 100, rows=100, share=0.1, counted=True, metrics=metrics)
    weight = Importance(column=name, metric="auc", loss=0.1, low=0.0, high=0.2)
    report = msgspec.structs.replace(
        REPORT,
        gates=[gate] * 250,
        slices=[one] * MAX_SLICES,
        baselines=[BaselineResult(name="Trivial", metrics=metrics)] * 2,
        importance=[weight] * MAX_IMPORTANCE,
        evaluation=DIGEST,
    )
    run = TrainingRun.model_validate(manifest("TrainingRun", namespace))

    version = api.create(model_version(run, PINNED, report, 1, SETTINGS))["spec"]

    told = {"result": "Unclear", "against": name[:253], "difference": 0.1, "low": -0.1, "high": 0.3}
    assert version["gates"][0].items() >= told.items()
    assert version["slices"][0]["metrics"] == metrics
    assert [len(version[each]) for each in ("slices", "baselines", "importance")] == [20, 2, 20]
    assert version["evaluation"] == DIGEST


@pytest.fixture
def collected(tmp_path_factory: pytest.TempPathFactory, crds: list[Manifest]) -> Iterator[Kubectl]:
    """kubectl on an API server that collects garbage."""
    folder = tmp_path_factory.mktemp("collected")
    with ApiServer(folder, ["garbage-collector-controller"]) as server:

        def run(*words: str, stdin: str = "") -> str:
            command = [str(parts.kubectl()), f"--kubeconfig={server.kubeconfig}", *words]
            done = subprocess.run(command, input=stdin, text=True, capture_output=True, timeout=60, check=True)
            return done.stdout

        for crd in crds:
            run("create", "--filename=-", stdin=json.dumps(crd))
        run("wait", "--for=condition=Established", "crds", "--all", "--timeout=30s")
        yield run


def test_deleted_run_takes_its_job_and_leaves_its_model_and_the_store(collected: Kubectl) -> None:
    def create(found: Manifest) -> Manifest:
        created: Manifest = json.loads(collected("create", "--filename=-", "--output=json", stdin=json.dumps(found)))
        return created

    owner = create(manifest("TrainingRun", "default"))
    version = manifest("ModelVersion", "default")
    for each in (*store_claim("default", SETTINGS), *training(owner), version):
        create(each)

    collected("delete", "trainingrun", "flights", "--wait=false")

    def left() -> str:
        return collected("get", "jobs,configmaps,modelversions,pvc", "--output=name")

    wait_until(lambda: "flights-train" not in left(), "Job and ConfigMap are gone", 60)
    assert "modelversion.modelward.dev/flights" in left()
    assert "persistentvolumeclaim/modelward-store" in left()
