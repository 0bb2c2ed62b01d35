"""A version that is trained again from its lineage: with the run that made it gone, and what is told in the end."""

from typing import Any

import msgspec
import pytest

from modelward_contracts.reports import PublishReport
from modelward_contracts.tasks import Commit, GitScript, Reproduced, TrainTask
from modelward_contracts.wire import decode, sha256

from .test_script import GIT, put
from .test_training_run import CONTAINER, VERSION, prepare, ready
from .workshop import API, NAMESPACE, Workshop, digest, ingest_report, publish_report, said

REPRODUCE = {"reproduce": {"name": "flights-1"}, "datasetRef": {"name": "flights", "version": VERSION}}
PACKAGES = {"scikit-learn": "1.9.1", "numpy": "2.4.0"}


@pytest.fixture
async def workshop() -> Workshop:
    """With a dataset that is Ready."""
    workshop = Workshop()
    await prepare(workshop)
    return workshop


def report(**changes: Any) -> PublishReport:
    return msgspec.structs.replace(publish_report(), **{"packages": PACKAGES} | changes)


async def registered(workshop: Workshop, **spec: Any) -> TrainTask:
    """flights-1, of a run that is gone; what its Job was told."""
    workshop.run(**spec)
    await workshop.settle()
    found = task(workshop)
    commit = {"commit": Commit(commit="3f2a" * 10, branch=True)} if "git" in spec.get("script", {}) else {}
    workshop.succeed(report(**commit))
    await workshop.settle()
    workshop.kube.remove(API, "TrainingRun", NAMESPACE, "flights-a")
    gone(workshop)
    return found


def gone(workshop: Workshop) -> None:
    """The Job that is over, as the garbage collector takes it."""
    job = workshop.job()
    workshop.kube.remove("batch/v1", "Job", NAMESPACE, job)
    workshop.kube.remove("v1", "ConfigMap", NAMESPACE, job)
    for name in workshop.names("Pod"):
        workshop.kube.remove("v1", "Pod", NAMESPACE, name)


def task(workshop: Workshop) -> TrainTask:
    return decode(workshop.get("ConfigMap", workshop.job())["data"]["task.json"], TrainTask)


async def again(workshop: Workshop, **spec: Any) -> None:
    workshop.run("again", **REPRODUCE | spec)
    await workshop.settle()


async def test_estimator_is_trained_again_as_it_was_and_nothing_is_registered(workshop: Workshop) -> None:
    ridge = {"name": "Ridge", "parameters": {"alpha": 0.5}}
    before = await registered(workshop, estimator=ridge, seed=7, parameters={"x": 1})
    await again(workshop)
    told = task(workshop)
    assert told.reproduces == Reproduced(version="flights-1")
    changed = {"run": "again", "run_uid": told.run_uid, "retrain": True, "reproduces": told.reproduces}
    assert told == msgspec.structs.replace(before, **changed)
    workshop.succeed(report())
    await workshop.settle()
    sentence = f"flights-1 was trained again and is identical: model.onnx has the digest {digest('c')}"
    assert ready(workshop, "again") == ("True", "Identical", sentence)
    expected = {"modelVersion": "flights-1", "identical": True, "model": digest("c"), "differences": []}
    assert workshop.status("TrainingRun", "again")["reproduction"] == expected
    assert workshop.names("ModelVersion") == ["flights-1"]


async def test_what_came_out_otherwise_is_told_with_numbers(workshop: Workshop) -> None:
    await registered(workshop, container=CONTAINER)
    workshop.settings = workshop.settings.model_copy(update={"training_image": "training:2"})
    workshop.__post_init__()
    await again(workshop)
    new = report(model=digest("e"), model_bytes=1010, metrics={"auc": 0.895})
    workshop.succeed(msgspec.structs.replace(new, packages=PACKAGES | {"numpy": "2.5.0"}))
    await workshop.settle()
    assert workshop.status("TrainingRun", "again")["reproduction"]["differences"] == [
        f"model.onnx is {digest('e')} of 1010 bytes instead of {digest('c')} of 1000",
        "auc is 0.895 instead of 0.9 on the test rows",
        "Modelward's image is training:2 instead of training:1",
        "numpy is 2.5.0 instead of 2.4.0",
        "the image mine:1 has no digest, and may be another one by now",
    ]
    status, reason, message = ready(workshop, "again")
    assert (status, reason) == ("False", "Differs")
    assert message.startswith("flights-1 was trained again and differs: model.onnx is")
    assert workshop.condition("TrainingRun", "again", "Complete")[0] == "True"  # type: ignore[index]
    assert workshop.names("ModelVersion") == ["flights-1"]


async def test_script_of_a_configmap_that_is_gone_comes_out_of_the_store(workshop: Workshop) -> None:
    put(workshop, train="one")
    await registered(workshop, script={"configMap": {"name": "fit"}})
    workshop.kube.remove("v1", "ConfigMap", NAMESPACE, "fit")
    await again(workshop)
    told = task(workshop)
    assert (told.script, told.image) == (sha256(b"one"), "training:1")
    assert told.reproduces == Reproduced(version="flights-1", file="train.py")
    pod = workshop.get("Job", workshop.job())["spec"]["template"]["spec"]
    assert {"name": "script", "emptyDir": {}} in pod["volumes"]
    mounts = [[m for m in each["volumeMounts"] if m["name"] == "script"] for each in pod["initContainers"]]
    script = {"name": "script", "mountPath": "/script"}
    assert mounts == [[script], [script | {"readOnly": True}]]


async def test_script_of_git_is_that_of_the_commit(workshop: Workshop) -> None:
    await registered(workshop, script={"git": GIT})
    await again(workshop)
    told = task(workshop).git
    assert isinstance(told, GitScript)
    assert (told.url, told.revision, told.path) == (GIT["url"], "3f2a" * 10, GIT["path"])


async def test_import_is_brought_again(workshop: Workshop) -> None:
    await registered(workshop, **{"import": {"url": "https://models/model.onnx", "digest": digest("c")}})
    await again(workshop)
    assert task(workshop).imported


async def test_version_that_is_not_there_is_waited_for(workshop: Workshop) -> None:
    await again(workshop)
    assert ready(workshop, "again")[:2] == ("False", "ModelVersionNotFound")
    assert await workshop.look_at("TrainingRun", "again")


async def test_version_of_another_model_ends_the_run(workshop: Workshop) -> None:
    await registered(workshop)
    await again(workshop, modelName="other")
    assert ready(workshop, "again")[:2] == ("False", "OtherModel")
    assert "write `modelName: flights`" in ready(workshop, "again")[2]
    assert workshop.condition("TrainingRun", "again", "Failed")


async def test_other_data_ends_the_run(workshop: Workshop) -> None:
    await registered(workshop)
    workshop.dataset(prepare={"sql": "SELECT * FROM source"})
    await workshop.settle()
    workshop.succeed(ingest_report(digest("e")))
    await workshop.settle()
    await again(workshop, datasetRef={"name": "flights"})
    assert ready(workshop, "again")[:2] == ("False", "OtherData")
    assert f"write `datasetRef.version: {VERSION}`" in ready(workshop, "again")[2]


async def test_version_of_an_earlier_release_says_so(workshop: Workshop) -> None:
    await registered(workshop)
    version = workshop.get("ModelVersion", "flights-1")
    lineage = {key: value for key, value in version["spec"]["lineage"].items() if key != "trainedAs"}
    workshop.kube.put({**version, "spec": version["spec"] | {"lineage": lineage}})
    await again(workshop)
    assert ready(workshop, "again")[:2] == ("False", "NotReproducible")


async def test_training_that_fails_this_time_is_told(workshop: Workshop) -> None:
    await registered(workshop)
    await again(workshop)
    workshop.fail("train", said("TrainFailed", "no memory"))
    await workshop.settle()
    assert ready(workshop, "again") == ("False", "TrainFailed", "no memory")


SOUGHT = {"algorithm": "tpe", "metric": "auc", "value": 0.9, "trial": 7, "trials": 30, "parameters": {"alpha": 2}}


@pytest.mark.parametrize(
    ("trains", "estimators", "parameters"),
    [
        ({"estimator": {"name": "Ridge", "parameters": {"tol": 0.1}}}, {"tol": 0.1, "alpha": 2}, {}),
        ({"container": CONTAINER, "parameters": {"deep": True}}, None, {"deep": True, "alpha": 2}),
    ],
)
async def test_what_won_a_search_is_trained_again_with_what_it_had_tried(
    workshop: Workshop, trains: dict[str, Any], estimators: dict[str, Any] | None, parameters: dict[str, Any]
) -> None:
    await registered(workshop, **trains)
    version = workshop.get("ModelVersion", "flights-1")
    lineage = version["spec"]["lineage"] | {"search": SOUGHT}
    workshop.kube.put({**version, "spec": version["spec"] | {"lineage": lineage}})
    await again(workshop)
    told = task(workshop)
    assert (told.estimator and told.estimator.parameters, told.parameters) == (estimators, parameters)
