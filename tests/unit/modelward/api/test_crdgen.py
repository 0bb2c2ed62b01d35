"""The files in the repository are what the models say, and the models say it in the API server's dialect."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar

import pytest
import yaml
from pydantic import Field

from modelward.api import KINDS, Dataset, ModelDeployment, RegisteredModel, Resource, TrainingRun
from modelward.api.common import ApiModel, Column, Names, rule, rules
from modelward.api.crdgen import LIMIT_BYTES, as_template, as_yaml, differences, files, main, schema_of

ROOT = Path(__file__).resolve().parents[4]
CRDS = ROOT / "crds"
CHART = ROOT / "charts/modelward/templates/crds"


class Part(ApiModel):
    """A part,
    told on two lines."""

    size: Annotated[float, Field(gt=0, le=10)] = 2.5
    """How large."""


class ThingSpec(ApiModel):
    model_config = rules(rule("has(self.part)", "write part"))
    title: str
    part: Part | None = None
    """The one part."""
    parts: dict[str, Part] = {}
    from_: Annotated[str | None, Field(alias="from", max_length=5)] = None


class Thing(Resource):
    """A thing."""

    NAMES: ClassVar[Names] = Names(kind="Thing", plural="things", short="th")
    COLUMNS: ClassVar[tuple[Column, ...]] = ()
    spec: ThingSpec
    status: Part = Part()


def test_repository_holds_what_the_models_say() -> None:
    assert differences(files(CRDS, CHART)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_crd_stays_small_enough_for_client_side_apply(kind: type[Resource]) -> None:
    assert len(as_yaml(kind).encode()) <= LIMIT_BYTES


@pytest.mark.parametrize("kind", KINDS)
def test_crd_has_neither_references_nor_titles_nor_defaults_but_of_status_and_replicas(kind: type[Resource]) -> None:
    schema = schema_of(kind)
    schema["properties"]["status"].pop("default")
    schema["properties"]["spec"]["properties"].get("replicas", {}).pop("default", None)
    assert [key for node in _schemas(schema) for key in node if key in {"$ref", "$defs", "title", "default"}] == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_text_and_list_of_a_spec_is_bounded(kind: type[Resource]) -> None:
    unbounded = [
        node
        for node in _schemas(schema_of(kind)["properties"]["spec"])
        if (node.get("type") == "string" and not {"maxLength", "enum"} & set(node))
        or (node.get("type") == "array" and "maxItems" not in node)
        or ("additionalProperties" in node and "maxProperties" not in node)
    ]
    assert unbounded == []


@pytest.mark.parametrize("kind", [Dataset, TrainingRun, RegisteredModel, ModelDeployment])
def test_every_field_that_users_write_is_explained(kind: type[Resource]) -> None:
    fields = _fields(schema_of(kind)["properties"]["spec"])
    assert [name for name, node in fields if "description" not in node] == []


def test_optional_model_is_inlined_with_the_words_of_its_field() -> None:
    spec = schema_of(Thing)["properties"]["spec"]
    assert spec["properties"]["part"] == {
        "type": "object",
        "description": "The one part.",
        "properties": {
            "size": {
                "type": "number",
                "description": "How large. Default: 2.5.",
                "minimum": 0,
                "exclusiveMinimum": True,
                "maximum": 10,
            }
        },
    }
    assert spec["properties"]["parts"]["additionalProperties"]["description"] == "A part, told on two lines."


def test_field_called_title_is_kept_and_wire_names_are_used() -> None:
    spec = schema_of(Thing)["properties"]["spec"]
    assert spec["properties"]["title"] == {"type": "string"}
    assert spec["properties"]["from"] == {"type": "string", "maxLength": 5}
    assert spec["required"] == ["title"]


def test_rules_of_a_model_are_kept() -> None:
    spec = schema_of(Thing)["properties"]["spec"]
    assert spec["x-kubernetes-validations"] == [{"rule": "has(self.part)", "message": "write part"}]


def test_template_differs_from_the_crd_by_its_switches_only() -> None:
    directives = ("{{-", "  {{-")
    plain = [line for line in as_template(KINDS[0]).splitlines() if not line.startswith(directives)]
    added = ["  annotations:", "    helm.sh/resource-policy: keep"]
    assert [line for line in plain if line not in added] == as_yaml(KINDS[0]).splitlines()


def test_check_fails_and_changes_nothing_where_a_file_differs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _run(monkeypatch, str(tmp_path))
    edited, old = tmp_path / "datasets.yaml", tmp_path / "old.yaml"
    edited.write_text("edited")
    old.write_text("of a kind that is gone")
    with pytest.raises(SystemExit, match=r"datasets\.yaml, .*old\.yaml; run `make crds`"):
        _run(monkeypatch, "--check", str(tmp_path))
    assert edited.read_text() == "edited"
    _run(monkeypatch, str(tmp_path))
    assert not old.exists()
    assert yaml.safe_load(edited.read_text())["spec"]["names"]["kind"] == "Dataset"
    _run(monkeypatch, "--check", str(tmp_path))


def _run(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr("sys.argv", ["crdgen", *words])
    main()


def _fields(node: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for schema in _schemas(node):
        yield from schema.get("properties", {}).items()


def _schemas(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("properties", {}).values():
        yield from _schemas(child)
    for key in ("items", "additionalProperties"):
        if key in node:
            yield from _schemas(node[key])
