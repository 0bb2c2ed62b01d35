"""The OpenAPI description of one model's routes, from its signature, and a page that shows it without a script.

What breaks a schema is refused, but for what the server forgives: another name or nesting of the same values.
"""

import html
import math
from typing import Any, Protocol
from urllib.parse import quote

import numpy as np
import orjson

from . import predict
from .datatypes import DATATYPES, convertible
from .interface import Interface, TensorSpec, has_rows

_TYPES = {"boolean": "boolean", "integer": "integer", "float": "number", "string": "string"}
_SAMPLES: dict[str, Any] = {"boolean": True, "integer": 1, "float": 0.5, "string": "text"}
MAX_SAMPLE = 1000
"""Values; a longer example helps nobody."""


class Model(Protocol):
    """What is told of a model."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def digest(self) -> str: ...

    @property
    def interface(self) -> Interface: ...


def describe(model: Model, max_rows: int) -> dict[str, Any]:
    route = _route(model)
    paths = {
        f"{route}/infer": {"post": _post("Open Inference Protocol v2", _tensors(model), infer_example(model))},
        route: {"get": _get("Metadata: names, datatypes and shapes")},
        "/v2/health/ready": {"get": _get("200 when the model is ready")},
    }
    if has_rows(model.interface):
        post = _post("Rows of named columns to predictions", _rows(model, max_rows), predict_example(model))
        paths = {predict.PATH: {"post": post}, **paths}
    return {
        "openapi": "3.1.0",
        "info": {"title": model.name, "version": model.version, "description": f"ONNX model {model.digest}"},
        "paths": paths,
    }


def page(model: Model) -> bytes:
    rows = "".join(
        f"<tr><td>{html.escape(spec.title)}<td>{spec.datatype.name}<td>{list(spec.shape)}"
        for spec in model.interface.inputs
    )
    name = html.escape(model.name)
    shown = _shown("/predict", predict_example(model)) if has_rows(model.interface) else ""
    return (
        f"<!doctype html><meta charset=utf-8><title>{name}</title>"
        "<style>body{font:16px sans-serif;max-width:50em;margin:2em auto}td{padding-right:1em}</style>"
        f"<h1>{name} {html.escape(model.version)}</h1><p>{model.digest}{shown}"
        f"<table><tr><th>input<th>type<th>shape{rows}</table>"
        f"<p>The Open Inference Protocol v2:{_shown(f'{_route(model)}/infer', infer_example(model))}"
        "<p><a href=/openapi.json>openapi.json</a>"
    ).encode()


def predict_example(model: Model) -> dict[str, Any] | None:
    """None where it would be too long, as below."""
    specs = model.interface.inputs
    if sum(math.prod(spec.tail) for spec in specs) > MAX_SAMPLE:
        return None
    return {"rows": [{spec.title: _cell(_SAMPLES[spec.datatype.kind], spec) for spec in specs}]}


def infer_example(model: Model) -> dict[str, Any] | None:
    tensors = [_tensor_sample(spec) for spec in model.interface.inputs]
    return {"inputs": tensors} if sum(len(tensor["data"]) for tensor in tensors) <= MAX_SAMPLE else None


def _route(model: Model) -> str:
    return f"/v2/models/{quote(model.name, safe='')}"


def _shown(path: str, example: dict[str, Any] | None) -> str:
    sample = "" if example is None else orjson.dumps(example, option=orjson.OPT_INDENT_2).decode()
    return f"<p><code>POST {path}</code><pre>{html.escape(sample)}</pre>"


def _tensor_sample(spec: TensorSpec) -> dict[str, Any]:
    shape = [1 if size == -1 else size for size in spec.shape]
    data = [_SAMPLES[spec.datatype.kind]] * math.prod(shape)
    return {"name": spec.title, "datatype": _json_datatypes(spec)[0], "shape": shape, "data": data}


def _json_datatypes(spec: TensorSpec) -> list[str]:
    """What a request may declare its JSON values as, the model's own first."""
    names = [name for name, given in DATATYPES.items() if convertible(given, spec.datatype)]
    return sorted(names, key=lambda name: (name != spec.datatype.name, not name.startswith("FP")))


def _cell(value: Any, spec: TensorSpec) -> Any:
    """What a row holds of a column: one value, or lists of them in the tensor's shape."""
    if spec.fixed_row != 1:
        for size in reversed(spec.tail):
            value = [value] * size
    return value


def _rows(model: Model, most: int) -> dict[str, Any]:
    specs = model.interface.inputs
    row = {
        "type": "object",
        "properties": {spec.title: _column(spec) for spec in specs},
        "required": [spec.title for spec in specs if not (_nullable(spec) and spec.fixed_row == 1)],
        "additionalProperties": False,
    }
    rows = {"type": "array", "items": row, "maxItems": most}
    return {"anyOf": [{"type": "object", "properties": {"rows": rows}, "required": ["rows"]}, rows, row]}


def _column(spec: TensorSpec) -> dict[str, Any]:
    schema = _value(spec)
    if spec.fixed_row != 1:
        for size in reversed(spec.tail):
            schema = {"type": "array", "items": schema, "minItems": size, "maxItems": size}
    return schema


def _value(spec: TensorSpec) -> dict[str, Any]:
    datatype = spec.datatype
    kind = _TYPES[datatype.kind]
    schema: dict[str, Any] = {"type": [kind, "null"] if _nullable(spec) else kind}
    bounds: tuple[float, float] | None = datatype.bounds
    if datatype.kind == "float":
        limits = np.finfo(datatype.numpy)
        bounds = float(limits.min), float(limits.max)
    return schema if bounds is None else schema | {"minimum": bounds[0], "maximum": bounds[1]}


def _nullable(spec: TensorSpec) -> bool:
    return spec.datatype.kind in ("float", "string")


def _tensors(model: Model) -> dict[str, Any]:
    specs = model.interface.inputs
    tensors = {"type": "array", "items": {"anyOf": list(map(_tensor, specs))}}
    inputs = tensors | {"minItems": len(specs), "maxItems": len(specs)}
    return {"type": "object", "required": ["inputs"] if specs else [], "properties": {"inputs": inputs}}


def _tensor(spec: TensorSpec) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["name", "shape", "datatype"],
        "properties": {
            "name": {"const": spec.title},
            "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
            "datatype": {"enum": _json_datatypes(spec)},
            "data": {"type": "array", "items": {"anyOf": [_value(spec), {"type": "array"}]}},
        },
    }


def _post(summary: str, schema: dict[str, Any], example: dict[str, Any] | None) -> dict[str, Any]:
    content = {"application/json": {"schema": schema, **({} if example is None else {"example": example})}}
    return {"summary": summary, "requestBody": {"required": True, "content": content}, "responses": _RESPONSES}


def _get(summary: str) -> dict[str, Any]:
    return {"summary": summary, "responses": {"200": {"description": "ok"}}}


_RESPONSES = {
    "200": {"description": "predictions"},
    "400": {"description": "what is wrong, with the tensor, the row and the reason, in `error`"},
    "413": {"description": "more JSON, or a larger body, than a request may hold"},
    "422": {"description": "the answer holds NaN or an infinity, which JSON cannot carry"},
    "500": {"description": "the model failed"},
    "503": {"description": "not ready, or too many requests are waiting; see Retry-After"},
}
