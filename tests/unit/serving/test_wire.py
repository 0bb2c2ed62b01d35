"""The protocol's finer print: what other servers' own suites check, over the wire."""

import gzip
import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from onnx import TensorProto, helper

from .models import FLOAT, STRING, bare, build, linear
from .processes import ROW, Running, serving
from .test_protocol import binary, error_of, split_binary


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Two inputs handed back, in half and in single precision."""
    model = build(
        [helper.make_node("Identity", [name], [f"{name}_out"]) for name in ("half", "single", "text")],
        {"half": (TensorProto.FLOAT16, ["n", 2]), "single": (FLOAT, ["n", 2, 2]), "text": (STRING, ["n"])},
        {
            "half_out": (TensorProto.FLOAT16, ["n", 2]),
            "single_out": (FLOAT, ["n", 2, 2]),
            "text_out": (STRING, ["n"]),
        },
        {},
    )
    with serving(bare(tmp_path_factory.mktemp("wire") / "m", model)) as running:
        yield running


HALF = np.array([[0.5, -65504.0]], "<f2")
SINGLE: dict[str, Any] = {"name": "single", "datatype": "FP32", "shape": [1, 2, 2], "data": [1, 2, 3, 4]}
TEXT: dict[str, Any] = {"name": "text", "datatype": "BYTES", "shape": [1], "data": ["a\0b"]}


def half(size: int = 4) -> dict[str, Any]:
    return {"name": "half", "datatype": "FP16", "shape": [1, 2], "parameters": {"binary_data_size": size}}


def ask(server: Running, header: dict[str, Any], *blobs: bytes, **headers: str) -> httpx.Response:
    request = binary(header, *blobs)
    request["headers"] |= headers
    return httpx.post(server.data + server.infer_path, **request)


def test_half_precision_travels_in_binary_and_as_json_numbers(server: Running) -> None:
    header = {"inputs": [half(), SINGLE, TEXT]}
    reply, raw = split_binary(ask(server, {**header, "parameters": {"binary_data_output": True}}, HALF.tobytes()))
    assert [output["parameters"]["binary_data_size"] for output in reply["outputs"]] == [4, 16, 7]
    assert raw == HALF.tobytes() + np.float32([1, 2, 3, 4]).tobytes() + struct.pack("<I", 3) + b"a\0b"
    written = ask(server, header, HALF.tobytes()).json()["outputs"][0]["data"]
    assert np.array_equal(np.float16(written), HALF.ravel())
    numbers = {**half(), "parameters": {}, "data": written}
    assert ask(server, {"inputs": [numbers, SINGLE, TEXT]}).json()["outputs"][0]["data"] == written


@pytest.mark.parametrize(("overall", "single"), [(True, False), (False, True), (True, None), (None, True)])
def test_an_outputs_own_wish_beats_the_requests(server: Running, overall: bool | None, single: bool | None) -> None:
    output = {"name": "single_out"} | ({"parameters": {"binary_data": single}} if single is not None else {})
    parameters = {"binary_data_output": overall} if overall is not None else {}
    header = {"inputs": [half(), SINGLE, TEXT], "outputs": [output], "parameters": parameters}
    reply = ask(server, header, HALF.tobytes())
    if overall if single is None else single:
        described, raw = split_binary(reply)
        assert "data" not in described["outputs"][0]
        assert raw == np.float32([1, 2, 3, 4]).tobytes()
    else:
        assert "inference-header-content-length" not in reply.headers
        assert reply.json()["outputs"][0]["data"] == [1, 2, 3, 4]


def test_outputs_come_in_the_order_they_were_asked_for(server: Running) -> None:
    header = {"inputs": [TEXT, half(), SINGLE], "outputs": [{"name": "text_out"}, {"name": "single_out"}]}
    outputs = ask(server, header, HALF.tobytes()).json()["outputs"]
    assert [output["name"] for output in outputs] == ["text_out", "single_out"]
    assert outputs[0]["data"] == ["a\0b"]


@pytest.mark.parametrize(
    ("shape", "blob", "message"),
    [
        ([10], b"\0" * 32, "10 values need at least 40 bytes, got 32"),
        ([1], struct.pack("<I", 4) + b"abc", "row 0: its length points beyond"),
        ([1], struct.pack("<I", 2) + b"abc", "1 values take 6 bytes, got 7"),
        ([2], struct.pack("<I", 4) + b"abcd", "row 1: its length points beyond"),
        ([1], struct.pack("<I", 1) + b"\xff", "row 0: not UTF-8"),
    ],
)
def test_text_in_binary_must_hold_as_many_values_as_its_shape(
    server: Running, shape: list[int], blob: bytes, message: str
) -> None:
    text = {"name": "text", "datatype": "BYTES", "shape": shape, "parameters": {"binary_data_size": len(blob)}}
    reason = error_of(ask(server, {"inputs": [text, half(), SINGLE]}, blob + HALF.tobytes()))
    assert reason.startswith("input 'text'")
    assert message in reason


def test_bytes_and_shape_that_disagree_are_both_named(server: Running) -> None:
    single = {"name": "single", "datatype": "FP32", "shape": [2, 2, 2], "parameters": {"binary_data_size": 40}}
    reason = error_of(ask(server, {"inputs": [single]}, b"\0" * 40))
    assert reason == "input 'single': FP32 of shape [2, 2, 2] has 32 bytes, got 40"


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_header_length_counts_what_was_not_compressed(server: Running, encoding: str, pack: Any) -> None:
    rows = 1000
    many = np.arange(rows * 4, dtype="<f4")
    tensors = [
        {"name": "half", "datatype": "FP16", "shape": [rows, 2], "parameters": {"binary_data_size": rows * 4}},
        {"name": "single", "datatype": "FP32", "shape": [rows, 2, 2], "parameters": {"binary_data_size": rows * 16}},
        {"name": "text", "datatype": "BYTES", "shape": [rows], "data": ["x"] * rows},
    ]
    outputs = [{"name": "single_out", "parameters": {"binary_data": True}}]
    request = binary({"inputs": tensors, "outputs": outputs}, b"\0" * rows * 4, many.tobytes())
    headers = request["headers"] | {"content-encoding": encoding, "accept-encoding": encoding}
    reply = httpx.post(server.data + server.infer_path, content=pack(request["content"]), headers=headers)
    assert reply.headers["content-encoding"] == encoding
    _, raw = split_binary(reply)  # httpx has decompressed it
    assert raw == many.tobytes()


@pytest.mark.parametrize("accepted", ["gzip;q=0", "gzip; q=0.0", "identity", "br"])
def test_compression_that_a_client_refuses_is_not_used(tmp_path: Path, server: Running, accepted: str) -> None:
    rows = 5000
    tensor = {"name": "x", "datatype": "FP32", "shape": [rows, 3], "data": [1.0] * rows * 3}
    with serving(bare(tmp_path / "m", linear())) as other:
        reply = other.infer({"inputs": [tensor]}, headers={"accept-encoding": accepted})
    assert "content-encoding" not in reply.headers
    assert reply.json()["outputs"][0]["data"] == [3.0] * rows


@pytest.mark.parametrize("value", ["no", 1, None, []])
@pytest.mark.parametrize("where", ["binary_data", "binary_data_output"])
def test_a_wish_that_is_neither_true_nor_false_is_refused(server: Running, where: str, value: Any) -> None:
    own = where == "binary_data"
    output = {"name": "text_out"} | ({"parameters": {where: value}} if own else {})
    header = {"inputs": [half(), SINGLE, TEXT], "outputs": [output], "parameters": {} if own else {where: value}}
    assert error_of(ask(server, header, HALF.tobytes())) == f"parameter '{where}' must be true or false"


def test_what_is_not_supported_is_a_501(server: Running) -> None:
    raw = httpx.post(server.data + server.infer_path, content=b"\0", headers={"inference-header-content-length": "0"})
    assert "raw binary data" in error_of(raw, 501)
    for action in ("load", "unload"):
        error_of(httpx.post(f"{server.data}/v2/repository/models/m/{action}"), 501)
        error_of(httpx.post(f"{server.data}/v2/repository/models/other/{action}"), 404)


@pytest.mark.parametrize("base", ["/v2/models/m", "/v2/models/m/versions/1"])
def test_extensions_of_others_are_told_to_be_missing(server: Running, base: str) -> None:
    paths = [("POST", f"{base}/generate"), ("POST", f"{base}/generate_stream")]
    paths += [
        (method, path)
        for method in ("GET", "POST")
        for path in ("/v2/logging", "/v2/trace/setting", f"{base}/trace/setting")
    ]
    for method, path in paths:
        assert "no generate, trace or logging" in error_of(httpx.request(method, server.data + path), 501)


def test_scalars_are_taken_and_given(tmp_path: Path) -> None:
    model = build(
        [helper.make_node("Mul", ["x", "factor"], ["y"]), helper.make_node("Identity", ["factor"], ["z"])],
        {"factor": (FLOAT, []), "x": (FLOAT, ["n"])},
        {"y": (FLOAT, ["n"]), "z": (FLOAT, [])},
        {},
    )
    factor = {"name": "factor", "datatype": "FP32", "shape": [], "data": [2]}
    x = {"name": "x", "datatype": "FP32", "shape": [3], "data": [1, 2, 3]}
    blob = struct.pack("<f", 2)
    with serving(bare(tmp_path / "m", model)) as server:
        for first in (factor, {**factor, "shape": [1]}):
            outputs = server.infer({"inputs": [first, x]}).json()["outputs"]
            assert [(o["shape"], o["data"]) for o in outputs] == [([3], [2.0, 4.0, 6.0]), ([], [2.0])]
        raw = {"name": "factor", "datatype": "FP32", "shape": [], "parameters": {"binary_data_size": 4}}
        header = {"inputs": [raw, x], "outputs": [{"name": "z"}], "parameters": {"binary_data_output": True}}
        described, answer = split_binary(ask(server, header, blob))
        assert (described["outputs"][0]["shape"], answer) == ([], blob)
        assert "'factor' is given twice" in error_of(server.infer({"inputs": [factor, factor, x]}))
        assert error_of(server.infer({"inputs": [x]})) == "inputs are missing: 'factor'"
        assert "needs 1 values, got 2" in error_of(server.infer({"inputs": [{**factor, "data": [1, 2]}, x]}))
        assert "write [1] for one row" in error_of(server.infer({"inputs": [factor, {**x, "shape": []}]}))


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v2", "GET"),
        ("DELETE", "/v2/models/m", "GET"),
        ("POST", "/v2/models/m/versions/1", "GET"),
        ("GET", "/v2/models/m/versions/1/infer", "POST"),
        ("GET", "/v2/repository/index", "POST"),
        ("GET", "/predict", "POST"),
    ],
)
def test_wrong_methods_are_told_the_right_one(server: Running, method: str, path: str, allowed: str) -> None:
    reply = httpx.request(method, server.data + path)
    error_of(reply, 405)
    assert reply.headers["allow"] == allowed


def test_versions_path_scores_and_only_the_version_there_is(server: Running) -> None:
    header = {"id": "", "inputs": [half(), SINGLE, TEXT], "outputs": [{"name": "text_out"}]}
    request = binary(header, HALF.tobytes())
    base = f"{server.data}/v2/models/m/versions"
    assert httpx.post(f"{base}/1/infer?x=1", **request).json()["id"] == ""
    assert httpx.get(f"{base}/1/ready").json() == {"name": "m", "ready": True}
    assert "unknown version of 'm'" in error_of(httpx.post(f"{base}/2/infer", **request), 404)
    assert httpx.head(f"{base}/1").status_code == 200


def test_plain_route_never_turns_nan_into_null(server: Running, tmp_path: Path) -> None:
    row = {"half": [1, 2], "single": [1, None, 3, 4], "text": "a"}
    reply = httpx.post(f"{server.data}/predict", json=[{**row, "single": [1, 2, 3, 4]}])
    assert reply.status_code == 400, reply.text  # flat where the column has two dimensions
    nested = {**row, "single": [[1, None], [3, 4]]}
    assert "'single_out' row 0 is NaN" in error_of(httpx.post(f"{server.data}/predict", json=[nested]), 422)


def test_an_output_that_has_no_row_for_each_of_the_requests_is_answered_whole(tmp_path: Path) -> None:
    model = build(
        [helper.make_node("NonZero", ["x"], ["y"])],
        {"x": (FLOAT, ["n", 3])},
        {"y": (TensorProto.INT64, ["k", "z"])},
        {},
    )
    with serving(bare(tmp_path / "m", model)) as server:
        output = server.infer({"inputs": [{**ROW["inputs"][0], "data": [0.0, 5.0, 7.0]}]}).json()["outputs"][0]
    assert (output["shape"], output["data"]) == ([2, 2], [0, 0, 1, 2])


def test_a_number_too_large_is_refused_in_the_models_thread_too(tmp_path: Path) -> None:
    wide = 2048
    nodes = [helper.make_node("MatMul", ["x", "w"], ["a"])]
    nodes += [helper.make_node("MatMul", [a, "w"], [b]) for a, b in ("ab", "bc", "cy")]
    model = build(
        nodes, {"x": (FLOAT, ["n", wide])}, {"y": (FLOAT, ["n", wide])}, {"w": np.eye(wide, dtype=np.float32)}
    )
    with serving(bare(tmp_path / "m", model), "--threads", "1") as server:
        for _ in range(3):  # a missing value, so that the numbers are still a list when the thread takes them
            tensor = {"name": "x", "datatype": "FP32", "shape": [1, wide], "data": [None] + [0] * (wide - 2) + [1e300]}
            assert error_of(server.infer({"inputs": [tensor]})) == "input 'x' row 0: 1e+300 is out of range for FP32"


def test_every_row_of_statistics_follows_the_traffic(tmp_path: Path) -> None:
    with serving(bare(tmp_path / "m", linear())) as server:
        for _ in range(5):
            assert server.infer().status_code == 200
        assert server.infer({"inputs": []}).status_code == 400
        stats = httpx.get(f"{server.data}/v2/models/m/versions/1/stats").json()["model_stats"][0]
        metrics = httpx.get(f"{server.admin}/metrics").text
    counts = {name: value["count"] for name, value in stats["inference_stats"].items()}
    assert (counts["success"], counts["fail"], counts["queue"], counts["compute_infer"]) == (5, 1, 5, 5)
    assert (stats["inference_count"], stats["execution_count"]) == (5, 5)
    assert stats["last_inference"] > 1_600_000_000_000
    assert 'modelward_requests_total{code="400"' in metrics
    assert json.dumps(stats).count('"ns"') == 8
