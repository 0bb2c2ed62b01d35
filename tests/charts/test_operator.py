"""The operator as a process, with the settings, the key and the rights that the chart gives it, and no others."""

import base64
import itertools
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from api.client import wait_until
from api.manifests import manifest
from benchmarks.serving.process import free_port
from charts.conftest import CHART, NAMESPACE, Manifest, Run, kubeconfig_of_operator
from localcluster import paths
from localcluster.api import ApiServer

SCOPES = {
    "all namespaces": (),
    "one namespace": ("--set", "watchNamespaces={NAMESPACE}", "--set", "rbac.aggregate=false"),
}
MADE = {
    "Dataset": ("job.batch/", "persistentvolumeclaim/modelward-store"),
    "ModelDeployment": ("deployment.apps/", "service/", "configmap/"),
}


_numbers = itertools.count(1)


class Operator(NamedTuple):
    """One that runs; `namespace` is looked after, and empty."""

    namespace: str
    log: Path
    health: str

    def is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(self.health, timeout=5):
                return True
        except (urllib.error.URLError, ConnectionError):
            return False


@pytest.fixture(params=list(SCOPES.values()), ids=list(SCOPES))
def operator(
    request: pytest.FixtureRequest, helm: Run, kubectl: Run, server: ApiServer, tmp_path: Path
) -> Iterator[Operator]:
    namespace = f"looked-after-{next(_numbers)}"
    assert kubectl("create", "namespace", namespace).ok
    done = helm("install", "modelward", str(CHART), *(word.replace("NAMESPACE", namespace) for word in request.param))
    assert done.ok, done.out
    port, log = free_port(), tmp_path / "operator.log"
    environment = _environment(kubectl) | {
        "MODELWARD_SIGNING_KEY_FILE": str(tmp_path / "key.pem"),  # the kubelet would show it here, a minute later
        "MODELWARD_METRICS_PORT": str(port),
        "PYTHONPATH": str(paths.REPOSITORY / "operator"),
        "PATH": os.environ["PATH"],
    }
    command = [
        sys.executable,
        "-m",
        "modelward",
        "run",
        "--kubeconfig",
        str(kubeconfig_of_operator(kubectl, server, tmp_path)),
    ]
    with log.open("wb") as output, subprocess.Popen(command, env=environment, stdout=output, stderr=output) as process:
        yield Operator(namespace, log, f"http://127.0.0.1:{port}/healthz")
        process.kill()


@pytest.mark.parametrize("kind", MADE)
def test_operator_works_with_what_the_chart_gives_it(operator: Operator, kubectl: Run, kind: str) -> None:
    wait_until(operator.is_healthy, "the operator is healthy")
    within = partial(kubectl, f"--namespace={operator.namespace}")
    if kind == "ModelDeployment":
        _register_model(within, operator.namespace)
    _create(within, manifest(kind, operator.namespace))
    wait_until(lambda: _made(within, kind), f"the objects of a {kind} are there")
    wait_until(lambda: _reason(within, kind) != "Pending", "its status is written")
    assert "orbidden" not in operator.log.read_text()
    assert isinstance(_key(kubectl), Ed25519PrivateKey)


def _made(kubectl: Run, kind: str) -> bool:
    found = kubectl("get", "jobs,deployments,services,configmaps,pvc", "--output=name").out
    return all(name in found for name in MADE[kind])


def _register_model(kubectl: Run, namespace: str) -> None:
    """As a training run would have."""
    labels = {"metadata.labels": {"modelward.dev/model": "flights", "modelward.dev/version": "1"}}
    _create(kubectl, manifest("ModelVersion", namespace, labels))
    condition = {"status": "True", "reason": "Verified", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z"}
    conditions = [{"type": "Ready"} | condition, {"type": "Verified"} | condition]
    patch = json.dumps({"status": {"observedGeneration": 1, "conditions": conditions}})
    words = ("patch", "mver/flights", "--subresource=status", "--type=merge", f"--patch={patch}")
    assert kubectl(*words).ok


def _create(kubectl: Run, wanted: Manifest) -> None:
    done = kubectl("create", "--filename=-", stdin=json.dumps(wanted))
    assert done.ok, done.out


def _reason(kubectl: Run, kind: str) -> str:
    path = "jsonpath={.status.conditions[?(@.type=='Ready')].reason}"
    return kubectl("get", f"{kind.lower()}/flights", f"--output={path}").out


def _environment(kubectl: Run) -> dict[str, str]:
    """Of the operator's container, as it stands in the cluster."""
    found = _read(kubectl, "deployment/modelward")["spec"]["template"]["spec"]["containers"][0]["env"]
    return {variable["name"]: variable.get("value", NAMESPACE) for variable in found}


def _key(kubectl: Run) -> Any:
    return load_pem_private_key(
        base64.b64decode(_read(kubectl, "secret/modelward-signing-key")["data"]["key.pem"]), None
    )


def _read(kubectl: Run, name: str) -> Any:
    done = kubectl("get", name, f"--namespace={NAMESPACE}", "--output=json")
    assert done.ok, done.out
    return json.loads(done.out)
