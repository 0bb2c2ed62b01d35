"""Open Inference Protocol v2 over the wire."""

import asyncio
import gzip
import json
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from .models import bare, columns, picky
from .processes import Running, serving

COLUMNS = [
    {"name": "number", "datatype": "FP32", "shape": [2, 1], "data": [1.5, None]},
    {"name": "count", "datatype": "INT64", "shape": [2, 1], "data": [1, -2]},
    {"name": "name", "datatype": "BYTES", "shape": [2, 1], "data": ["ü", None]},
    {"name": "flag", "datatype": "BOOL", "shape": [2, 1], "data": [True, False]},
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(bare(tmp_path_factory.mktemp("columns") / "m", columns())) as running:
        yield running


def changed(index: int, **fields: Any) -> list[dict[str, Any]]:
    return [{**tensor, **fields} if i == index else tensor for i, tensor in enumerate(COLUMNS)]


def error_of(response: httpx.Response, status: int = 400) -> str:
    assert response.status_code == status, response.text
    assert list(response.json()) == ["error"]
    return str(response.json()["error"])


def binary(header: dict[str, Any], *blobs: bytes, length: int | None = None) -> dict[str, Any]:
    text = json.dumps(header).encode()
    return {
        "content": b"".join([text, *blobs]),
        "headers": {"inference-header-content-length": str(len(text) if length is None else length)},
    }


def split_binary(response: httpx.Response) -> tuple[dict[str, Any], bytes]:
    length = int(response.headers["inference-header-content-length"])
    return json.loads(response.content[:length]), response.content[length:]


def test_get_endpoints_describe_server_and_model(server: Running) -> None:
    with httpx.Client(base_url=server.data) as client:
        assert "binary_tensor_data" in client.get("/v2").json()["extensions"]
        assert client.get("/v2/health/live").json()["live"] is True
        assert client.get("/v2/health/ready").json()["ready"] is True
        assert client.get("/v2/models/m/ready").json() == {"name": "m", "ready": True}
        metadata = client.get("/v2/models/m/versions/1").json()
        assert metadata == client.get("/v2/models/m").json()
        assert metadata["platform"] == "onnx_onnxv1"
        assert metadata["inputs"][2] == {"name": "name", "datatype": "BYTES", "shape": [-1, 1]}
        assert client.get("/v2/models/m/config").json()["plan"]["workers"] == 1


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/models/other", 404),
        ("GET", "/v2/models/m/versions/9", 404),
        ("GET", "/v2/models/..%2f..%2fetc%2fpasswd", 404),
        ("GET", "/metrics", 404),
        ("PUT", "/traffic", 404),
        ("POST", "/v2/health/live", 405),
        ("GET", "/v2/models/m/infer", 405),
    ],
)
def test_unknown_paths_and_methods_are_told_so(server: Running, method: str, path: str, status: int) -> None:
    assert error_of(httpx.request(method, server.data + path), status)


def test_values_of_all_kinds_come_back_as_they_went(server: Running) -> None:
    outputs = [{"name": name} for name in ("count_out", "name_out", "flag_out")]
    reply = server.infer({"id": "seven", "inputs": COLUMNS, "outputs": outputs}).json()
    assert (reply["id"], reply["model_name"], reply["model_version"]) == ("seven", "m", "1")
    assert [output["data"] for output in reply["outputs"]] == [[1, -2], ["ü", ""], [True, False]]
    assert reply["outputs"][0] == {"name": "count_out", "datatype": "INT64", "shape": [2, 1], "data": [1, -2]}


def test_nan_is_never_turned_into_null(server: Running) -> None:
    body = {"inputs": COLUMNS, "outputs": [{"name": "number_out"}]}
    assert "'number_out' row 1 is NaN" in error_of(server.infer(body), 422)
    body["parameters"] = {"binary_data_output": True}  # type: ignore[assignment]
    header, raw = split_binary(server.infer(body))
    assert header["outputs"][0]["parameters"] == {"binary_data_size": 8}
    np.testing.assert_array_equal(np.frombuffer(raw, "<f4"), [1.5, np.nan])


def test_binary_tensors_both_ways_and_mixed_with_json(server: Running) -> None:
    text = "".join(["ü", "x"])
    names = b"".join(struct.pack("<I", len(part.encode())) + part.encode() for part in text)
    tensors = changed(0, data=[1.5, 2.5])
    for index, size in ((0, 8), (2, len(names))):
        tensors[index] = {k: v for k, v in tensors[index].items() if k != "data"}
        tensors[index]["parameters"] = {"binary_data_size": size}
    outputs = [
        {"name": "name_out", "parameters": {"binary_data": True}},
        {"name": "count_out", "parameters": {"binary_data": False}},
    ]
    header = {"inputs": tensors, "outputs": outputs, "parameters": {"binary_data_output": True}}
    raw = np.array([1.5, 2.5], "<f4").tobytes() + names
    reply, blob = split_binary(httpx.post(server.data + server.infer_path, **binary(header, raw)))
    assert blob == names
    assert reply["outputs"][1]["data"] == [1, -2]
    assert "data" not in reply["outputs"][0]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (changed(0, data=["a", 1]), "'number' row 0: text is no FP32"),
        (changed(0, data=[1, True]), "'number' row 1: a boolean is no FP32"),
        (changed(0, data=[1e300, 1]), "'number' row 0: 1e+300 is out of range for FP32"),
        (changed(0, data=[1]), "'number': shape [2, 1] needs 2 values, got 1"),
        (changed(0, data=[[1, 2], [3, 4]]), "'number': element 0 at depth 1"),
        (changed(0, shape=[3, 1], data=[1, 2, 3]), "'count' has 2 rows, 'number' has 3"),
        (changed(0, shape=[2, 2], data=[1, 2, 3, 4]), "'number': shape is [2, 2]"),
        (changed(0, shape=[-1, 1]), "'number': shape must be"),
        (changed(0, shape=[True, 1], data=[1]), "'number': shape must be"),
        (changed(0, shape=[2**60, 1]), "needs 1152921504606846976 values"),
        (changed(0, shape=[2**62, 2**62]), "'number': shape is"),
        (changed(0, datatype="FP99"), "unknown datatype 'FP99'"),
        (changed(0, datatype="BYTES"), "'number': datatype is BYTES"),
        (changed(0, name="nombre"), "unknown input 'nombre'; the model takes 'number', 'count', 'name', 'flag'"),
        (changed(1, data=[1, None]), "'count' row 1: null is no INT64"),
        (changed(1, data=[1, 2.5]), "'count' row 1: a number is no INT64"),
        (changed(1, data=[1, 2**63]), "'count' row 1: 9223372036854775808 is out of range"),
        (changed(2, data=["a", 7]), "'name' row 1: an integer is no BYTES"),
        (changed(3, data=[True, 1]), "'flag' row 1: an integer is no BOOL"),
        (COLUMNS[:3], "inputs are missing: 'flag'"),
        ([*COLUMNS, COLUMNS[0]], "'number' is given twice"),
        ([], "'inputs'"),
        ("x", "'inputs'"),
    ],
)
def test_bad_input_is_named_with_tensor_row_and_reason(server: Running, inputs: Any, message: str) -> None:
    assert message in error_of(server.infer({"inputs": inputs}))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"outputs": [{"name": "nope"}]}, "unknown output 'nope'"),
        ({"outputs": [{"name": "flag_out"}, {"name": "flag_out"}]}, "asked for twice"),
        ({"id": 7}, "'id' must be text"),
        ({"parameters": [1]}, "'parameters' must be an object"),
    ],
)
def test_bad_request_fields_are_named(server: Running, fields: dict[str, Any], message: str) -> None:
    assert message in error_of(server.infer({"inputs": COLUMNS, **fields}))


def test_whole_numbers_written_as_floats_and_other_widths_are_taken(server: Running) -> None:
    tensors = changed(1, datatype="FP64", data=[3.0, 4])
    reply = server.infer({"inputs": tensors, "outputs": [{"name": "count_out"}], "parameters": {"unknown": 1}})
    assert reply.json()["outputs"][0]["data"] == [3, 4]


def test_flat_and_nested_data_and_one_dimension_less_mean_the_same(server: Running) -> None:
    for fields in ({"data": [[7], [8]]}, {"data": [7, 8]}, {"data": [7, 8], "shape": [2]}):
        reply = server.infer({"inputs": changed(1, **fields), "outputs": [{"name": "count_out"}]})
        assert reply.json()["outputs"][0]["data"] == [7, 8]


@pytest.mark.parametrize(
    ("size", "blob", "message"),
    [
        (8, b"\0" * 9, "1 bytes after the last tensor"),
        (12, b"\0" * 12, "has 8 bytes, got 12"),
        (9, b"\0" * 8, "binary_data_size is 9, 8 bytes are left"),
        (-1, b"", "binary_data_size is -1"),
    ],
)
def test_binary_sizes_must_agree(server: Running, size: int, blob: bytes, message: str) -> None:
    tensors = changed(0, parameters={"binary_data_size": size})
    del tensors[0]["data"]
    assert message in error_of(httpx.post(server.data + server.infer_path, **binary({"inputs": tensors}, blob)))


@pytest.mark.parametrize("length", [-1, 10**6, 2**31, 2**40, 2**64, 10**30])
def test_header_length_must_lie_in_the_body(server: Running, length: int) -> None:
    request = binary({"inputs": COLUMNS}, length=length)
    assert "Inference-Header-Content-Length" in error_of(httpx.post(server.data + server.infer_path, **request))


def test_large_json_arrays_take_the_fast_way_with_the_same_answers(server: Running) -> None:
    rows = 2000
    tensors = [
        {"name": "number", "datatype": "FP32", "shape": [rows, 1], "data": [i / 7 for i in range(rows)]},
        {"name": "count", "datatype": "INT64", "shape": [rows, 1], "data": [2**62 + i for i in range(rows)]},
        {"name": "name", "datatype": "BYTES", "shape": [rows, 1], "data": [str(i) for i in range(rows)]},
        {"name": "flag", "datatype": "BOOL", "shape": [rows, 1], "data": [i % 2 == 0 for i in range(rows)]},
    ]
    outputs = {output["name"]: output["data"] for output in server.infer({"inputs": tensors}).json()["outputs"]}
    np.testing.assert_array_equal(np.float32(outputs["number_out"]), np.float32(tensors[0]["data"]))
    assert outputs["count_out"] == tensors[1]["data"]
    assert outputs["name_out"] == tensors[2]["data"]
    assert outputs["flag_out"] == tensors[3]["data"]


def test_request_that_the_model_cannot_compute_fails_alone_with_onnxruntimes_words(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    def body(index: int) -> dict[str, Any]:
        return {"inputs": [{"name": "i", "datatype": "INT64", "shape": [1, 1], "data": [index]}]}

    with serving(bare(tmp_path_factory.mktemp("picky") / "m", picky())) as server:
        assert "Gather: indices element out of data bounds, idx=99" in error_of(server.infer(body(99)), 400)
        assert server.infer(body(3)).json()["outputs"][0]["data"] == [3.0]


def test_compressed_requests_and_replies(server: Running) -> None:
    rows = 5000
    numbers = {"name": "count", "datatype": "INT64", "shape": [rows, 1], "data": [7] * rows}
    others = [{**tensor, "shape": [rows, 1], "data": [tensor["data"][0]] * rows} for tensor in COLUMNS]
    body = json.dumps(
        {"inputs": [others[0], numbers, others[2], others[3]], "outputs": [{"name": "count_out"}]}
    ).encode()
    raw = zlib.compressobj(wbits=-15)
    for encoding, data in (
        ("gzip", gzip.compress(body)),
        ("deflate", zlib.compress(body)),
        ("deflate", raw.compress(body) + raw.flush()),
    ):
        headers = {"content-encoding": encoding, "accept-encoding": encoding}
        reply = httpx.post(server.data + server.infer_path, content=data, headers=headers)
        assert reply.headers["content-encoding"] == encoding
        assert reply.json()["outputs"][0]["data"] == [7] * rows


@pytest.mark.parametrize(
    ("encoding", "data", "status"),
    [
        ("gzip", gzip.compress(b"0" * (65 << 20)), 413),
        ("gzip", gzip.compress(b"0" * (2 << 20)), 413),
        ("gzip", b"no gzip", 400),
        ("gzip", gzip.compress(b"{}")[:-4], 400),
        ("deflate", b"", 400),
        ("br", b"{}", 415),
    ],
    ids=["too large", "bomb", "no gzip", "cut gzip", "empty", "unknown"],
)
def test_bad_compression_is_refused(server: Running, encoding: str, data: bytes, status: int) -> None:
    error_of(httpx.post(server.data + server.infer_path, content=data, headers={"content-encoding": encoding}), status)


def test_repository_index_and_statistics(server: Running) -> None:
    with httpx.Client(base_url=server.data) as client:
        assert client.post("/v2/repository/index", json={"ready": True}).json() == [
            {"name": "m", "version": "1", "state": "READY", "reason": ""}
        ]
        before = client.get("/v2/models/m/stats").json()["model_stats"][0]
        server.infer({"inputs": COLUMNS, "outputs": [{"name": "count_out"}]})
        server.infer({"inputs": []})
        after = client.get("/v2/models/stats").json()["model_stats"][0]
        assert after["inference_count"] - before["inference_count"] == 2
        assert after["inference_stats"]["success"]["count"] - before["inference_stats"]["success"]["count"] == 1
        assert after["inference_stats"]["fail"]["count"] - before["inference_stats"]["fail"]["count"] == 1
        assert after["inference_stats"]["compute_infer"]["ns"] > before["inference_stats"]["compute_infer"]["ns"]
        assert client.post("/v2/repository/models/m/unload").status_code == 501


def test_plain_route_takes_rows_of_named_columns(server: Running) -> None:
    row = {"number": 1.5, "count": 2, "name": "x", "flag": True}
    expected = {"number_out": 1.5, "count_out": 2, "name_out": "x", "flag_out": True}
    for body in ({"rows": [row]}, [row], row):
        assert httpx.post(f"{server.data}/predict", json=body).json()["predictions"] == [expected]
    reply = httpx.post(f"{server.data}/predict", json=[{**row, "name": None}])
    assert reply.json()["predictions"][0]["name_out"] == ""


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ([{"number": 1, "count": 1, "name": "", "flag": True, "typo": 1}], "row 0: unknown column 'typo'"),
        ([{"number": 1, "name": "", "flag": True}], "'count' row 0: null is no INT64"),
        ([{"number": "1", "count": 1, "name": "", "flag": True}], "'number' row 0: text is no FP32"),
        ([1], "row 0 must be an object"),
        (7, "a list of rows"),
    ],
)
def test_plain_route_names_what_is_wrong(server: Running, body: Any, message: str) -> None:
    assert message in error_of(httpx.post(f"{server.data}/predict", json=body))


def test_openapi_describes_the_signature(server: Running) -> None:
    described = httpx.get(f"{server.data}/openapi.json").json()
    rows = described["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
    assert set(rows["example"]["rows"][0]) == {"number", "count", "name", "flag"}
    assert "POST /predict" in httpx.get(f"{server.data}/docs").text


async def test_requests_that_run_together_each_get_their_own_answer(server: Running) -> None:
    async with httpx.AsyncClient(base_url=server.data, timeout=30) as client:

        async def ask(number: int) -> None:
            rows = number % 3 + 1
            tensors = [
                {**tensor, "shape": [rows, 1], "data": [value] * rows}
                for tensor, value in zip(COLUMNS, (number / 4, number, f"n{number}", number % 2 == 0), strict=True)
            ]
            request: dict[str, Any] = {"inputs": tensors}
            if number % 2:
                request["id"] = str(number)
            reply = (await client.post(server.infer_path, json=request)).json()
            assert reply.get("id") == request.get("id")
            assert [output["data"] for output in reply["outputs"]] == [tensor["data"] for tensor in tensors]

        for start in range(0, 320, 32):
            await asyncio.gather(*(ask(number) for number in range(start, start + 32)))
    stats = (await asyncio.to_thread(httpx.get, f"{server.data}/v2/models/m/stats")).json()["model_stats"][0]
    assert stats["execution_count"] < stats["inference_count"]
