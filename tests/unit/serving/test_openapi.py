"""The OpenAPI page is valid, and says of a request what the server says of it."""

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from onnx import TensorProto, helper
from openapi_spec_validator import OpenAPIV31SpecValidator

from .models import BOOL, DOUBLE, FLOAT, INT64, STRING, bare, build
from .processes import Running, serving

FLOAT16, INT8 = TensorProto.FLOAT16, TensorProto.INT8
TRUE_SIZE = re.compile(r'"shape": \[[^]]*true')
"""Python's True is 1, and the server lets it be."""
NAME = "ein Modell/{ü}"


def taken(inputs: dict[str, Any]) -> bytes:
    """Gives back what it takes; of numbers with a point, which JSON may not be able to carry back, whether they are
    there."""
    nodes, outputs = [], {}
    for name, (kind, shape) in inputs.items():
        number = kind in (FLOAT, DOUBLE, FLOAT16)
        nodes.append(helper.make_node("IsNaN" if number else "Identity", [name], [f"{name}_out"]))
        outputs[f"{name}_out"] = (BOOL if number else kind, shape)
    return build(nodes, inputs, outputs, {})


MODELS = {
    "numbers": taken({"f": (FLOAT, ["n", 1]), "d": (DOUBLE, ["n"]), "i": (INT64, ["n", 1]), "small": (INT8, ["n", 1])}),
    "words and flags": taken({"word": (STRING, ["n", 1]), "flag": (BOOL, ["n", 1, 1])}),
    "rows": taken({"x": (FLOAT, ["n", 3]), "words": (STRING, ["n", 2])}),
    "tensors": taken({"image": (FLOAT, ["n", 2, 3]), "half": (FLOAT16, ["n", 2])}),
    "free": taken({"tokens": (INT64, ["n", "m"])}),
    "fixed": taken({"pair": (FLOAT, [2, 3]), "scalar": (FLOAT, [])}),
    "large": taken({"x": (FLOAT, ["n", 2000])}),
}
OTHERS = [None, True, 1, -1, 300, 0.25, 2.0, 1e300, "", "other", [], {}]


@pytest.fixture(scope="module", params=MODELS)
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = bare(tmp_path_factory.mktemp("openapi") / request.param, MODELS[request.param])
    with serving(folder, name=NAME) as running:
        yield running


@pytest.fixture(scope="module")
def described(server: Running) -> Any:
    return httpx.get(f"{server.data}/openapi.json").json()


def test_page_is_valid(described: Any) -> None:
    OpenAPIV31SpecValidator(described).validate()


def test_every_path_is_there(server: Running, described: Any) -> None:
    for path, methods in described["paths"].items():
        for method in methods:
            status = httpx.request(method, server.data + path, content=b"{}").status_code
            assert status != 404, path
            assert status not in (405, 501), path


def test_examples_keep_to_their_schemas_and_are_accepted(server: Running, described: Any) -> None:
    for path, content in bodies(described):
        if example := content.get("example"):
            Draft202012Validator(content["schema"]).validate(example)
            reply = httpx.post(server.data + path, json=example)
            assert reply.status_code == 200, (path, reply.text)


def test_what_breaks_a_schema_is_refused_and_rows_that_keep_to_it_are_accepted(server: Running, described: Any) -> None:
    with httpx.Client(base_url=server.data) as client:
        for path, content in bodies(described):
            schema = Draft202012Validator(content["schema"])
            for body in changed(content.get("example", {})):
                text = json.dumps(body)
                if TRUE_SIZE.search(text):
                    continue
                reply = client.post(path, content=text)
                expected = {400} if not schema.is_valid(body) else {200} if path == "/predict" else {200, 400}
                assert reply.status_code in expected, (path, body, reply.text)


def test_values_that_keep_to_the_schema_of_a_tensor_are_accepted(server: Running, described: Any) -> None:
    """What a schema cannot tell is whether values, shapes and other tensors go together: these stay as they are."""
    path, content = next((path, content) for path, content in bodies(described) if path.endswith("/infer"))
    schema = Draft202012Validator(content["schema"])
    with httpx.Client(base_url=server.data) as client:
        for i, tensor in enumerate(content.get("example", {}).get("inputs", ())):
            for value in (other for other in OTHERS if type(other) is not list):
                body = copy.deepcopy(content["example"])
                body["inputs"][i]["data"] = [value] * len(tensor["data"])
                reply = client.post(path, json=body)
                assert reply.status_code == (200 if schema.is_valid(body) else 400), (body, reply.text)


def changed(body: Any) -> Iterator[Any]:
    """Something else in each place, or nothing, or the same once more."""
    yield from OTHERS
    if isinstance(body, dict):
        for key, value in body.items():
            rest = {other: kept for other, kept in body.items() if other != key}
            yield rest
            yield {**rest, "other": value}
            yield from ({**rest, key: other} for other in changed(value))
    if isinstance(body, list):
        yield body * 2
        for i, value in enumerate(body):
            yield from ([*body[:i], other, *body[i + 1 :]] for other in changed(value))


def bodies(described: Any) -> Iterator[tuple[str, Any]]:
    for path, methods in described["paths"].items():
        if "post" in methods:
            yield path, methods["post"]["requestBody"]["content"]["application/json"]
