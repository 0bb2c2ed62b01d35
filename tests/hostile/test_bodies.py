"""Bodies that are no requests: a client's error with a short reason in JSON."""

import gzip
import json
import struct
import zlib

import httpx
import pytest

from .target import Target, talk

NESTED = 250_000


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"x"',
        b"\xff\xfe",
        b'{"inputs": NaN}',
        b'{"inputs": []} trailing',
        b"[" * NESTED,
        b'{"a":' * NESTED,
        b'{"inputs":' + b"[" * NESTED + b"]" * NESTED + b"}",
        b'{"inputs":[' + b'{"name":"none"},' * 50_000 + b"{}]}",
        b'{"inputs":[{"name":"' + b"x" * 1_000_000 + b'","datatype":"FP32","shape":[1,3],"data":[1,2,3]}]}',
        b'{"id":"' + b"\\u0000" * 10 + b'","inputs":[]}',
        b'{"inputs":[null]}',
        b'{"inputs":{"a":1}}',
    ],
    ids=lambda value: repr(value[:24]),
)
def test_what_is_no_request_is_refused(target: Target, body: bytes) -> None:
    assert_refused(target, target.message(body))


@pytest.mark.parametrize(
    "fields",
    [
        {"shape": [2**60, 1]},
        {"shape": [2**62, 2**62]},
        {"shape": [2**64, 1]},
        {"shape": [-1, 3]},
        {"shape": [-(2**63), -(2**63)]},
        {"shape": [0]},
        {"shape": [1] * 100_000},
        {"shape": "1,3"},
        {"shape": [[1, 3]]},
        {"shape": [1.5, 2]},
        {"shape": None},
        {"datatype": "FP99"},
        {"datatype": "x" * 100_000},
        {"datatype": 7},
        {"name": "../../etc/passwd"},
        {"name": None},
        {"data": {}},
        {"data": "text"},
        {"data": None},
        {"data": [[[[[[[[1]]]]]]]]},
        {"data": [{"a": 1}]},
        {"data": [1] * 100_000},
    ],
    ids=lambda fields: str(fields)[:32],
)
def test_a_tensor_that_cannot_be_is_refused(target: Target, fields: dict[str, object]) -> None:
    assert_refused(target, target.message(target.first(**fields)))


@pytest.mark.parametrize("depth", [500, 5_000, 100_000])
def test_deeply_nested_data_is_refused(target: Target, depth: int) -> None:
    body = target.first(data="@").replace(b'"@"', b"[" * depth + b"1" + b"]" * depth)
    assert_refused(target, target.message(body))


@pytest.mark.parametrize("number", [b"1e400", b"-1e999", b"NaN", b"Infinity", b"1" + b"0" * 5_000])
def test_a_number_beyond_every_float_is_refused(target: Target, number: bytes) -> None:
    count = len(target.good["inputs"][0]["data"])
    body = target.first(data="@").replace(b'"@"', b"[" + b",".join([number] * count) + b"]")
    assert_refused(target, target.message(body))


@pytest.mark.parametrize("length", ["-1", "1000000000", str(2**31), str(2**64), "9" * 50, "x", "0x10", "1, 2", ""])
def test_a_header_length_outside_the_body_is_refused(target: Target, length: str) -> None:
    assert_refused(target, target.message(target.body, f"Inference-Header-Content-Length: {length}"))


def test_more_values_than_a_parser_may_count_are_refused(target: Target) -> None:
    values = target.first(data=0).replace(b'"data": 0', b'"data": [' + b"0," * 30_000_000 + b"0]")
    assert_refused(target, target.message(values))


@pytest.mark.parametrize("size", [-1, 0, 1, 2**31, 2**63, 1e300, "8", None, True])
def test_a_binary_size_that_is_not_the_tensors_is_refused(target: Target, size: object) -> None:
    tensor = {k: v for k, v in target.good["inputs"][0].items() if k != "data"}
    header = json.dumps(
        {"inputs": [{**tensor, "parameters": {"binary_data_size": size}}, *target.good["inputs"][1:]]}
    ).encode()
    for raw in (b"", b"\xff" * 5):
        message = target.message(header + raw, f"Inference-Header-Content-Length: {len(header)}")
        assert_refused(target, message)


def test_strings_whose_lengths_point_outside_are_refused(target: Target) -> None:
    tensor = {"name": target.good["inputs"][0]["name"], "datatype": "BYTES", "shape": [1, 1]}
    raw = struct.pack("<I", 2**32 - 1) + b"abc"
    header = json.dumps({"inputs": [{**tensor, "parameters": {"binary_data_size": len(raw)}}]}).encode()
    assert_refused(target, target.message(header + raw, f"Inference-Header-Content-Length: {len(header)}"))


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("gzip", gzip.compress(b" " * (300 << 20), 1)),
        ("deflate", zlib.compress(b" " * (300 << 20), 1)),
        ("gzip", b"no gzip"),
        ("gzip", gzip.compress(b"{}")[:-4]),
        ("deflate", b""),
        ("br", b"{}"),
        ("gzip, gzip", b"{}"),
    ],
    ids=["gzip bomb", "deflate bomb", "no gzip", "cut gzip", "no deflate", "unknown", "twice"],
)
def test_bad_compression_is_refused(target: Target, encoding: str, data: bytes) -> None:
    assert_refused(target, target.message(data, f"Content-Encoding: {encoding}"))


@pytest.mark.parametrize("name", ["..", "../../etc/passwd", "%2e%2e%2f", "m/../m", "m%00", "m\\..", "%ff", "*" * 5000])
def test_path_tricks_in_names_find_nothing(target: Target, name: str) -> None:
    statuses = [status for status, _ in talk(target, target.message(target.body, path=f"/v2/models/{name}/infer"))]
    assert all(400 <= status < 500 for status in statuses), statuses
    reply = httpx.get(f"{target.url}/v2/models/..%2f..%2f..%2fetc%2fpasswd", timeout=30)
    assert 400 <= reply.status_code < 500
    assert "root:" not in reply.text


def assert_refused(target: Target, message: bytes) -> None:
    """A client's error whose body is `{"error": …}`, and no echo of all that was sent."""
    replies = talk(target, message)
    assert [400 <= status < 500 or status == 501 for status, _ in replies] == [True], replies
    status, body = replies[0]
    assert isinstance(json.loads(body)["error"], str), (status, body)
    assert len(body) < 10_000
