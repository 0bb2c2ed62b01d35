"""What each resource shows from first sight, and that nothing the operator writes is dropped on the way."""

import json
from typing import Any

import pytest
import yaml

import modelward.api
from api.client import Api, Manifest
from api.conftest import Kubectl
from api.manifests import DIGEST, KINDS, manifest

WHEN = "2026-01-02T03:04:05Z"
READY = {
    "type": "Ready",
    "status": "True",
    "reason": "Serving",
    "message": "flights-2 serves",
    "observedGeneration": 1,
    "lastTransitionTime": WHEN,
}
REVISION = {
    "revision": "0a1b2c3d",
    "modelVersion": "flights-2",
    "version": 2,
    "digest": DIGEST,
    "image": "registry/scoring:1",
    "resources": {"requests": {"cpu": "500m"}, "limits": {"cpu": 2}},
    "since": WHEN,
}
VERDICT = {
    "revision": "0d",
    "modelVersion": "flights-1",
    "digest": DIGEST,
    "image": "registry/scoring:1",
    "retry": 0,
    "reason": "ErrorsIncreased",
    "message": "3.5 % of answers were errors, 0 % of stable's",
    "time": WHEN,
    "stored": True,
}
TRANSITION = {"time": WHEN, "from": "Canary", "to": "RollingBack", "cause": "Errors", "message": "-", "revision": "0d"}
CHECK = {
    "expectations": 2,
    "failed": 1,
    "failures": [{"expectation": "{rows: {minimum: 5}}", "message": "there are 2 rows"}],
}
CAUSE = {"type": "NewData", "message": "9214 rows more in flights-1", "time": WHEN}
STATUSES: dict[str, dict[str, Any]] = {
    "Dataset": {
        "latestVersion": {"name": "flights-1", "digest": DIGEST, "rows": 336776, "time": WHEN},
        "ingest": {"job": "flights-ingest-1", "request": "1", "started": WHEN, "finished": WHEN},
        "checked": {"version": "flights-1", **CHECK},
    },
    "DatasetVersion": {"check": CHECK},
    "TrainingRun": {
        "datasetVersion": {"name": "flights-1", "digest": DIGEST},
        "job": "flights-train",
        "modelVersion": "flights-2",
        "startTime": WHEN,
        "completionTime": WHEN,
        "metrics": {"auc": 0.75},
    },
    "ModelVersion": {"deployments": [{"deployment": "flights", "role": "Stable", "since": WHEN}]},
    "RegisteredModel": {
        "latestVersion": "flights-2",
        "serving": [{"deployment": "flights", "version": "flights-2"}],
        "run": "flights-0a1b2c3d",
        "waiting": {"cause": CAUSE, "reason": "Running"},
        "request": "monday",
        "ticks": {"of": "@daily UTC", "next": WHEN},
        "history": [
            {
                "run": "flights-0a1b2c3d",
                "cause": CAUSE,
                "definition": "0a1b2c3-4d5e6f7",
                "datasetVersion": "flights-1",
                "rows": 336776,
                "started": WHEN,
                "made": True,
            }
        ],
    },
    "ModelDeployment": {
        "phase": "Canary",
        "step": 0,
        "weight": 10,
        "stepStarted": WHEN,
        "rolloutStarted": WHEN,
        "epoch": 3,
        "replicas": 2,
        "selector": "modelward.dev/deployment=flights",
        "stable": REVISION,
        "candidate": REVISION,
        "previous": REVISION,
        "target": "0a1b2c3d",
        "verdicts": [VERDICT],
        "history": [TRANSITION],
    },
}
COLUMNS = {
    "dataset": "NAME READY REASON LATEST ROWS AGE",
    "datasetversion": "NAME READY VALID DATASET ROWS NEW PARENTS AGE",
    "modeldeployment": "NAME READY REASON PHASE SERVING CANDIDATE WEIGHT DRIFTED AGE",
    "modelversion": "NAME READY REASON VERIFIED MODEL VERSION ALIASES DATA AGE",
    "registeredmodel": "NAME READY REASON LATEST RUN WAITING AGE",
    "trainingrun": "NAME READY REASON VERIFIED MODEL DATA PROGRESS AGE",
}


MODELS = {model.__name__: model for model in modelward.api.KINDS}


def full(kind: str, stored: Manifest) -> Manifest:
    """With the status as the operator would write it."""
    status = {"observedGeneration": 1, "conditions": [READY], **STATUSES[kind]}
    return stored | {"status": MODELS[kind].model_validate(stored | {"status": status}).wire()["status"]}


@pytest.mark.parametrize("kind", KINDS)
def test_new_resource_waits_for_the_operator_and_its_spec_is_left_alone(api: Api, namespace: str, kind: str) -> None:
    sent = manifest(kind, namespace)
    api.create(sent)
    found = api.read(sent)
    assert found["spec"] == sent["spec"] | ({"replicas": 1} if kind == "ModelDeployment" else {})
    (condition,) = found["status"]["conditions"]
    assert "lastTransitionTime" not in condition
    assert (condition["type"], condition["status"], condition["reason"]) == ("Ready", "Unknown", "Pending")


@pytest.mark.parametrize("kind", KINDS)
def test_written_status_is_kept_whole(api: Api, namespace: str, kind: str) -> None:
    wanted = full(kind, api.create(manifest(kind, namespace)))
    assert api.replace_status(wanted)["status"] == wanted["status"]


def test_user_cannot_write_status_beside_the_spec(api: Api, namespace: str) -> None:
    stored = api.create(manifest("ModelDeployment", namespace) | {"status": {"weight": 100}})
    assert "weight" not in api.replace(full("ModelDeployment", stored))["status"]


def test_get_modelward_lists_every_kind_with_its_columns(api: Api, namespace: str, kubectl: Kubectl) -> None:
    for kind in KINDS:
        api.create(manifest(kind, namespace))
    heads = {}
    for table in kubectl("get", "modelward").strip().split("\n\n"):
        head, row = table.splitlines()
        heads[row.partition(".")[0]] = " ".join(head.split())
        assert "Unknown" in row
    assert heads == COLUMNS


def test_get_deployment_tells_the_rollout(api: Api, namespace: str, kubectl: Kubectl) -> None:
    api.replace_status(full("ModelDeployment", api.create(manifest("ModelDeployment", namespace))))
    row = kubectl("get", "mdep", "--no-headers", "--output=wide").split()
    assert row[:7] == ["flights", "True", "Serving", "Canary", "flights-2", "flights-2", "10"]
    assert row[-2:] == ["flights-2", "serves"]


@pytest.mark.parametrize("short", ["dset", "dsver", "trun", "mver", "rmodel", "mdep"])
def test_short_names_are_known(kubectl: Kubectl, short: str) -> None:
    assert "No resources found" in kubectl("get", short)


def test_kubectl_wait_sees_ready(api: Api, namespace: str, kubectl: Kubectl) -> None:
    stored = api.create(manifest("Dataset", namespace))
    assert "not met" in kubectl("wait", "--for=condition=Ready", "--timeout=0s", "dset/flights")
    api.replace_status(full("Dataset", stored))
    assert "condition met" in kubectl("wait", "--for=condition=Ready", "--timeout=10s", "dset/flights")


def test_deployment_is_scaled_like_any_other(api: Api, namespace: str, kubectl: Kubectl) -> None:
    sent = manifest("ModelDeployment", namespace)
    api.replace_status(full("ModelDeployment", api.create(sent)))
    assert "scaled" in kubectl("scale", "mdep/flights", "--replicas=5")
    scale = api.scale(sent)
    assert scale["spec"]["replicas"] == 5
    assert scale["status"] == {"replicas": 2, "selector": "modelward.dev/deployment=flights"}


def test_deployment_without_replicas_is_scaled_and_no_gitops_tool_takes_it_back(
    api: Api, namespace: str, kubectl: Kubectl
) -> None:
    """What the API server filled in is nobody's: the next who says it owns it, and those who leave it out leave it."""
    text = json.dumps(manifest("ModelDeployment", namespace))
    for apply, diff in ((["apply"], ["diff"]), (["apply", "--server-side"], ["diff", "--server-side"])):
        kubectl("delete", "mdep/flights", "--ignore-not-found")
        kubectl(*apply, "--filename=-", stdin=text)
        assert api.scale(manifest("ModelDeployment", namespace))["spec"] == {"replicas": 1}
        assert "scaled" in kubectl("scale", "mdep/flights", "--replicas=4")
        assert kubectl(*diff, "--filename=-", stdin=text) == ""
        kubectl(*apply, "--filename=-", stdin=text)
        assert api.scale(manifest("ModelDeployment", namespace))["spec"] == {"replicas": 4}


def test_explain_tells_fields_and_their_defaults(kubectl: Kubectl) -> None:
    told = kubectl("explain", "mdep.spec.rollout.bakeTime")
    assert "stays warm" in " ".join(told.split())
    assert 'Default: "30m"' in " ".join(told.split())


def test_crds_may_be_applied_again_by_plain_kubectl(crds: list[Manifest], kubectl: Kubectl) -> None:
    for crd in crds:
        text = yaml.safe_dump(crd)
        kubectl("apply", "--filename=-", stdin=text)
        assert "unchanged" in kubectl("apply", "--filename=-", stdin=text)


def test_object_applied_again_is_unchanged(namespace: str, kubectl: Kubectl) -> None:
    for kind in KINDS:
        text = json.dumps(manifest(kind, namespace))
        assert "created" in kubectl("apply", "--filename=-", stdin=text)
        assert "unchanged" in kubectl("apply", "--filename=-", stdin=text)
