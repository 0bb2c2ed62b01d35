"""One row as the bytes of an HTTP request, and whether an answer says what onnxruntime says."""

import json
import math
from typing import Any

import numpy as np

from .models import Array, Published

TRACE = "traceparent: 00-"
"""What stands in a head before the trace id of 32 digits, which wrk counts up."""
DATATYPES = {"f": "FP32", "i": "INT64", "O": "BYTES"}


def infer(path: str, published: Published, binary: bool, traced: bool = False) -> bytes:
    inputs: list[dict[str, Any]] = [
        {"name": name, "datatype": DATATYPES[values.dtype.kind], "shape": list(values.shape)}
        for name, values in published.row.items()
    ]
    tail = b""
    for one, values in zip(inputs, published.row.values(), strict=True):
        if binary:
            tail += values.tobytes()
            one["parameters"] = {"binary_data_size": values.nbytes}
        else:
            one["data"] = [_plain(value) for value in values.ravel().tolist()]
    header = json.dumps({"inputs": inputs}, separators=(",", ":")).encode()
    lines = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: {len(header) + len(tail)}\r\n"
    if traced:
        lines += f"{TRACE}{1:032x}-{1:016x}-01\r\n"
    if binary:
        kind = f"content-type: application/octet-stream\r\ninference-header-content-length: {len(header)}\r\n"
    else:
        kind = "content-type: application/json\r\n"
    return f"{lines}{kind}\r\n".encode() + header + tail


def _plain(value: Any) -> Any:
    """Missing is null; no more digits than a client would send of a float32."""
    if not isinstance(value, float):
        return value
    return None if math.isnan(value) else float(f"{value:.7g}")


def differs(body: bytes, expected: dict[str, Array]) -> str | None:
    """The first difference in a JSON answer."""
    given = {output["name"]: output.get("data") for output in json.loads(body).get("outputs", [])}
    for name, values in expected.items():
        if name not in given:
            return f"no output {name!r} in {body[:200]!r}"
        got = np.ravel(np.array(given[name], float))
        if got.shape != values.ravel().shape or not np.allclose(got, values.ravel(), rtol=1e-4, atol=1e-5):
            return f"{name} is {got.tolist()}, onnxruntime says {values.ravel().tolist()}"
    return None


def answer_bytes(published: Published) -> int:
    """About what our server sends for one row, with its headers."""
    outputs = [
        {"name": name, "datatype": "FP32", "shape": list(values.shape), "data": values.ravel().tolist()}
        for name, values in published.outputs.items()
    ]
    return len(json.dumps({"outputs": outputs}, separators=(",", ":"))) + 200
