"""What hostile clients send. Afterwards the server still answers, and has not grown."""

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from .models import bare, linear
from .processes import ROW, Running, serving

GOOD = json.dumps(ROW).encode()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(bare(tmp_path_factory.mktemp("hostile") / "m", linear())) as running:
        yield running


@pytest.fixture(autouse=True)
def _still_answers(server: Running) -> Iterator[None]:
    server.infer()
    before = resident(server)
    yield
    assert server.infer().json()["outputs"][0]["data"] == [6.0]
    assert resident(server) - before < 100 << 20


def resident(server: Running) -> int:
    return int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]) * 4096


def talk(server: Running, *parts: bytes, seconds: float = 10.0) -> bytes:
    """Everything that comes back until the server closes, or has answered the last complete message."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=seconds) as client:
        for part in parts:
            try:
                client.sendall(part)
            except ConnectionError:
                break
        received = b""
        try:
            while chunk := client.recv(65536):
                received += chunk
                if b"\r\n\r\n" in received and b"100 Continue" not in received[:30]:
                    break
        except (TimeoutError, ConnectionError):
            pass
        return received


def message(server: Running, body: bytes, *headers: str, path: str | None = None) -> bytes:
    lines = "".join(f"{header}\r\n" for header in headers)
    target = path or server.infer_path
    return f"POST {target} HTTP/1.1\r\nHost: x\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


def status_of(reply: bytes) -> int:
    return int(reply.split(b" ", 2)[1]) if reply else 0


@pytest.mark.parametrize(
    "raw",
    [
        b"\0\1\2\3\r\n\r\n",
        b"GET\r\n\r\n",
        b"POST / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked, x\r\n\r\n",
    ],
)
def test_malformed_http_is_refused_and_the_connection_closed(server: Running, raw: bytes) -> None:
    assert status_of(talk(server, raw)) in (400, 413)


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
        b"[" * 250_000,
        b'{"a":' * 250_000,
        b'{"inputs":' + b"[" * 250_000 + b"]" * 250_000 + b"}",
        b'{"inputs":[{"name":"x","datatype":"FP32","shape":[1,3],"data":' + b"[" * 500 + b"1" + b"]" * 500 + b"}]}",
        b'{"inputs":[{"name":"x","datatype":"FP32","shape":[1,3],"data":' + b"[" * 5000 + b"1" + b"]" * 5000 + b"}]}",
        b'{"inputs":[' + b'{"name":"y"},' * 50_000 + b"{}]}",
        b'{"inputs":[{"name":"x","datatype":"FP32","shape":[1152921504606846976,3],"data":[1]}]}',
        b'{"inputs":[{"name":"x","datatype":"FP32","shape":[1e400,3],"data":[1]}]}',
        b'{"inputs":[{"name":"x","datatype":"FP32","shape":[' + b"1," * 100_000 + b'3],"data":[1]}]}',
        b'{"inputs":[{"name":"' + b"x" * 1_000_000 + b'","datatype":"FP32","shape":[1,3],"data":[1,2,3]}]}',
        b'{"id":"' + b"\\u0000" * 10 + b'","inputs":[]}',
    ],
)
def test_hostile_json_is_a_400_with_a_short_reason(server: Running, body: bytes) -> None:
    for path in (None, "/predict"):
        reply = talk(server, message(server, body, path=path))
        assert status_of(reply) == 400
        assert len(reply) < 10_000


def test_oversized_body_is_refused_before_it_is_read(server: Running) -> None:
    head = message(server, b"").replace(b"Content-Length: 0", b"Content-Length: 10737418240")
    assert status_of(talk(server, head)) == 413


def test_endless_chunks_are_cut_off(server: Running) -> None:
    head = f"POST {server.infer_path} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    chunk = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
    assert status_of(talk(server, head, *[chunk] * 70)) == 413


def test_very_many_chunks_are_one_body(server: Running) -> None:
    head = f"POST {server.infer_path} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    chunks = b"1\r\n \r\n" * 70_000 + b"%x\r\n%b\r\n0\r\n\r\n" % (len(GOOD), GOOD)
    assert status_of(talk(server, head + chunks)) == 200


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 200_000,
        b"GET / HTTP/1.1\r\nA: " + b"b" * 200_000,
        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 50_000,
    ],
)
def test_endless_heads_are_cut_off(server: Running, head: bytes) -> None:
    assert status_of(talk(server, head)) in (400, 431)


@pytest.mark.parametrize("name", ["..", "../../etc/passwd", "%2e%2e%2f", "m/../m", "m%00", "m\\..", "*" * 5000])
def test_path_tricks_in_names_find_nothing(server: Running, name: str) -> None:
    assert status_of(talk(server, message(server, GOOD, path=f"/v2/models/{name}/infer"))) in (400, 404)


def test_pipelined_requests_are_answered_in_order(server: Running) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        one = message(server, GOOD)
        bad = message(server, b"{}")
        client.sendall((one + bad) * 100)
        received = b""
        while received.count(b"HTTP/1.1 ") < 200:
            received += client.recv(65536)
    assert [int(part[:3]) for part in received.split(b"HTTP/1.1 ")[1:]] == [200, 400] * 100


def test_smuggled_second_request_is_not_seen(server: Running) -> None:
    body = b"0\r\n\r\nGET /v2 HTTP/1.1\r\n\r\n"
    reply = talk(server, message(server, body, "Transfer-Encoding : chunked"))
    assert status_of(reply) == 400
    assert reply.count(b"HTTP/1.1 ") == 1


def test_body_sent_byte_by_byte_is_a_request_like_any_other(server: Running) -> None:
    assert status_of(talk(server, *[bytes([byte]) for byte in message(server, GOOD)])) == 200


def test_offered_upgrade_is_not_taken(server: Running) -> None:
    raw = message(server, GOOD, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c")
    assert status_of(talk(server, raw)) == 200


def test_expect_continue_is_answered(server: Running) -> None:
    head, body = message(server, GOOD, "Expect: 100-continue").split(b"\r\n\r\n")
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(head + b"\r\n\r\n")
        assert b"100 Continue" in client.recv(1000)
        client.sendall(body)
        assert status_of(client.recv(65536)) == 200


def test_clients_that_vanish_leave_nothing_behind(server: Running) -> None:
    for _ in range(200):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
            client.sendall(message(server, GOOD)[:-5])
    deadline = time.monotonic() + 5
    while (snapshot := server.monitor()).connections and time.monotonic() < deadline:
        time.sleep(0.02)
    assert (snapshot.connections, snapshot.in_flight) == (0, 0)
