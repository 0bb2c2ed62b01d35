"""Limits of the ModelDeployment are the server's options."""

from typing import Any

import pytest
from pydantic import ValidationError

from modelward.api.model_deployment import Limits
from modelward.api.resources import Resources
from modelward.decide.revision import revision_of
from modelward_serving.process.options import parse_options

from .test_scoring import template


def server_of(**changes: Any) -> dict[str, Any]:
    found: dict[str, Any] = template(**changes)["spec"]["containers"][0]
    return found


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
