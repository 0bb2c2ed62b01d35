"""Every Kubernetes from 1.30 on knows all that the chart renders, and all that the operator makes."""

import json
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from api.manifests import DIGEST, manifest
from api.test_jobs import SETTINGS, ingest, training
from charts.conftest import Chart, manifests
from charts.test_template import VALUES
from modelward.api.model_deployment import DisruptionBudget, ModelDeploymentSpec, ServingRevision
from modelward.build.disruption_budget import disruption_budget
from modelward.build.scoring import scoring_deployment
from modelward.build.service import front_service, revision_service
from modelward.build.store_claim import store_claim

REVISION = ServingRevision(
    revision="0123456789",
    model_version="flights-1",
    version=1,
    digest=DIGEST,
    image="scoring:1",
    since="2026-01-01T00:00:00Z",
)
SCHEMAS = files("kubernetes_validate") / "kubernetes-json-schema"
RELEASES = [f"1.{minor}.0" for minor in range(30, 36)]


@cache
def registry(release: str) -> Registry[Any]:
    text = (SCHEMAS / f"v{release}-local-strict" / "_definitions.json").read_text()
    return Registry().with_resource("_definitions.json", Resource.from_contents(json.loads(text), DRAFT202012))


@cache
def validator(release: str, version: str, kind: str) -> jsonschema.Draft202012Validator:
    """Of one kind; strict: a field that it does not know is an error."""
    group, _, number = version.rpartition("/")
    name = "-".join(filter(None, (kind.lower(), group.partition(".")[0], number)))
    schema = json.loads((SCHEMAS / f"v{release}-local-strict" / f"{name}.json").read_text())
    return jsonschema.Draft202012Validator(schema, registry=registry(release))


def faults(release: str, manifest: dict[str, Any]) -> list[str]:
    found = validator(release, manifest["apiVersion"], manifest["kind"]).iter_errors(manifest)
    name = f"{manifest['kind']} {manifest['metadata']['name']}"
    return [f"{release} {name} {error.json_path}: {error.message}" for error in found]


@pytest.fixture(scope="module")
def rendered(chart: Chart) -> list[dict[str, Any]]:
    """By each set of values, hooks too; the same object once. CRDs take a second each, and one release is enough."""
    texts = [chart.template(*values, hooks=True).out for values in VALUES.values()]
    found = [each for text in texts for each in manifests(text)]
    return list({json.dumps(each, sort_keys=True): each for each in found}.values())


def of_release(release: str, rendered: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for each in rendered if each["kind"] != "CustomResourceDefinition" or release == RELEASES[0]]


def made_by_the_operator() -> list[dict[str, Any]]:
    owner = manifest("ModelDeployment", "team-a", {"metadata.uid": "1"})
    spec = ModelDeploymentSpec.model_validate(owner["spec"])
    return [
        *store_claim("team-a", SETTINGS),
        *ingest(manifest("Dataset", "team-a", {"metadata.uid": "2"})),
        *training(manifest("TrainingRun", "team-a", {"metadata.uid": "3"})),
        scoring_deployment(owner, spec, REVISION, 2, SETTINGS),
        front_service(owner, REVISION, SETTINGS),
        revision_service(owner, REVISION, SETTINGS),
        disruption_budget(owner, REVISION, DisruptionBudget()),
    ]


@pytest.mark.parametrize("release", RELEASES)
def test_release_of_kubernetes_knows_all_that_is_rendered_and_made(
    release: str, rendered: list[dict[str, Any]]
) -> None:
    assert [
        line for each in [*of_release(release, rendered), *made_by_the_operator()] for line in faults(release, each)
    ] == []


def test_field_that_a_release_does_not_know_is_told() -> None:
    service = next(each for each in made_by_the_operator() if each["kind"] == "Service")
    service["spec"]["sessionAfinity"] = "None"
    (fault,) = faults("1.30.0", service)
    assert "sessionAfinity" in fault
