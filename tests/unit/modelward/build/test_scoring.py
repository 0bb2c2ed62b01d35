"""What a scoring pod asks of its node."""

from typing import Any

import pytest
from pydantic import ValidationError

from modelward.api.model_deployment import Limits, ServingRevision
from modelward.api.training_run import Resources
from modelward.build.scoring import scoring_deployment
from modelward.decide.revision import revision_of
from modelward.settings import Settings
from modelward_serving.process.options import parse_options

OWNER = {
    "apiVersion": "modelward.dev/v1alpha1",
    "kind": "ModelDeployment",
    "metadata": {"name": "flights", "namespace": "team", "uid": "1"},
}


def server_of(**changes: Any) -> dict[str, Any]:
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
    found: dict[str, Any] = made["spec"]["template"]["spec"]["containers"][0]
    return found


def resources_of_server(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = server_of(**changes)["resources"]
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


def test_limits_of_the_spec_become_options_of_the_server_and_a_revision_of_their_own() -> None:
    limits = Limits(json_size="16Mi", receive_seconds=60, rows=50_000)
    args = server_of(limits=limits)["args"]
    assert args[-6:] == ["--max-json-bytes", "16Mi", "--max-receive-seconds", "60", "--max-rows", "50000"]
    told = parse_options(args).limits
    assert (told.json_bytes, told.body_bytes, told.receive_seconds, told.rows) == (16 << 20, 64 << 20, 60, 50_000)
    assert not [arg for arg in server_of()["args"] if arg.startswith("--max")]


def test_revision_is_hashed_as_before_where_no_limits_are_stated() -> None:
    digest = "sha256:" + "0" * 64
    assert revision_of(digest, Resources(), "scoring:1") == "293e7cf454"
    assert revision_of(digest, Resources(), "scoring:1", limits=Limits()) == "293e7cf454"
    assert revision_of(digest, Resources(), "scoring:1", limits=Limits(rows=10_000)) != "293e7cf454"


@pytest.mark.parametrize("size", ["1", "512Ki", "64Mi", "1024Mi", "1999Mi", "2Gi"])
def test_size_that_the_api_takes_is_one_that_the_server_takes(size: str) -> None:
    args = server_of(limits=Limits(body_size=size))["args"]
    assert parse_options(args).limits.body_bytes > 0


@pytest.mark.parametrize("size", ["0", "8MB", "3Gi", "2000Mi", "1.5Gi", "500m", "-1", ""])
def test_size_that_the_server_would_refuse_is_refused_by_the_api(size: str) -> None:
    with pytest.raises(ValidationError):
        Limits(body_size=size)
