"""Writes the CRDs from the models, so that what users may write and what the operator reads cannot differ.

python -m modelward.api.crdgen [--check] crds/ [--chart charts/modelward/templates/crds]

The schemas are structural: references inlined, no titles, no unions with null. Defaults are told in the descriptions
only, because what the API server fills in is no longer what the user wrote (but spec.replicas, which autoscalers read).
What describes one plain value stands on one line, because half of a file would be the space before its lines.
Two things are added that no model says: the rules for metadata.name, and the status that a resource shows until the
operator has seen it; that one has no time, because nobody can know it beforehand.
"""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema, to_jsonable_python

from modelward.api import GROUP, KINDS, VERSION
from modelward.api.common import SERVER_DEFAULT, Column, Resource, rule

Schema = dict[str, Any]

LIMIT_BYTES = 100 * 1024
"""`kubectl apply` keeps a second copy in an annotation, which may hold 256 KiB."""

FIRST_STATUS: Schema = {
    "conditions": [
        {
            "type": "Ready",
            "status": "Unknown",
            "reason": "Pending",
            "message": "Waiting for the operator",
        }
    ]
}
_SOURCE = "# Written by `make crds` from operator/modelward/api: change it there.\n"
_CHART_HEAD = "{{- if .Values.crds.enabled }}\n"
_CHART_KEEP = """metadata:
  {{- if .Values.crds.keep }}
  annotations:
    helm.sh/resource-policy: keep
  {{- end }}
"""
_CHART_TAIL = "{{- end }}\n"


class _WithoutNull(GenerateJsonSchema):
    """An optional field may be left out; it is never null."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def encode_default(self, dft: Any) -> Any:
        return to_jsonable_python(dft, by_alias=True, exclude_none=True)


def crd(kind: type[Resource]) -> Schema:
    """The CustomResourceDefinition of one kind."""
    names = kind.NAMES
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{names.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": names.kind,
                "listKind": f"{names.kind}List",
                "plural": names.plural,
                "singular": names.singular,
                "shortNames": [names.short],
                "categories": ["modelward"],
            },
            "scope": "Namespaced",
            "versions": [_version(kind)],
        },
    }


def _version(kind: type[Resource]) -> Schema:
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "additionalPrinterColumns": [_column(column) for column in kind.COLUMNS],
        "schema": {"openAPIV3Schema": schema_of(kind)},
        "subresources": {"status": {}} | ({"scale": _SCALE} if kind.SCALE else {}),
    }


_SCALE = {
    "specReplicasPath": ".spec.replicas",
    "statusReplicasPath": ".status.replicas",
    "labelSelectorPath": ".status.selector",
}


def _column(column: Column) -> Schema:
    found = {"name": column.name, "type": column.type, "jsonPath": column.path}
    return found | ({"priority": column.priority} if column.priority else {})


def schema_of(kind: type[Resource]) -> Schema:
    """The structural schema of one kind."""
    document = kind.model_json_schema(by_alias=True, schema_generator=_WithoutNull)
    models = document.get("$defs", {})
    found = {name: _structural(document["properties"][name], models) for name in ("spec", "status")}
    found["status"]["default"] = FIRST_STATUS
    return {
        "description": _one_line(document["description"]),
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            **found,
        },
        "x-kubernetes-validations": _name_rules(kind),
    }


def _name_rules(kind: type[Resource]) -> list[dict[str, str]]:
    limit, form = kind.NAME_LIMIT, kind.NAME_FORM
    return [
        rule(
            f"self.metadata.name.size() <= {limit}",
            f"metadata.name must have at most {limit} characters: names of other objects and labels are made of it",
        ),
        rule(f"self.metadata.name.matches('{form.pattern}')", f"metadata.name must be {form.words}"),
    ]


def _structural(node: Schema, models: Schema) -> Schema:
    """The node without references, titles and defaults, and so everything below it."""
    node = dict(node)
    if reference := node.pop("$ref", None):
        node = models[reference.rpartition("/")[2]] | node
    dropped = ("title", "default", "anyOf" if "x-kubernetes-int-or-string" in node else "")
    found = {key: value for key, value in node.items() if key not in dropped}
    if "const" in found:
        found["enum"] = [found.pop("const")]  # which OpenAPI 3.0 has in place of it
    if SERVER_DEFAULT in found:
        found["default"] = found.pop(SERVER_DEFAULT)
    if text := _description(node):
        found["description"] = text
    if not found.get("properties", True):
        del found["properties"]  # as the API server keeps it
    if "properties" in found:
        found["properties"] = {name: _structural(child, models) for name, child in found["properties"].items()}
    for key in ("items", "additionalProperties"):
        if key in found:
            found[key] = _structural(found[key], models)
    return _bounds_of_openapi(found)


def _description(node: Schema) -> str:
    default = node.get("default")
    told = f"Default: {json.dumps(default, ensure_ascii=False)}." if default and not isinstance(default, dict) else ""
    return _one_line(f"{node.get('description', '')} {told}")


def _bounds_of_openapi(schema: Schema) -> Schema:
    """OpenAPI 3.0 has exclusive bounds as a flag, JSON Schema as the bound itself."""
    for bound in ("minimum", "maximum"):
        flag = f"exclusive{bound.capitalize()}"
        if flag in schema:
            schema |= {bound: schema[flag], flag: True}
    return schema


def _one_line(text: str) -> str:
    return " ".join(text.split())


def as_yaml(kind: type[Resource]) -> str:
    """The file under crds/. By way of JSON, because YAML would name and repeat what two fields share."""
    plain = json.loads(json.dumps(crd(kind)))
    return _SOURCE + yaml.dump(plain, Dumper=_Layout, sort_keys=False, width=120, allow_unicode=True)


class _Layout(yaml.SafeDumper):
    """One line for a list of plain values, and for a map that gives a type and is no more than that."""


def _map(dumper: yaml.SafeDumper, found: Schema) -> yaml.Node:
    return dumper.represent_mapping(_MAP, found.items(), flow_style="type" in found and _plain(found.values()))


def _list(dumper: yaml.SafeDumper, found: list[Any]) -> yaml.Node:
    return dumper.represent_sequence(_LIST, found, flow_style=_plain(found))


def _plain(values: Iterable[Any]) -> bool:
    return not any(isinstance(value, dict | list) for value in values)


_MAP, _LIST = "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"
_Layout.add_representer(dict, _map)
_Layout.add_representer(list, _list)


def as_template(kind: type[Resource]) -> str:
    """The same in the chart: Helm upgrades a template, and nothing in its own crds/ folder."""
    text = as_yaml(kind)
    assert "{{" not in text, f"{kind.__name__}: two opening braces in a text would be read by Helm"
    return _CHART_HEAD + text.replace("metadata:\n", _CHART_KEEP, 1) + _CHART_TAIL


def files(crds: Path, chart: Path | None = None) -> dict[Path, str]:
    """Every file that this module writes, and its text."""
    found = {crds / f"{kind.NAMES.plural}.yaml": as_yaml(kind) for kind in KINDS}
    if chart:
        found |= {chart / f"{kind.NAMES.plural}.yaml": as_template(kind) for kind in KINDS}
    return found


def differences(wanted: dict[Path, str]) -> list[Path]:
    """Files that are missing, are not as they would be written, or that nothing writes any more."""
    present = {path for folder in {path.parent for path in wanted} for path in folder.glob("*.yaml")}
    changed = {path for path, text in wanted.items() if path not in present or path.read_text() != text}
    return sorted(changed | (present - set(wanted)))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m modelward.api.crdgen", description="Write the CRDs.")
    parser.add_argument("crds", type=Path, help="folder of the CRDs")
    parser.add_argument("--chart", type=Path, help="folder of the same as templates of the chart")
    parser.add_argument("--check", action="store_true", help="change nothing; fail if a file would change")
    arguments = parser.parse_args()
    wanted = files(arguments.crds, arguments.chart)
    stale = differences(wanted)
    if arguments.check and stale:
        raise SystemExit(f"not as the models say: {', '.join(map(str, stale))}; run `make crds`")
    for path in stale:
        _write(path, wanted.get(path))


def _write(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink()
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
