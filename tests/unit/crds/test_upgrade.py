"""The CRDs take what the last landed ones took: schemas only grow, and what is required or forbidden only shrinks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import landed
from localcluster import paths

Schema = dict[str, Any]

ENGINE = (
    "!has(self.engine) || has(self.script) || has(self.container)",
    "!has(self.engine) || !(has(self.search) || has(self.checkpoint))",
    "!has(self.engine) || !has(self.pod) || !(has(self.pod.priorityClassName) || has(self.pod.runtimeClassName))",
)
IMMUTABLE = (
    *("datasetRef", "estimator", "script", "container", "parameters", "search", "gates", "evaluation", "resources"),
    *("stepResources", "pod", "seed", "activeDeadlineSeconds", "backoffLimit", "checkpoint", "tests", "engine"),
    *("retrain", "ttlSecondsAfterFinished", "modelName", "__import__", "reproduce", "cause", "sample"),
)
"""All that was immutable, and engine."""


def _listed(of: str) -> str:
    return ", ".join(f"dyn({of}).?{field}" for field in IMMUTABLE)


STRICTER: dict[str, str] = {
    **{
        f"{path}: rule {rule}": "engine is new, and nobody has stored one"
        for path in ("registeredmodels.spec.run", "trainingruns.spec")
        for rule in ENGINE
    },
    f"trainingruns.spec: rule [{_listed('self')}] == [{_listed('oldSelf')}]": "the same of engine",
}
"""What was taken on purpose, as the test names it, and why nobody can have it stored."""

UPPER = ("maxLength", "maxItems", "maxProperties", "maximum")
LOWER = ("minLength", "minItems", "minProperties", "minimum")
SAME = (
    "type",
    "pattern",
    "format",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-int-or-string",
)


def crds(folder: Path) -> dict[str, Schema]:
    return {path.stem: yaml.safe_load(path.read_text())["spec"] for path in sorted(folder.glob("*.yaml"))}


@pytest.fixture(scope="module")
def before() -> dict[str, Schema]:
    return crds(landed.repository() / "crds")


def test_kinds_keep_their_names_and_all_that_they_took(before: dict[str, Schema]) -> None:
    now = crds(paths.REPOSITORY / "crds")
    found = [line for name, old in before.items() for line in less(name, old, now.get(name))]
    assert sorted(set(found) - STRICTER.keys()) == []
    assert sorted(STRICTER.keys() - set(found)) == [], "no longer so: take it out of STRICTER"


def less(name: str, old: Schema, new: Schema | None) -> Iterator[str]:
    """What the new CRD no longer does."""
    if new is None:
        yield f"{name}: gone"
        return
    if new["scope"] != old["scope"] or any(old["names"][key] != new["names"].get(key) for key in old["names"]):
        yield f"{name}: names or scope"
    versions = {version["name"]: version for version in new["versions"]}
    for version in old["versions"]:
        later = versions.get(version["name"], {"served": False})
        if not later["served"]:
            yield f"{name}: version {version['name']} is not served"
            continue
        if not version.get("subresources", {}).keys() <= later.get("subresources", {}).keys():
            yield f"{name}: a subresource"
        yield from narrower(name, version["schema"]["openAPIV3Schema"], later["schema"]["openAPIV3Schema"])


def narrower(path: str, old: Schema, new: Schema) -> Iterator[str]:
    """Where the new schema refuses what the old one took, or forgets it."""
    yield from (f"{path}: {key}" for key in SAME if key in new and new[key] != old.get(key))
    yield from (f"{path}: {key}" for key in UPPER if key in new and new[key] < old.get(key, float("inf")))
    yield from (f"{path}: {key}" for key in LOWER if key in new and new[key] > old.get(key, 0))
    yield from (f"{path}: requires {name}" for name in set(new.get("required", ())) - set(old.get("required", ())))
    if "enum" in new:
        yield from (
            f"{path}: {value} is no longer allowed"
            for value in old.get("enum", ["anything"])
            if value not in new["enum"]
        )
    known = {rule["rule"] for rule in old.get("x-kubernetes-validations", ())}
    yield from (
        f"{path}: rule {rule['rule']}" for rule in new.get("x-kubernetes-validations", ()) if rule["rule"] not in known
    )
    yield from _below(path, old, new)


def _below(path: str, old: Schema, new: Schema) -> Iterator[str]:
    open_ended = new.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in new
    for name, schema in old.get("properties", {}).items():
        if name in new.get("properties", {}):
            yield from narrower(f"{path}.{name}", schema, new["properties"][name])
        elif not open_ended:
            yield f"{path}.{name}: gone"
    for key in ("items", "additionalProperties"):
        if isinstance(old.get(key), dict):
            if isinstance(new.get(key), dict):
                yield from narrower(f"{path}[]", old[key], new[key])
            elif not new.get(key):
                yield f"{path}[]: gone"


OBJECT = {"type": "object", "properties": {"a": {"type": "string", "maxLength": 9}, "b": {"enum": ["X", "Y"]}}}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"a": {"type": "integer"}}, ["o.a: type"]),
        ({"a": {"type": "string", "maxLength": 8}}, ["o.a: maxLength"]),
        ({"a": {"type": "string", "minLength": 1}}, ["o.a: minLength"]),
        ({"a": {"type": "string", "pattern": "^a"}}, ["o.a: pattern"]),
        ({"b": {"enum": ["X", "Z"]}}, ["o.b: Y is no longer allowed"]),
        ({"a": {"type": "string", "x-kubernetes-validations": [{"rule": "self != ''"}]}}, ["o.a: rule self != ''"]),
        ({"a": {"type": "string"}, "b": {}, "c": {"type": "string"}}, []),
    ],
)
def test_what_is_narrower_is_told_by_its_field(change: Schema, told: list[str]) -> None:
    changed = OBJECT | {"properties": OBJECT["properties"] | change}  # type: ignore[operator]
    assert list(narrower("o", OBJECT, changed)) == told


def test_what_is_gone_or_newly_required_is_told() -> None:
    without = OBJECT | {"properties": {"a": OBJECT["properties"]["a"]}, "required": ["a"]}  # type: ignore[index]
    assert list(narrower("o", OBJECT, without)) == ["o: requires a", "o.b: gone"]
