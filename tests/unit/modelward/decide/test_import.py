"""A run that brings a model of elsewhere: who may read it with which keys, and what its version says of it."""

from typing import Any

import pytest

from modelward.decide.source_secret import USE
from modelward_contracts.tasks import ImportedModel, TrainTask
from modelward_contracts.wire import decode

from .test_training_run import prepare, ready
from .workshop import NAMESPACE, Workshop, digest, publish_report, said

URL = "s3://models/team/model.onnx"
IMPORT = {"url": URL, "digest": digest("c"), "secretName": "models"}


@pytest.fixture
async def workshop() -> Workshop:
    """With a dataset that is Ready."""
    workshop = Workshop()
    await prepare(workshop)
    return workshop


def secret(workshop: Workshop, **labels: str) -> None:
    metadata = {"name": "models", "namespace": NAMESPACE, "labels": labels}
    workshop.kube.put({"apiVersion": "v1", "kind": "Secret", "metadata": metadata})


def containers(workshop: Workshop) -> dict[str, dict[str, Any]]:
    pod = workshop.get("Job", workshop.job())["spec"]["template"]["spec"]
    return {each["name"]: each for each in [*pod["initContainers"], *pod["containers"]]}


async def test_import_waits_for_its_secret_and_for_the_label(workshop: Workshop) -> None:
    workshop.run(**{"import": IMPORT})
    await workshop.settle()
    assert ready(workshop)[:2] == ("False", "SourceSecretNotFound")
    assert "spec.import.secretName" in ready(workshop)[2]
    secret(workshop)
    await workshop.settle()
    assert ready(workshop)[1] == "SourceSecretNotLabelled"
    secret(workshop, **{USE: "source"})
    await workshop.settle()
    assert ready(workshop)[1] == "Starting"


async def test_fetch_alone_has_the_keys_and_nothing_trains(workshop: Workshop) -> None:
    secret(workshop, **{USE: "source"})
    workshop.run(**{"import": IMPORT})
    await workshop.settle()
    found = containers(workshop)
    assert list(found) == ["fetch", "publish"]
    shown = workshop.get("Job", workshop.job())["spec"]["template"]["metadata"]["annotations"]
    assert shown["kubectl.kubernetes.io/default-container"] == "publish"
    keys = {"prefix": "SOURCE_", "secretRef": {"name": "models"}}
    assert [keys in each.get("envFrom", []) for each in found.values()] == [True, False]
    task = decode(workshop.get("ConfigMap", workshop.job())["data"]["task.json"], TrainTask)
    assert task.imported == ImportedModel(digest=digest("c"), url=URL, secret="models")


async def test_fetch_alone_has_the_volume_and_reads_it_only(workshop: Workshop) -> None:
    pvc = {"claimName": "handed-over", "path": "model.onnx"}
    workshop.run(**{"import": {"pvc": pvc, "digest": digest("c"), "format": "mlflow"}})
    await workshop.settle()
    mounts = [[m for m in each["volumeMounts"] if m["name"] == "source"] for each in containers(workshop).values()]
    assert mounts == [[{"name": "source", "mountPath": "/source", "readOnly": True}], []]
    volumes = workshop.get("Job", workshop.job())["spec"]["template"]["spec"]["volumes"]
    assert {"name": "source", "persistentVolumeClaim": {"claimName": "handed-over", "readOnly": True}} in volumes


async def test_version_says_where_it_came_from(workshop: Workshop) -> None:
    origin = {"namespace": "research", "modelVersion": "delays-7", "store": "s3://stores/a", "trainingRun": "delays-x"}
    secret(workshop, **{USE: "source"})
    workshop.run(**{"import": IMPORT | {"exportedFrom": origin}})
    await workshop.settle()
    workshop.succeed(publish_report())
    await workshop.settle()
    assert ready(workshop)[:2] == ("True", "Registered")
    lineage = workshop.get("ModelVersion", "flights-1")["spec"]["lineage"]
    expected = {"digest": digest("c"), "url": URL, "format": "onnx", "secretName": "models", "exportedFrom": origin}
    assert lineage["trainedAs"]["import"] == expected


async def test_digest_that_differs_ends_the_run_in_the_words_of_the_step(workshop: Workshop) -> None:
    workshop.run(**{"import": {"url": URL, "digest": digest("c")}})
    await workshop.settle()
    workshop.fail("fetch", said("ImportDigestMismatch", "it has another digest"))
    await workshop.settle()
    assert ready(workshop) == ("False", "ImportDigestMismatch", "it has another digest")
    assert workshop.names("ModelVersion") == []


async def test_same_digest_on_the_same_data_is_not_brought_twice(workshop: Workshop) -> None:
    workshop.run(**{"import": {"url": URL, "digest": digest("c")}})
    await workshop.settle()
    workshop.succeed(publish_report(inputs=workshop.inputs("flights-a")))
    await workshop.settle()
    workshop.run("flights-b", **{"import": {"url": "https://elsewhere/model.onnx", "digest": digest("c")}})
    await workshop.settle()
    assert ready(workshop, "flights-b")[:2] == ("True", "AlreadyTrained")
    assert "was imported by flights-a" in ready(workshop, "flights-b")[2]
