"""Trainings that are handed to an engine, on a real API server: ours are refused in words, and what we make of them is
what Kubeflow Trainer's own CRD takes.
"""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import yaml

from api import engines
from api.client import Api, Manifest, RefusedByServer, establish
from api.conftest import Kubectl
from api.manifests import changed, manifest
from localcluster import parts
from localcluster.api import ApiServer
from modelward.api import TrainingRun
from modelward.api.script import ScriptOrigin
from modelward.build.job import training_job
from modelward.build.train_job import train_job
from modelward.clients.kubernetes import KubernetesKube, load_configuration
from modelward.errors import Refused
from modelward.names import TRAINER
from modelward.settings import Settings

CRD = "manifests/base/crds/trainer.kubeflow.org_trainjobs.yaml"
SETTINGS = Settings(training_image="training:1", scoring_image="scoring:1", engine_train_job=True)
ORIGIN = ScriptOrigin(image="script:1", config_map="train", key="train.py", digest="sha256:" + "a" * 64)
POD = {
    "nodeSelector": {"gpu": "a100"},
    "tolerations": [{"key": "gpu", "operator": "Exists"}],
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {
                "nodeSelectorTerms": [{"matchExpressions": [{"key": "gpu", "operator": "Exists"}]}]
            }
        }
    },
    "imagePullSecrets": [{"name": "registry"}],
    "labels": {"team": "air"},
    "annotations": {"team.example.com/owner": "a person"},
}


@pytest.mark.parametrize("changes", engines.ACCEPTED)
def test_engine_is_accepted(api: Api, namespace: str, changes: dict[str, Any]) -> None:
    api.create(manifest("TrainingRun", namespace, changes), dry_run=True)
    in_template = {path.replace("spec.", "spec.run."): value for path, value in changes.items() if "sample" not in path}
    api.create(manifest("RegisteredModel", namespace, in_template), dry_run=True)


@pytest.mark.parametrize(("changes", "words"), engines.REFUSED)
def test_what_no_engine_can_do_is_refused_in_words(
    api: Api, namespace: str, changes: dict[str, Any], words: str
) -> None:
    with pytest.raises(RefusedByServer) as refused:
        api.create(manifest("TrainingRun", namespace, changes), dry_run=True)
    assert words in str(refused.value)


def test_engine_is_immutable(api: Api, namespace: str) -> None:
    live = api.create(manifest("TrainingRun", namespace, engines.CONTAINER | engines.ENGINES))
    with pytest.raises(RefusedByServer, match="a TrainingRun is immutable"):
        api.replace(changed(live, {"spec.engine": engines.WHOLE}))


@pytest.fixture
async def kube(server: ApiServer) -> AsyncIterator[KubernetesKube]:
    kube = KubernetesKube(await load_configuration(str(server.kubeconfig)))
    yield kube
    await kube.close()


async def test_kind_that_the_cluster_does_not_know_is_told_from_one_of_which_there_are_none(
    kube: KubernetesKube, namespace: str
) -> None:
    with pytest.raises(Refused) as refused:
        await kube.list("nobody.example.com/v1", "TrainJob", namespace)
    assert refused.value.reason in ("404", "NotFound")
    assert await kube.list("batch/v1", "Job", namespace) == []


@pytest.fixture(scope="module")
def trainers_crd(server: ApiServer) -> None:
    """That of the release which a node is tested with."""
    crd = parts.TRAINER.source("github.com/kubeflow/trainer/v2") / CRD
    establish(server, [yaml.safe_load(crd.read_text())])


def made(namespace: str, name: str, origin: ScriptOrigin | None = None, **spec: Any) -> Manifest:
    owner = manifest("TrainingRun", namespace, {"metadata.name": name, "metadata.uid": "3f1c"})
    trains = {} if origin else {"container": {"image": "mine:1", "args": ["--fast"], "runAsUser": 1000}}
    template = {"modelName": "flights", "datasetRef": {"name": "flights"}, "engine": engines.ENGINE}
    run = TrainingRun.model_validate({"metadata": owner["metadata"], "spec": template | trains | spec})
    assert run.spec.engine
    job = training_job(owner, run, f"{name}-train", {"modelward.dev/training-run": name}, SETTINGS, origin)
    return train_job(owner, run, run.spec.engine, job)


@pytest.mark.parametrize("name", ["flights", "2013-flights", "a" * 50])
@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"pod": POD, "resources": {"requests": {"cpu": 0.5}, "limits": {"memory": "1Gi", "nvidia.com/gpu": 1}}},
        {"engine": engines.WHOLE, "activeDeadlineSeconds": 60},
    ],
    ids=["little", "placed", "runtime of the namespace"],
)
def test_train_job_is_what_trainer_takes(
    trainers_crd: None, kubectl: Kubectl, namespace: str, name: str, spec: dict[str, Any]
) -> None:
    wanted = made(namespace, name, **spec)
    said = kubectl("create", "--validate=strict", "--filename=-", "--output=json", stdin=json.dumps(wanted))
    assert said.startswith("{"), said
    assert holds_all(json.loads(said)["spec"], wanted["spec"])


def test_train_job_of_a_script_is_what_trainer_takes(trainers_crd: None, kubectl: Kubectl, namespace: str) -> None:
    wanted = made(namespace, "flights", ORIGIN, script={"configMap": {"name": "train"}})
    said = kubectl("create", "--validate=strict", "--filename=-", stdin=json.dumps(wanted))
    assert said.startswith("trainjob.trainer.kubeflow.org/flights-"), said


async def test_train_jobs_of_a_run_are_found_by_its_label(
    trainers_crd: None, kube: KubernetesKube, namespace: str
) -> None:
    await kube.create(made(namespace, "flights"))
    (found,) = await kube.list(TRAINER, "TrainJob", namespace, {"modelward.dev/training-run": "flights"})
    assert found["spec"]["managedBy"] == "trainer.kubeflow.org/trainjob-controller"
    assert found["spec"]["suspend"] is False


def holds_all(live: Any, wanted: Any) -> bool:
    """Nothing that we said was dropped; what the server filled in is its own."""
    if isinstance(wanted, dict):
        return all(name in live and holds_all(live[name], value) for name, value in wanted.items())
    if isinstance(wanted, list):
        return len(live) == len(wanted) and all(map(holds_all, live, wanted))
    return bool(live == wanted)
