"""Every value does something, is told in the README, and is refused where it is of another type."""

import json
from typing import Any

import jsonschema
import pytest
import yaml

from charts.conftest import CHART, Chart, manifests
from release.chart_readme import Value, table, values

ALL = [value for value in values((CHART / "values.yaml").read_text()) if value.default is not None]
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
OWN_KEY = "signing.existingSecret=own-key"
"""A chart that makes a key renders something else each time."""

OTHER: dict[str, tuple[str, ...]] = {
    "images.registry": ("registry.example.com",),
    "images.tag": ("v2",),
    "images.pullPolicy": ("Always",),
    "images.pullSecrets": ("{pull}",),
    "images.operator": ("operator:2",),
    "images.training": ("training:2",),
    "images.scoring": ("scoring:2",),
    "images.script": ("script:2",),
    "watchNamespaces": ("{team-a}",),
    "store.url": ("s3://models",),
    "store.endpoint": ("https://s3.example.com",),
    "store.region": ("eu-1",),
    "store.size": ("20Gi",),
    "store.class": ("fast",),
    "store.accessMode": ("ReadWriteMany",),
    "store.secretName": ("store",),
    "store.collection.schedule": ("@weekly",),
    "store.collection.grace": ("48h",),
    "store.collection.records": ("1h",),
    "store.collection.dryRun": ("true",),
    "sources.secrets": ("false",),
    "sources.allowLocalAddresses": ("true",),
    "signing.existingSecret": ("another-key",),
    "crds.enabled": ("false",),
    "crds.keep": ("false",),
    "rbac.create": ("false",),
    "rbac.aggregate": ("false",),
    "rbac.roles": ("false",),
    "serviceAccount.create": ("false", "serviceAccount.name=modelward"),
    "serviceAccount.name": ("another",),
    "serviceAccount.annotations": (".role=ingest",),
    "commonLabels": (".team=ml",),
    "operator.resources": (".limits.cpu=2",),
    "operator.podAnnotations": (".a=b",),
    "operator.podLabels": (".a=b",),
    "operator.nodeSelector": (".disk=ssd",),
    "operator.tolerations": ("[0].operator=Exists",),
    "operator.affinity": (".nodeAffinity.x=y",),
    "operator.priorityClassName": ("high",),
    "jobs.resources.ingest": (".limits.cpu=2",),
    "jobs.resources.fetch": (".limits.cpu=2",),
    "jobs.resources.train": (".limits.cpu=2",),
    "jobs.resources.publish": (".limits.cpu=2",),
    "jobs.resources.small": (".limits.cpu=2",),
    "jobs.pod": (".priorityClassName=low",),
    "engines.trainJob": ("true",),
    "engines.volume.size": ("1Ti",),
    "engines.volume.class": ("nfs",),
    "engines.volume.accessMode": ("ReadWriteOnce",),
    "scoring.pod": (".priorityClassName=high",),
    "allowedServiceAccounts": ("{reader}",),
    "allowedScoringRepositories": ("{registry.example.com/scoring}",),
    "actions.verified": ("true",),
    "network.ipFamilyPolicy": ("SingleStack",),
    "network.ipFamilies": ("{IPv6}",),
    "scrape.rolloutSeconds": ("1",),
    "scrape.restSeconds": ("30",),
    "prometheus.servers": ("[0].name=a", "prometheus.servers[0].url=http://prometheus:9090"),
    "metrics.port": ("9100",),
    "metrics.service": ("false",),
    "networkPolicy.enabled": ("false",),
    "networkPolicy.restrictEgress": ("true",),
    "networkPolicy.apiServerPorts": ("{8443}",),
    "networkPolicy.models": ("true",),
    "networkPolicy.clients": ("[0].podSelector.matchLabels.app=shop",),
    "networkPolicy.metricsFrom": ("[0].namespaceSelector.matchLabels.name=monitoring",),
    "clusterDomain": ("example.local",),
    "nameOverride": ("another",),
    "fullnameOverride": ("another",),
}
"""What each is set to, and what else is then to be said."""
WITHOUT_CRDS = ("crds.enabled=false",)
"""They are long."""
BESIDES: dict[str, tuple[str, ...]] = {
    "engines.volume.size": ("engines.trainJob=true",),
    "engines.volume.class": ("engines.trainJob=true",),
    "engines.volume.accessMode": ("engines.trainJob=true",),
    "networkPolicy.apiServerPorts": ("networkPolicy.restrictEgress=true",),
    "networkPolicy.models": ("watchNamespaces={team-a}",),
    "networkPolicy.clients": ("watchNamespaces={team-a}", "networkPolicy.models=true"),
}
"""What has to be set for it to matter."""


@pytest.mark.parametrize("path", [value.path for value in ALL])
def test_value_changes_what_is_rendered(chart: Chart, path: str) -> None:
    first, *more = OTHER[path]
    setting = f"{path}{first}" if first.startswith((".", "[")) else f"{path}={first}"
    besides = (OWN_KEY, *BESIDES.get(path, () if path.startswith("crds.") else WITHOUT_CRDS))
    before, after = chart.template(*besides), chart.template(*besides, setting, *more)
    assert before.ok, before.out
    assert after.ok, after.out
    assert before.out != after.out


def test_every_object_has_the_common_labels_but_the_crds(chart: Chart) -> None:
    values = (OWN_KEY, "commonLabels.team=ml", "watchNamespaces={team-a}", "networkPolicy.models=true")
    rendered = manifests(chart.template(*values, hooks=True).out)
    without = {found["kind"] for found in rendered if found["metadata"].get("labels", {}).get("team") != "ml"}
    assert without == {"CustomResourceDefinition"}
    (deployment,) = (each["spec"] for each in rendered if each["kind"] == "Deployment")
    assert deployment["template"]["metadata"]["labels"]["team"] == "ml"
    assert "team" not in deployment["selector"]["matchLabels"], "selectors can never change"


def test_labels_of_the_chart_are_its_own(chart: Chart) -> None:
    done = chart.template(r"commonLabels.app\.kubernetes\.io/name=mine")
    assert not done.ok
    assert "'/commonLabels/app.kubernetes.io~1name'" in done.out


@pytest.mark.parametrize("value", ALL, ids=[value.path for value in ALL])
def test_value_of_another_type_is_refused_by_its_name(value: Value) -> None:
    wrong: Any = {"a": 1} if not isinstance(value.default, dict) else "text"
    place = value.path.split(".")
    nested: Any = wrong
    for key in reversed(place):
        nested = {key: nested}
    errors = jsonschema.Draft7Validator(SCHEMA).iter_errors(nested)
    assert {tuple(error.absolute_path) for error in errors} == {tuple(place)}


def test_values_and_schema_know_the_same() -> None:
    known = {"global"} | {value.path for value in ALL}
    assert set(_leaves(SCHEMA, known)) == known
    jsonschema.validate(yaml.safe_load((CHART / "values.yaml").read_text()), SCHEMA)


def test_readme_tells_of_every_value() -> None:
    text = (CHART / "values.yaml").read_text()
    assert table(text) in (CHART / "README.md").read_text(), "run `make chart-readme`"
    assert yaml.safe_load(text) == _nested(ALL)


def test_value_without_a_comment_is_not_taken_for_told() -> None:
    with pytest.raises(SystemExit, match=r"a\.c has no comment"):
        list(values("# About a.\na:\n  # About b.\n  b: 1\n  c: 2\n"))


def _leaves(schema: dict[str, Any], known: set[str], path: str = "") -> list[str]:
    """Of a schema, without what lies below a value."""
    below = {} if path in known else schema.get("properties", {})
    return [leaf for key in below for leaf in _leaves(below[key], known, f"{path}.{key}".lstrip("."))] or [path]


def _nested(found: list[Value]) -> dict[str, Any]:
    """As YAML reads them: what the table's own reader has understood."""
    nested: dict[str, Any] = {}
    for value in found:
        *place, last = value.path.split(".")
        node = nested
        for key in place:
            node = node.setdefault(key, {})
        node[last] = value.default
    return nested
