"""A Dataset made of others, with the operator's process on a real API server: it waits, and is woken by its parents."""

import json
from pathlib import Path

from api.client import Api, Manifest, wait_until
from api.conftest import Kubectl
from api.engine_operator import Operator
from api.manifests import manifest
from localcluster.api import ApiServer

DIGEST = "sha256:" + "1" * 64


def test_child_waits_for_its_parent_and_begins_when_that_has_a_version(
    api: Api, server: ApiServer, namespace: str, kubectl: Kubectl, tmp_path: Path
) -> None:
    def child() -> Manifest:
        return api.read(manifest("Dataset", namespace, {"metadata.name": "joined"}))

    def reason() -> str:
        (ready,) = [c for c in child()["status"]["conditions"] if c["type"] == "Ready"]
        return str(ready["reason"])

    made_of = {"metadata.name": "joined", "spec.source": {"datasets": [{"name": "flights", "as": "f"}]}}
    api.create(manifest("Dataset", namespace, made_of))
    with Operator(server.kubeconfig, tmp_path, real=True, MODELWARD_WATCH_NAMESPACES=namespace) as operator:
        operator.wait_until_watching()
        wait_until(lambda: reason() == "ParentNotFound", "the child does not tell that its parent is missing")
        api.create(manifest("Dataset", namespace))
        wait_until(lambda: reason() == "ParentNotReady", "the child does not tell what it waits for")
        latest = {"name": "flights-1", "digest": DIGEST, "rows": 2, "time": "2026-01-01T00:00:00Z"}
        patch = f"--patch={json.dumps({'status': {'latestVersion': latest}})}"
        kubectl("patch", "dataset", "flights", "--subresource=status", "--type=merge", patch)
        wait_until(lambda: reason() == "Ingesting", "the child does not begin")
        ingest = child()["status"]["ingest"]
        wait_until(lambda: kubectl("get", "configmap", ingest["job"], "--ignore-not-found") != "", "no task is made")
    assert ingest["parents"] == [DIGEST]
    task = json.loads(kubectl("get", "configmap", ingest["job"], "--output=jsonpath={.data.task\\.json}"))
    assert [(parent["dataset"], parent["table"], parent["digest"]) for parent in task["parents"]] == [
        ("flights", "f", DIGEST)
    ]
