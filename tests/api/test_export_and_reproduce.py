"""The commands export and reproduce against a real API server: what they print is accepted, what they make is there."""

import os
import subprocess
import sys
import threading
from typing import Any

import pytest
import yaml

from api.client import Api, Manifest, wait_until
from api.manifests import DIGEST, manifest
from api.test_why import commanded
from localcluster.api import ApiServer
from modelward.decide.conditions import NEVER

GATES = [{"metric": "auc", "minimum": 0.7}]
ORIGIN = {"spec.store": "s3://stores/a", "spec.asked": {"gates": GATES}}
ESTIMATOR = {"estimator": {"name": "Ridge", "parameters": {"alpha": 0.5}}, "seed": 7, "parameters": {"deep": True}}


def version(api: Api, namespace: str) -> Manifest:
    api.create(manifest("DatasetVersion", namespace))
    changes = ORIGIN | {"spec.lineage.datasetVersion": "flights", "spec.lineage.trainedAs": ESTIMATOR}
    return api.create(manifest("ModelVersion", namespace, changes))


def test_what_export_prints_is_accepted_once_it_is_filled_in(server: ApiServer, api: Api, namespace: str) -> None:
    version(api, namespace)
    code, text, errors = commanded(server, "export", f"{namespace}/flights")
    assert (code, errors) == (0, "")
    filled = {"<namespace>": namespace, "<Dataset>": "flights", "<Secret>": "reader"}
    for blank, word in filled.items():
        assert f"# {blank}" in text
        text = text.replace(blank, word)
    run = api.create(yaml.safe_load(text), dry_run=True)
    assert run["spec"]["gates"] == GATES
    assert run["spec"]["import"]["url"] == f"s3://stores/a/{namespace}/blobs/sha256/{'0' * 64}"


def test_export_is_told_what_is_missing(server: ApiServer, api: Api, namespace: str) -> None:
    api.create(manifest("ModelVersion", namespace))
    code, _, errors = commanded(server, "export", f"{namespace}/flights")
    assert (code, "registered by an earlier release" in errors) == (1, True)
    assert commanded(server, "export", "flights")[0] == 2
    assert "there are flights" in commanded(server, "export", f"{namespace}/flight")[2]


@pytest.mark.parametrize(("identical", "code"), [(True, 0), (False, 1)])
def test_reproduce_makes_a_run_and_says_how_it_ended(
    server: ApiServer, api: Api, namespace: str, identical: bool, code: int
) -> None:
    version(api, namespace)
    environment = os.environ | {"KUBECONFIG": str(server.plane.kubeconfig("admin"))}
    command = [sys.executable, "-m", "modelward", "reproduce", f"{namespace}/flights"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as running:
        stop = threading.Timer(60, running.kill)
        stop.start()
        runs: list[Manifest] = []
        wait_until(lambda: bool(runs.extend(found(api, namespace)) or runs), "the run is there")
        assert runs[0]["spec"] == {
            "modelName": "flights",
            "datasetRef": {"name": "flights", "version": "flights"},
            "reproduce": {"name": "flights"},
        }
        ended(api, runs[0], identical)
        out, _ = running.communicate()
        stop.cancel()
    assert (running.returncode, out) == (code, "this is how it ended\n")


def found(api: Api, namespace: str) -> list[Manifest]:
    items: list[Manifest] = api._send("GET", f"/apis/modelward.dev/v1alpha1/namespaces/{namespace}/trainingruns", None)[
        "items"
    ]
    return [{"apiVersion": "modelward.dev/v1alpha1", "kind": "TrainingRun", **each} for each in items]


def ended(api: Api, run: Manifest, identical: bool) -> None:
    said: dict[str, Any] = {"reason": "Ended", "message": "this is how it ended", "lastTransitionTime": NEVER}
    conditions = [{"type": type_, "status": "True", **said} for type_ in ("Ready", "Complete")]
    reproduction = {"modelVersion": "flights", "identical": identical, "model": DIGEST, "differences": []}
    api.replace_status({**run, "status": {"conditions": conditions, "reproduction": reproduction}})
