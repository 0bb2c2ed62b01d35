"""Pods that the API server refuses: its own words are the condition, within seconds, and the way out of it works."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from api.client import Api, Manifest, establish, wait_until
from api.engine_operator import Operator
from api.manifests import manifest
from api.test_engine_idle import verified_version
from localcluster import parts
from localcluster.api import ApiServer

SECONDS = 20
"""To be told; a machine under load included."""
CONTROLLERS = [
    "job-controller",
    "deployment-controller",
    "replicaset-controller",
    "resourcequota-controller",
    "serviceaccount-controller",
]
ALLOWED = "bucket-reader"
QUOTA = {"hard": {"limits.cpu": "4", "limits.memory": "8Gi"}}
SMALL = {"limits": [{"type": "Container", "max": {"memory": "300Mi"}}]}


@pytest.fixture(scope="module")
def admitting(tmp_path_factory: pytest.TempPathFactory, crds: list[Manifest]) -> Iterator[ApiServer]:
    """An API server whose controllers make pods."""
    with ApiServer(tmp_path_factory.mktemp("admitting"), CONTROLLERS) as server:
        establish(server, crds)
        yield server


@pytest.fixture(scope="module")
def operator(admitting: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    folder, allowed = tmp_path_factory.mktemp("operator"), {"MODELWARD_SERVICE_ACCOUNTS": ALLOWED}
    with Operator(admitting.kubeconfig, folder, real=True, **allowed) as operator:
        operator.wait_until_watching()
        yield operator


class Place:
    """A namespace of its own."""

    def __init__(self, server: ApiServer, name: str) -> None:
        self._server, self.name = server, name
        self.kubectl("create", "namespace", name)
        wait_until(lambda: "default" in self.kubectl("get", "serviceaccounts"), "the namespace has its account")

    def kubectl(self, *words: str, stdin: str = "") -> str:
        command = [str(parts.kubectl()), f"--kubeconfig={self._server.kubeconfig}", f"--namespace={self.name}", *words]
        done = subprocess.run(command, input=stdin, text=True, capture_output=True, timeout=60, check=False)
        return done.stdout + done.stderr

    def limit(self, kind: str, spec: dict[str, Any]) -> None:
        found = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "team"}, "spec": spec}
        self.kubectl("create", "--filename=-", stdin=json.dumps(found))
        if kind == "ResourceQuota":
            wait_until(
                lambda: "limits.cpu" in self.kubectl("get", "quota", "team", "--output=jsonpath={.status}"), "it counts"
            )

    def apply(self, kind: str, **spec: Any) -> None:
        found = manifest(kind, self.name)
        answer = self.kubectl("apply", "--filename=-", stdin=json.dumps({**found, "spec": found["spec"] | spec}))
        assert "flights" in answer, answer

    def ready(self, kind: str) -> str:
        """Reason and message."""
        path = "{.status.conditions[?(@.type==\"Ready\")]['reason','message']}"
        return self.kubectl("get", kind, "flights", f"--output=jsonpath={path}")

    def wait_told(self, kind: str, *words: str) -> None:
        wait_until(lambda: all(w in self.ready(kind) for w in words), f"{kind} says {words}", SECONDS)

    def pods(self) -> str:
        return self.kubectl("get", "pods", "--output=name")


@pytest.fixture
def place(admitting: ApiServer, operator: Operator, request: pytest.FixtureRequest) -> Place:
    return Place(admitting, f"place-{abs(hash(request.node.name)) % 10**8}")


def test_quota_is_told_in_its_words_and_met_by_resources_of_the_dataset(place: Place) -> None:
    place.limit("ResourceQuota", QUOTA)
    place.apply("Dataset")
    place.wait_told("dataset", "FailedCreate", "failed quota: team: must specify limits.cpu for: ingest")

    place.apply("Dataset", resources={"limits": {"cpu": 0.5, "memory": "512Mi"}})

    wait_until(lambda: "pod/flights-ingest" in place.pods(), "the ingest has a pod", SECONDS)
    place.wait_told("dataset", "Ingesting")


def test_quota_of_a_run_names_each_step_and_is_met_by_their_resources(place: Place, admitting: ApiServer) -> None:
    with Api(admitting) as api:
        version = api.create(manifest("DatasetVersion", place.name))
    place.limit("ResourceQuota", QUOTA)
    reference = {"name": "flights", "version": version["metadata"]["name"]}
    place.apply("TrainingRun", datasetRef=reference)
    place.wait_told("trainingrun", "FailedCreate", "must specify limits.cpu for: fetch,publish,train")
    place.kubectl("delete", "trainingrun", "flights")

    small = {"limits": {"cpu": "500m", "memory": "512Mi"}}
    place.apply("TrainingRun", datasetRef=reference, resources=small, stepResources={"fetch": small, "publish": small})

    wait_until(lambda: "pod/flights-" in place.pods(), "the run has a pod", SECONDS)


def test_limit_range_is_told_of_servers_and_met_by_the_deployments_resources(
    place: Place, admitting: ApiServer
) -> None:
    with Api(admitting) as api:
        verified_version(api, place.name)
    place.limit("LimitRange", SMALL)
    place.apply("ModelDeployment")
    place.wait_told(
        "modeldeployment", "FailedCreate", "maximum memory usage per Container is 300Mi, but limit is 512Mi"
    )

    place.apply("ModelDeployment", resources={"limits": {"cpu": "200m", "memory": "256Mi"}})

    wait_until(lambda: "pod/flights-" in place.pods(), "a server has a pod", SECONDS)


def test_class_that_is_not_there_is_told_by_its_name(place: Place) -> None:
    place.apply("Dataset", pod={"priorityClassName": "urgent"})
    place.wait_told("dataset", "FailedCreate", "no PriorityClass with name urgent was found")

    place.apply("Dataset", pod={"nodeSelector": {"disk": "ssd"}})

    wait_until(lambda: "pod/flights-ingest" in place.pods(), "the ingest has a pod", SECONDS)
    assert '"disk":"ssd"' in place.kubectl("get", "pods", "--output=jsonpath={.items[0].spec.nodeSelector}")


def test_service_account_that_is_not_allowed_is_refused_with_the_way_to_get_it(place: Place) -> None:
    place.apply("Dataset", pod={"serviceAccountName": "admin"})
    place.wait_told("dataset", "ServiceAccountNotAllowed", "allowedServiceAccounts")
    assert place.pods() == ""
    place.apply("Dataset", pod={})
    wait_until(lambda: "pod/flights-ingest" in place.pods(), "the ingest has a pod", SECONDS)


def test_service_account_that_is_allowed_is_the_pods_without_its_token(place: Place) -> None:
    place.kubectl("create", "serviceaccount", ALLOWED)
    place.apply("Dataset", pod={"serviceAccountName": ALLOWED})
    wait_until(lambda: "pod/flights-ingest" in place.pods(), "the ingest has a pod", SECONDS)
    spec = json.loads(place.kubectl("get", "pods", "--output=jsonpath={.items[0].spec}"))
    assert (spec["serviceAccountName"], spec["automountServiceAccountToken"]) == (ALLOWED, False)


def test_name_that_is_taken_is_told_and_its_removal_is_noticed_within_seconds(
    place: Place, admitting: ApiServer
) -> None:
    with Api(admitting) as api:
        verified_version(api, place.name)
    place.kubectl("create", "service", "clusterip", "flights", "--tcp=80:80")
    place.kubectl("label", "service", "flights", "app.kubernetes.io/managed-by=Helm")
    place.apply("ModelDeployment")
    place.wait_told("modeldeployment", "NameTaken", "Service flights exists and is not Modelward's")
    available = "--output=jsonpath={.status.conditions[?(@.type=='Available')]['status','reason']}"
    assert place.kubectl("get", "modeldeployment", "flights", available) == "False NameTaken"

    place.kubectl("delete", "service", "flights")

    def ours() -> bool:
        return "modelward" in place.kubectl("get", "service", "flights", "--output=jsonpath={.metadata.labels}")

    wait_until(ours, "the Service is Modelward's", SECONDS)


def test_status_that_cannot_be_heals_and_its_events_are_told_in_their_order(place: Place, admitting: ApiServer) -> None:
    with Api(admitting) as api:
        verified_version(api, place.name)
    place.apply("ModelDeployment")
    starting = "--output=jsonpath={.status.candidate}"
    wait_until(lambda: "flights-1" in place.kubectl("get", "mdep", "flights", starting), "it starts", SECONDS)
    candidate = json.loads(place.kubectl("get", "mdep", "flights", starting))
    edited = {"status": {"phase": "Canary", "weight": 50, "stable": candidate, "candidate": None}}
    place.kubectl("patch", "mdep", "flights", "--subresource=status", "--type=merge", f"--patch={json.dumps(edited)}")
    phase = "--output=jsonpath={.status.phase} {.status.weight}"

    wait_until(lambda: place.kubectl("get", "mdep", "flights", phase) == "Stable 0", "it is Stable again", SECONDS)

    wait_until(lambda: "StatusHealed" in place.kubectl("get", "events"), "its Event is written", SECONDS)
    told = place.kubectl(
        "get", "events", "--sort-by=.lastTimestamp", "--field-selector=involvedObject.kind=ModelDeployment"
    )
    assert "<unknown>" not in told
    assert told.index("FirstRevision") < told.index("StatusHealed")
    described = place.kubectl("describe", "mdep", "flights").partition("\nEvents:")[2]
    assert 0 < described.index("FirstRevision") < described.index("StatusHealed")
