"""On a node: a model of elsewhere comes by URL, goes on out of a volume to another namespace, and is made again."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import yaml

from modelward_contracts.store import file_digest

from . import models
from .conftest import new_namespace
from .test_script import GOOD, config_map
from .test_sources import web
from .world import World

pytestmark = pytest.mark.timeout(1200, func_only=True)

GATES = [{"metric": "auc", "minimum": 0.7}, {"metric": "model_bytes", "maximum": 1e6}]
TREE = GOOD.format(module="sklearn.tree", model="DecisionTreeClassifier").replace("n_estimators=10", "max_depth=3")


def trained(folder: Path) -> Path:
    """A model of elsewhere: one matrix, fitted to rows like the dataset's."""
    from skl2onnx import to_onnx
    from sklearn.linear_model import LogisticRegression

    rows = models.rows(seed=1)
    x = np.array([[row["distance"], row["hour"]] for row in rows], np.float32)
    fitted = LogisticRegression().fit(x, [int(row["late"]) for row in rows])
    made = to_onnx(fitted, x[:1], options={"zipmap": False}, target_opset={"": 21, "ai.onnx.ml": 3})
    (folder / "model.onnx").write_bytes(made.SerializeToString())
    return folder / "model.onnx"


def run(name: str, **spec: Any) -> dict[str, Any]:
    metadata, defaults = {"name": name}, {"modelName": "trips", "datasetRef": {"name": "trips"}}
    return {"apiVersion": models.API, "kind": "TrainingRun", "metadata": metadata, "spec": defaults | spec}


def command(world: World, *words: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "modelward", *words, "--kubeconfig", str(world.kubeconfig)]
    return subprocess.run(line, capture_output=True, text=True, timeout=600, check=False)


def version(world: World, of: str) -> dict[str, Any]:
    """That a run registered, once it has."""
    world.wait_condition("trainingrun", of, "Ready", "True", 300)
    name = (world.get("trainingrun", of) or {})["status"]["modelVersion"]
    found = world.get("modelversion", name)
    assert found
    return found


def test_import_is_measured_and_served_and_goes_on_to_another_namespace(
    world: World, host: str, tmp_path: Path
) -> None:
    digest = file_digest(trained(tmp_path))
    with web(host, tmp_path) as port:
        url = f"http://{host}:{port}"
        brought = {"url": f"{url}/model.onnx", "digest": digest}
        wrong = run("changed", **{"import": brought | {"digest": "sha256:" + "0" * 64}})
        world.apply(models.dataset(), run("brought", **{"import": brought}, gates=GATES), wrong, models.deployment())
        first = version(world, "brought")
        refused = world.wait_condition("trainingrun", "changed", "Failed", "True", 300)
        assert refused["reason"] == "ImportDigestMismatch"
        assert digest in refused["message"]
        world.wait_condition("modeldeployment", "trips", "Ready", "True")
        assert answered(world) in (0, 1)

        exported = command(world, "export", f"{world.namespace}/trips-1", "--save", str(tmp_path / "out.onnx"))
        assert exported.returncode == 0, exported.stderr
        assert file_digest(tmp_path / "out.onnx") == first["spec"]["model"]["digest"]
        there = new_namespace(world, f"{world.namespace[:50]}-there")
        manifest = yaml.safe_load(exported.stdout)
        manifest["metadata"]["namespace"] = there.namespace
        manifest["spec"]["datasetRef"]["name"] = "trips"
        del manifest["spec"]["import"]["pvc"]
        manifest["spec"]["import"]["url"] = f"{url}/out.onnx"
        there.apply(models.dataset(seed=2), manifest)
        second = version(there, manifest["metadata"]["name"])
    assert second["spec"]["model"]["digest"] == first["spec"]["model"]["digest"]
    assert asked_of(first) == asked_of(second)
    assert first["spec"]["metrics"]["auc"] != second["spec"]["metrics"]["auc"], "they were measured on other rows"
    origin = second["spec"]["lineage"]["trainedAs"]["import"]["exportedFrom"]
    assert (origin["namespace"], origin["modelVersion"]) == (world.namespace, "trips-1")
    there.kubectl("delete", "namespace", there.namespace, "--wait=false")


def asked_of(version: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(gate["metric"], gate["bound"], gate["passed"]) for gate in version["spec"]["gates"]]


def answered(world: World) -> int:
    answer = httpx.post(f"{world.url('trips')}/v2/models/trips/infer", json=models.request(models.rows(1)[0]))
    assert answer.status_code == 200, answer.text
    outputs = {each["name"]: each["data"] for each in answer.json()["outputs"]}
    return int(outputs["label"][0])


def test_script_is_trained_again_with_the_same_bytes(world: World) -> None:
    script = run("scripted", script={"configMap": {"name": "scripted"}})
    world.apply(models.dataset(), config_map("scripted", TREE), script)
    found = version(world, "scripted")["metadata"]["name"]
    world.kubectl("delete", "trainingrun/scripted", "configmap/scripted")
    done = command(world, "reproduce", f"{world.namespace}/{found}")
    assert (done.returncode, "is identical" in done.stdout) == (0, True), (done.stdout, done.stderr)
    assert len(world.find("modelversion")) == 1
