"""The OpenAPI description of one model's routes, from its signature, and a page that shows it without a script."""

import html
from typing import Any

import orjson

from .interface import TensorSpec
from .model import Model

_TYPES = {"boolean": "boolean", "integer": "integer", "float": "number", "string": "string"}
_SAMPLES: dict[str, Any] = {"boolean": True, "integer": 1, "float": 0.5, "string": "text"}


def describe(model: Model) -> dict[str, Any]:
    infer = f"/v2/models/{model.name}/infer"
    return {
        "openapi": "3.1.0",
        "info": {"title": model.name, "version": model.version, "description": f"ONNX model {model.digest}"},
        "paths": {
            "/predict": {"post": _post("Rows of named columns to predictions", _rows(model), predict_example(model))},
            infer: {"post": _post("Open Inference Protocol v2", _tensors(model), infer_example(model))},
            f"/v2/models/{model.name}": {"get": _get("Metadata: names, datatypes and shapes")},
            "/v2/health/ready": {"get": _get("200 when the model is ready")},
        },
    }


def page(model: Model) -> bytes:
    rows = "".join(
        f"<tr><td>{html.escape(spec.title)}<td>{spec.datatype.name}<td>{list(spec.shape)}"
        for spec in model.interface.inputs
    )
    sample = html.escape(orjson.dumps(predict_example(model), option=orjson.OPT_INDENT_2).decode())
    name = html.escape(model.name)
    return (
        f"<!doctype html><meta charset=utf-8><title>{name}</title>"
        "<style>body{font:16px sans-serif;max-width:50em;margin:2em auto}td{padding-right:1em}</style>"
        f"<h1>{name} {html.escape(model.version)}</h1><p>{model.digest}<p>"
        f"<code>POST /predict</code> takes<pre>{sample}</pre><table><tr><th>input<th>type<th>shape{rows}</table>"
        f"<p><code>POST /v2/models/{name}/infer</code> speaks the Open Inference Protocol v2."
        "<p><a href=/openapi.json>openapi.json</a>"
    ).encode()


def predict_example(model: Model) -> dict[str, Any]:
    return {"rows": [{spec.title: _sample(spec) for spec in model.interface.inputs}]}


def infer_example(model: Model) -> dict[str, Any]:
    return {"inputs": [_tensor_sample(spec) for spec in model.interface.inputs]}


def _tensor_sample(spec: TensorSpec) -> dict[str, Any]:
    shape = [1 if size == -1 else size for size in spec.shape]
    count = 1
    for size in shape:
        count *= size
    data = [_SAMPLES[spec.datatype.kind]] * min(count, 1000)
    return {"name": spec.title, "datatype": spec.datatype.name, "shape": shape, "data": data}


def _sample(spec: TensorSpec) -> Any:
    value = _SAMPLES[spec.datatype.kind]
    return value if spec.fixed_row in (1, None) else [value] * min(spec.fixed_row or 1, 1000)


def _rows(model: Model) -> dict[str, Any]:
    columns = {spec.title: _value(spec) for spec in model.interface.inputs}
    row = {"type": "object", "properties": columns, "additionalProperties": False}
    return {"type": "object", "properties": {"rows": {"type": "array", "items": row}}, "required": ["rows"]}


def _value(spec: TensorSpec) -> dict[str, Any]:
    kind = _TYPES[spec.datatype.kind]
    nullable = spec.datatype.kind in ("float", "string")
    single = {"type": [kind, "null"] if nullable else kind}
    return single if spec.fixed_row == 1 else {"type": "array", "items": single}


def _tensors(model: Model) -> dict[str, Any]:
    tensor = {
        "type": "object",
        "required": ["name", "shape", "datatype"],
        "properties": {
            "name": {"enum": [spec.title for spec in model.interface.inputs]},
            "shape": {"type": "array", "items": {"type": "integer", "minimum": 1}},
            "datatype": {"type": "string"},
            "data": {"type": "array"},
        },
    }
    return {"type": "object", "required": ["inputs"], "properties": {"inputs": {"type": "array", "items": tensor}}}


def _post(summary: str, schema: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    content = {"application/json": {"schema": schema, "example": example}}
    return {"summary": summary, "requestBody": {"required": True, "content": content}, "responses": _RESPONSES}


def _get(summary: str) -> dict[str, Any]:
    return {"summary": summary, "responses": {"200": {"description": "ok"}}}


_RESPONSES = {
    "200": {"description": "predictions"},
    "400": {"description": "what is wrong, with the tensor, the row and the reason, in `error`"},
    "500": {"description": "the model failed"},
    "503": {"description": "not ready, or too many requests are waiting; see Retry-After"},
}
