"""Deployments at rest, as who pays for the API server wants them: nothing is read, and a restart writes nothing.

The test does what controllers and kubelet would; the pods' counters come from the benchmark's stub.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from api.client import Api, Manifest, wait_until
from api.engine_operator import Operator, writes
from api.manifests import manifest
from localcluster import paths
from localcluster.api import ApiServer

NAMES = [f"model-{number}" for number in range(10)]
NOW = "2030-01-01T00:00:00Z"
ADDRESSES = [f"127.{1 + os.getpid() % 250}.{os.getpid() // 250 % 250}.{1 + n}" for n in range(len(NAMES))]
"""Of the pods: no other test's, at the same time."""


@pytest.fixture
def scoring_pods(server: ApiServer) -> Iterator[None]:
    command = [sys.executable, "-m", "benchmarks.operator.scoring_pods", str(server.folder), server.url, *ADDRESSES]
    path = os.pathsep.join(str(paths.REPOSITORY / folder) for folder in ("", "tests", "operator", "serving"))
    process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": path})
    yield
    process.kill()
    process.wait()


def asked_for(api: Api, namespace: str, name: str) -> None:
    found = manifest("ModelVersion", namespace, {"metadata.name": f"{name}-1", "spec.modelName": name})
    live = api.create(found)
    passed = {"status": "True", "reason": "NoGates", "message": "", "lastTransitionTime": NOW}
    api.replace_status({**live, "status": {"conditions": [{"type": t, **passed} for t in ("Ready", "Verified")]}})
    api.create(manifest("ModelDeployment", namespace, {"metadata.name": name, "spec.modelRef.name": name}))


def start_pod(api: Api, deployment: Manifest, address: str) -> None:
    """As controllers and kubelet would."""
    wanted, generation = deployment["spec"]["replicas"], deployment["metadata"]["generation"]
    told = {"replicas": wanted, "updatedReplicas": wanted, "observedGeneration": generation}
    api.replace_status({**deployment, "status": told})
    metadata = {"name": f"{deployment['metadata']['name']}-0", "namespace": deployment["metadata"]["namespace"]}
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    spec = {"containers": [{"name": "server", "image": "scoring"}]}
    pod = api.create({"apiVersion": "v1", "kind": "Pod", "metadata": metadata | {"labels": labels}, "spec": spec})
    status = {
        "phase": "Running",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [
            {
                "name": "server",
                "image": "scoring",
                "imageID": "",
                "ready": True,
                "restartCount": 0,
                "state": {"running": {"startedAt": NOW}},
            }
        ],
    }
    api.replace_status({**pod, "status": status})


def complete(api: Api, job: Manifest) -> None:
    done = {"status": "True", "lastTransitionTime": NOW, "lastProbeTime": NOW}
    conditions = [{"type": type_, **done} for type_ in ("SuccessCriteriaMet", "Complete")]
    status = {"startTime": NOW, "completionTime": NOW, "succeeded": 1, "conditions": conditions}
    api.replace_status({**job, "status": status})


def phase(api: Api, namespace: str, name: str) -> Any:
    found = api.read(manifest("ModelDeployment", namespace, {"metadata.name": name}))
    return found["status"].get("phase"), found["status"].get("recorded")


def requests(operator: Operator) -> int:
    lines = operator.get("/metrics").splitlines()
    return sum(int(float(line.split()[-1])) for line in lines if line.startswith("rest_client_requests_total{"))


def test_deployments_at_rest_are_looked_at_without_a_request_and_a_restart_writes_nothing(
    api: Api, server: ApiServer, namespace: str, tmp_path: Path, scoring_pods: None
) -> None:
    settings = {
        "MODELWARD_WATCH_NAMESPACES": namespace,
        "MODELWARD_STORE_URL": "s3://models",
        "MODELWARD_REST_SCRAPE_SECONDS": "0.2",
    }
    with Operator(server.kubeconfig, tmp_path, real=True, **settings) as operator:
        operator.wait_until_watching()
        for name in NAMES:
            asked_for(api, namespace, name)
        wait_until(lambda: len(api.find("Deployment", namespace)) == len(NAMES), "each has a Deployment")
        for deployment, address in zip(api.find("Deployment", namespace), ADDRESSES, strict=True):
            start_pod(api, deployment, address)
        wait_until(lambda: len(api.find("Job", namespace)) == len(NAMES), "the store is told of each")
        for job in api.find("Job", namespace):
            complete(api, job)
        wait_until(lambda: all(all(phase(api, namespace, name)) for name in NAMES), "the store knows")
        wait_until(lambda: not api.find("Job", namespace), "the Jobs are gone")
        settle(operator)

        before = requests(operator)
        look_again(operator)

        assert requests(operator) == before
        assert {phase(api, namespace, name)[0] for name in NAMES} == {"Stable"}
    settled = writes(server.audit_log, namespace)
    with Operator(server.kubeconfig, tmp_path, real=True, **settings) as operator:
        wait_until(lambda: "everything was looked at" in operator.log, "it has looked at everything")
        look_again(operator)
        assert writes(server.audit_log, namespace) == settled


def settle(operator: Operator) -> None:
    """Until events of what was written have come."""
    seen = -1
    while seen != (seen := requests(operator)):
        look_again(operator)


def look_again(operator: Operator) -> None:
    """At each, three times and more."""
    wanted = operator.reconciles("ModelDeployment") + 4 * len(NAMES)
    wait_until(lambda: operator.reconciles("ModelDeployment") >= wanted, "each was looked at again")
