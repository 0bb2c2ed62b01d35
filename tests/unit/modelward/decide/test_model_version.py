"""Where a ModelVersion serves, as the ModelDeployments tell it."""

from typing import Any

import pytest

from modelward.api import ModelDeployment, ModelVersion
from modelward.build.version_counter import LAST, last_number
from modelward.decide.model_version import ModelVersionObserved, decide

from .simulated import SETTINGS, START, version

VERSION: ModelVersion = version(2)


def deployment(name: str, **status: Any) -> ModelDeployment:
    metadata, spec = {"name": name, "namespace": "ns"}, {"modelRef": {"name": "flights"}}
    return ModelDeployment.model_validate({"metadata": metadata, "spec": spec, "status": status})


def revision(model_version: str) -> dict[str, Any]:
    return {
        "revision": "abc",
        "modelVersion": model_version,
        "version": 2,
        "digest": VERSION.spec.digest,
        "image": "scoring:1",
        "since": "2026-01-01T00:00:00Z",
    }


def rejected(model_version: str) -> dict[str, Any]:
    return revision(model_version) | {"retry": 0, "reason": "Errors", "message": "", "time": "2026-01-02T00:00:00Z"}


def roles(*deployments: ModelDeployment) -> list[tuple[str, str]]:
    plan = decide(ModelVersionObserved(VERSION, deployments), SETTINGS, START)
    assert plan.status
    return [(each["deployment"], each["role"]) for each in plan.status.wire()["deployments"]]


@pytest.mark.parametrize(
    ("status", "role"),
    [
        ({"stable": revision("flights-2")}, "Stable"),
        ({"candidate": revision("flights-2"), "stable": revision("flights-1")}, "Candidate"),
        ({"verdicts": [rejected("flights-2")], "stable": revision("flights-1")}, "Rejected"),
        ({"verdicts": [rejected("flights-2")], "stable": revision("flights-2")}, "Stable"),
    ],
)
def test_role_in_a_deployment_is_shown(status: dict[str, Any], role: str) -> None:
    assert roles(deployment("flights", **status)) == [("flights", role)]


def test_number_is_remembered_once_and_never_lowered() -> None:
    plan = decide(ModelVersionObserved(VERSION), SETTINGS, START)
    (created,) = plan.creates
    assert (created["metadata"]["name"], last_number(created)) == ("modelward-flights-versions", 2)

    def raised(before: str) -> tuple[object, ...]:
        counter = {**created, "metadata": created["metadata"] | {"resourceVersion": "7"}, "data": {LAST: before}}
        return decide(ModelVersionObserved(VERSION, counter=counter), SETTINGS, START).applies

    assert raised("2") == raised("9") == ()
    (applied,) = raised("1")
    assert isinstance(applied, dict)
    assert (last_number(applied), applied["metadata"]["resourceVersion"]) == (2, "7")


def test_deployment_of_other_versions_is_not_shown() -> None:
    assert roles(deployment("flights", stable=revision("flights-1"))) == []


def test_deployments_are_shown_in_the_order_of_their_names() -> None:
    found = [deployment(name, stable=revision("flights-2")) for name in ("b", "a")]
    assert roles(*found) == [("a", "Stable"), ("b", "Stable")]


def test_version_without_gates_is_verified() -> None:
    plan = decide(ModelVersionObserved(VERSION), SETTINGS, START)
    assert plan.status
    assert plan.status.is_true("Verified")
    assert plan.status.is_true("Ready")
