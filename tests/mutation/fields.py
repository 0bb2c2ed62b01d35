"""Every field that a user may write, by the generated schema, and values to write there: others that are right, those
at the bounds, and hostile ones. What the server makes of them is for the server to say."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from localcluster import paths

Schema = dict[str, Any]
Path = tuple[str | int, ...]
ABSENT = object()

_POOL = (
    *("other", "flights", "a", "10m", "600s", "1h", "0s", "Latest", "1", "2", "500m", "0.5", "1Gi", "64Mi", "25%"),
    *("@daily", "30 3 * * *", "Europe/Berlin", ";", ",", "x-user", "s3://bucket/2013-*.csv", "https://example.com/a"),
    *("SELECT * FROM source", "registry.example.com/team/image:1", "refs/heads/main", "0" * 40, "sha256:" + "a" * 64),
    *("modelward.dev/note", "kubernetes.io/hostname", "sum(rate(errors[5m]))", "id,late\n1,0\n2,1\n", "a b"),
)
_HOSTILE = ("", "Ünïcødé 🚀", "../../etc/passwd", "{{ x }}", "'; DROP TABLE x; --", "\u202e\u0000", "x" * 5000)
_MOST_WORDS = 3


class Field(NamedTuple):
    path: Path
    schema: Schema
    required: bool

    @property
    def name(self) -> str:
        """`spec.rollout.steps[].weight`."""
        return "spec" + "".join("[]" if isinstance(step, int) else f".{step}" for step in self.path)


def schema_of(plural: str) -> Schema:
    found = yaml.safe_load((paths.REPOSITORY / f"crds/{plural}.yaml").read_text())
    schema: Schema = found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return schema


def fields(schema: Schema, path: Path = ()) -> Iterator[Field]:
    for name, below in schema.get("properties", {}).items():
        yield Field((*path, name), below, name in schema.get("required", ()))
        yield from fields(below, (*path, name))
    if isinstance(items := schema.get("items"), dict):
        yield Field((*path, 0), items, False)
        yield from fields(items, (*path, 0))
    if isinstance(values := schema.get("additionalProperties"), dict):
        yield Field((*path, "other"), values, False)


def values(schema: Schema) -> list[Any]:
    """Right ones first."""
    if "enum" in schema:
        return [*schema["enum"], "NoSuchWord", ""]
    match schema.get("type"):
        case "boolean":
            return [True, False, "yes"]
        case "integer" | "number":
            return _numbers(schema)
        case "string":
            return [*_words(schema), "x" * (schema.get("maxLength", 5000) + 1), *_HOSTILE, 7]
        case "array":
            one = example(schema["items"])
            many = [one] * (schema.get("maxItems", 200) + 1)
            return [[one], [], many, [one, one], "none"]
        case "object":
            return [example(schema), {}, {"noSuchField": 1}, []]
        case _:
            return [1, 2, "1", "25%", "Latest", "0.1", "100m", True, False, 0, -1, 10**30, "", {"a": 1}, [1]]


def _numbers(schema: Schema) -> list[Any]:
    low, high = schema.get("minimum", 0), schema.get("maximum", 2**31)
    near: list[Any] = [low + 1, low, high, low - 1, high + 1, -1, 2**53, 10**25, "7"]
    return [*near, 0.5, 1e-9] if schema["type"] == "number" else near


def _words(schema: Schema) -> list[str]:
    """Of different kinds: those that its pattern takes, up to the longest."""
    longest = schema.get("maxLength", 5000)
    pattern = re.compile(schema.get("pattern", ""), re.ASCII)
    found = [word for word in _POOL if len(word) <= longest and pattern.search(word)]
    whole = [word for word in ("a" * longest,) if pattern.search(word)]
    return [*found[:_MOST_WORDS], *whole]


def example(schema: Schema) -> Any:
    """The least that its structure asks for."""
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            required = schema.get("required", ())
            return {name: example(schema["properties"][name]) for name in required}
        case "array":
            return [example(schema["items"])] * schema.get("minItems", 0)
        case "boolean":
            return True
        case "integer" | "number":
            return max(1, schema.get("minimum", 0))
        case "string":
            return next(iter(_words(schema)), "")
        case _:
            return 1


def changed(spec: Any, schema: Schema, path: Path, value: Any) -> Any:
    """A copy with the value there, and what its parents need where they are not there yet."""
    if not path:
        return value
    step, *rest = path
    below = schema["items"] if isinstance(step, int) else schema.get("properties", {}).get(step)
    below = below or schema.get("additionalProperties") or {}
    if isinstance(step, int):
        items = list(spec or ()) or [example(below)]
        if value is ABSENT and not rest:
            return items[1:]
        items[step] = changed(items[step], below, tuple(rest), value)
        return items
    found = {**(spec or {})}
    if value is ABSENT and not rest:
        found.pop(step, None)
        return found
    start = found.get(step, example(below) if rest else None)
    found[step] = changed([] if start is None and below.get("type") == "array" else start, below, tuple(rest), value)
    return found
