"""One whole life of a model: data → version → training → registered → served."""

import json
from pathlib import Path

import httpx
import pytest

from localcluster import paths

from .shop import Shop
from .world import World

pytestmark = pytest.mark.timeout(600, func_only=True)

BREAST_CANCER = paths.REPOSITORY / "examples" / "breast-cancer"


def _apply(world: World, *files: Path) -> None:
    world.kubectl("apply", *(f"--filename={file}" for file in files))


def test_ten_lines_of_yaml_become_answers_over_http(world: World) -> None:
    _apply(world, BREAST_CANCER / "dataset.yaml", BREAST_CANCER / "model.yaml")
    world.wait_condition("modeldeployment", "breast-cancer", "Ready", "True")
    version = world.get("modelversion", "breast-cancer-1")
    assert version
    assert version["spec"]["metrics"]["accuracy"] > 0.93
    url = world.url("breast-cancer")
    inputs = httpx.get(f"{url}/v2/models/breast-cancer").json()["inputs"]
    body = {"inputs": [{"name": i["name"], "datatype": "FP32", "shape": [1, 1], "data": [1.0]} for i in inputs]}
    answer = httpx.post(f"{url}/v2/models/breast-cancer/infer", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["model_version"] == "1"


def test_lineage_leads_from_the_serving_pod_back_to_the_source(shop: Shop, request: pytest.FixtureRequest) -> None:
    with shop.serving(request.node.name) as service:
        _assert_lineage(shop.world, service.name)


def _assert_lineage(world: World, name: str) -> None:
    (pod,) = world.find("pods", f"modelward.dev/deployment={name},app.kubernetes.io/component=scoring")
    version = world.get("modelversion", pod["metadata"]["labels"]["modelward.dev/model-version"])
    assert version
    assert pod["metadata"]["annotations"]["modelward.dev/model-digest"] == version["spec"]["digest"]
    served = httpx.get(f"{world.url(name)}/v2/health/ready").headers["modelward-model"]
    assert served == version["spec"]["digest"]
    lineage = version["spec"]["lineage"]
    data = world.get("datasetversion", lineage["datasetVersion"])
    assert data
    assert data["spec"]["digest"] == lineage["datasetDigest"]
    assert data["spec"]["sources"][0]["digest"].startswith("sha256:")
    run = world.get("trainingrun", lineage["trainingRun"])
    assert run
    assert run["metadata"]["uid"] == lineage["trainingRunUid"]
    assert json.dumps(run["status"]["conditions"]).count('"Registered"') >= 1
