"""The operator's process on a real API server: what it writes, what it leaves alone, how it dies and comes back."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.client import Api, Manifest, wait_until
from api.conftest import Kubectl
from api.engine_operator import Operator, writes
from api.manifests import KINDS, manifest
from localcluster.api import ApiServer

ONCE = ["patch configmaps/flights", "update modeldeployments/flights/status", "create events"]


@pytest.fixture
def operator(server: ApiServer, namespace: str, tmp_path: Path) -> Iterator[Operator]:
    with Operator(server.kubeconfig, tmp_path, MODELWARD_WATCH_NAMESPACES=namespace) as operator:
        operator.wait_until_watching()
        yield operator


def ready(api: Api, found: Manifest) -> bool:
    conditions = api.read(found).get("status", {}).get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def converge(api: Api, server: ApiServer, deployment: Manifest) -> None:
    namespace = deployment["metadata"]["namespace"]
    wait_until(lambda: ready(api, deployment), "the deployment is Ready")
    wait_until(lambda: "create events" in writes(server.audit_log, namespace), "its Event is written")


def test_converged_object_is_looked_at_again_without_a_write(
    api: Api, server: ApiServer, namespace: str, operator: Operator
) -> None:
    deployment = manifest("ModelDeployment", namespace)
    api.create(deployment)
    converge(api, server, deployment)
    before = operator.reconciles("ModelDeployment")

    api.label(deployment, {"team": "a"})
    wait_until(lambda: operator.reconciles("ModelDeployment") > before, "it is looked at again")

    assert writes(server.audit_log, namespace) == ONCE


def test_operator_leaves_spec_and_metadata_of_the_users_object_as_they_were(
    api: Api, server: ApiServer, namespace: str, operator: Operator
) -> None:
    deployment = manifest("ModelDeployment", namespace)
    created = api.create(deployment)
    converge(api, server, deployment)

    live = api.read(deployment)

    its_own = ("managedFields", "resourceVersion")
    assert {k: v for k, v in live["metadata"].items() if k not in its_own} == {
        k: v for k, v in created["metadata"].items() if k not in its_own
    }
    assert live["spec"] == created["spec"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_watched(api: Api, namespace: str, operator: Operator, kind: str) -> None:
    api.create(manifest(kind, namespace))

    wait_until(lambda: ready(api, manifest(kind, namespace)), f"the {kind} is Ready")


def test_pod_with_our_label_makes_its_owner_looked_at(kubectl: Kubectl, operator: Operator) -> None:
    assert operator.reconciles("TrainingRun") == 0
    for name, managed_by in {"theirs": "somebody", "ours": "modelward"}.items():
        labels = f"app.kubernetes.io/managed-by={managed_by},modelward.dev/training-run=flights"
        assert "created" in kubectl("run", name, "--image=image", f"--labels={labels}")

    wait_until(lambda: operator.reconciles("TrainingRun") == 1, "the run of the pod is looked at")

    assert 'modelward_watch_events_total{kind="pods"} 1.0' in operator.get("/metrics")


@pytest.mark.parametrize("nth", range(3))
def test_operator_killed_before_a_write_ends_in_the_same_state_after_its_restart(
    api: Api, server: ApiServer, namespace: str, tmp_path: Path, nth: int
) -> None:
    fault = ["apply ConfigMap 1", "status ModelDeployment 1", "event Event 1"][nth]
    deployment = manifest("ModelDeployment", namespace)
    api.create(deployment)
    faults = {"MODELWARD_FAULTS": "enabled", "MODELWARD_FAULT_CRASH_BEFORE": fault}
    with Operator(server.kubeconfig, tmp_path, MODELWARD_WATCH_NAMESPACES=namespace, **faults) as operator:
        assert operator.process.wait(timeout=30) == 137, operator.log
    assert writes(server.audit_log, namespace) == ONCE[:nth]

    with Operator(server.kubeconfig, tmp_path, MODELWARD_WATCH_NAMESPACES=namespace):
        wait_until(lambda: ready(api, deployment), "the deployment is Ready")
    # An Event is a courtesy: one that the kill swallowed is not told later.
    assert writes(server.audit_log, namespace)[:2] == ONCE[:2]


def test_operator_told_to_stop_is_gone_within_a_moment(operator: Operator) -> None:
    assert operator.get("/healthz") == "ok\n"
    started = time.monotonic()

    assert operator.stop() == 0, operator.log

    assert time.monotonic() - started < 3


def test_restarted_operator_sees_at_once_what_changed_while_it_was_away(
    api: Api, server: ApiServer, namespace: str, operator: Operator, tmp_path: Path
) -> None:
    operator.stop()
    deployment = manifest("ModelDeployment", namespace)
    api.create(deployment)

    with Operator(server.kubeconfig, tmp_path, MODELWARD_WATCH_NAMESPACES=namespace):
        wait_until(lambda: ready(api, deployment), "the deployment is Ready")


def test_operator_outlives_its_api_server_and_goes_on_when_it_is_back(crds: list[Manifest], tmp_path: Path) -> None:
    deployment = manifest("ModelDeployment", "default")
    with ApiServer(tmp_path / "apiserver") as server, Api(server) as api:
        for crd in crds:
            api.create(crd)
        with Operator(server.kubeconfig, tmp_path) as operator:
            operator.wait_until_watching()
            server.kill("kube-apiserver")
            wait_until(lambda: "will retry" in operator.log, "kopf has noticed")
            server.start("kube-apiserver")
            api.create(deployment)

            # A list that a starting server takes and never answers is given up after 30 s.
            wait_until(lambda: ready(api, deployment), "the deployment is Ready", 90)
            assert operator.get("/healthz") == "ok\n"
