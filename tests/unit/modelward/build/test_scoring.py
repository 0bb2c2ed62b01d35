"""What a scoring pod asks of its node."""

from typing import Any

import pytest

from modelward.api.model_deployment import ServingRevision
from modelward.api.training_run import Resources
from modelward.build.scoring import scoring_deployment
from modelward.settings import Settings

OWNER = {
    "apiVersion": "modelward.dev/v1alpha1",
    "kind": "ModelDeployment",
    "metadata": {"name": "flights", "namespace": "team", "uid": "1"},
}


def resources_of_server(**changes: Any) -> dict[str, Any]:
    revision = ServingRevision(
        revision="0123456789",
        model_version="flights-1",
        version=1,
        digest="sha256:" + "0" * 64,
        image="scoring:1",
        since="2026-01-01T00:00:00Z",
        **changes,
    )
    made = scoring_deployment(OWNER, revision, 1, Settings(training_image="training:1", scoring_image="scoring:1"))
    found: dict[str, Any] = made["spec"]["template"]["spec"]["containers"][0]["resources"]
    return found


@pytest.mark.parametrize(
    ("memory_bytes", "request_", "limit"), [(0, "128Mi", "512Mi"), (300 * 2**20, "428Mi", "1112Mi")]
)
def test_server_without_resources_gets_what_its_model_needs(memory_bytes: int, request_: str, limit: str) -> None:
    wanted = {"requests": {"cpu": "100m", "memory": request_}, "limits": {"memory": limit}}
    assert resources_of_server(memory_bytes=memory_bytes) == wanted


def test_resources_of_the_spec_are_taken_as_they_are() -> None:
    resources = Resources(limits={"memory": "64Mi"})
    assert resources_of_server(memory_bytes=300 * 2**20, resources=resources) == {"limits": {"memory": "64Mi"}}
