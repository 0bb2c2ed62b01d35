"""Hostile clients: what this server promises beyond tests/hostile, which holds for every server."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from benchmarks.serving.process import free_port
from modelward_serving.http.connection import TURNED_AWAY, Connection, Port
from modelward_serving.http.limits import Limits
from modelward_serving.http.messages import Request
from modelward_serving.process.room import RESERVE

from .models import bare, linear
from .processes import ROOT, ROW, Running, serving

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


def test_oversized_body_is_refused_before_it_is_read(server: Running) -> None:
    head = message(server, b"").replace(b"Content-Length: 0", b"Content-Length: 10737418240")
    assert status_of(talk(server, head)) == 413


@pytest.mark.parametrize("path", [None, "/predict"])
def test_more_json_than_can_be_read_in_a_moment_is_refused(server: Running, path: str | None) -> None:
    body = b'{"inputs":[{"name":"x","datatype":"FP32","shape":[1,3],"data":[%b[]]}]}' % (b"[]," * 3_000_000)
    reply = talk(server, message(server, body, path=path))
    assert status_of(reply) == 413
    assert b"as binary data, or fewer rows" in reply


def test_endless_chunks_are_cut_off(server: Running) -> None:
    head = f"POST {server.infer_path} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    chunk = b"100000\r\n" + b" " * (1 << 20) + b"\r\n"
    assert status_of(talk(server, head, *[chunk] * 70)) == 413


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


def test_target_that_names_the_server_too_is_the_path_it_names(server: Running) -> None:
    for base in ("http://x", f"HTTP://127.0.0.1:{server.port}", "https://other.example:8443"):
        assert status_of(talk(server, message(server, GOOD, path=base + server.infer_path))) == 200
        assert status_of(talk(server, message(server, b'{"x":[1,2,3]}', path=base + "/predict?a=/b"))) == 200
        assert status_of(talk(server, message(server, GOOD, path=base))) == 405
    assert status_of(talk(server, message(server, GOOD, path="ftp://x" + server.infer_path))) == 404


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


@pytest.mark.parametrize(
    ("lines", "continues"),
    [
        (["Expect: 100-continue"], 1),
        (["Expect: 100-Continue", "Expect: 100-continue"], 1),
        (["Expect: 100-continue", "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAM"], 1),
        (["Connection: Upgrade", "Upgrade: websocket"], 0),
    ],
    ids=["once", "twice", "with an upgrade", "upgrade alone"],
)
def test_client_is_told_to_continue_once(server: Running, lines: list[str], continues: int) -> None:
    head, body = message(server, GOOD, *lines).split(b"\r\n\r\n")
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
        client.sendall(head + b"\r\n\r\n")
        time.sleep(0.1)
        client.sendall(body)
        answer = b""
        while b'"outputs"' not in answer:
            answer += client.recv(65536)
    assert answer.count(b"100 Continue") == continues
    assert answer.count(b"HTTP/1.1 200 OK") == 1


def test_client_with_nothing_to_send_or_of_http_1_0_is_not_told_to_continue(server: Running) -> None:
    empty = b"POST /predict HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n"
    assert status_of(talk(server, empty)) == 400
    old = message(server, GOOD, "Expect: 100-continue").replace(b"HTTP/1.1", b"HTTP/1.0")
    assert status_of(talk(server, old)) == 200
    assert status_of(talk(server, message(server, GOOD, "Expect: x").replace(b"HTTP/1.1", b"HTTP/1.0"))) == 200


def test_expectation_that_the_server_does_not_know_is_refused(server: Running) -> None:
    for expected in ("miracles", "100-continue, miracles", ""):
        assert status_of(talk(server, message(server, GOOD, f"Expect: {expected}"))) == 417


def test_connection_that_was_to_end_with_an_offered_upgrade_ends(server: Running) -> None:
    raw = message(server, GOOD, "Connection: close, Upgrade", "Upgrade: h2c")
    assert b"connection: close" in talk(server, raw)


def test_clients_that_vanish_leave_nothing_behind(server: Running) -> None:
    for _ in range(200):
        with socket.create_connection(("127.0.0.1", server.port), timeout=10) as client:
            client.sendall(message(server, GOOD)[:-5])
    deadline = time.monotonic() + 5
    while (snapshot := server.monitor()).connections and time.monotonic() < deadline:
        time.sleep(0.02)
    assert (snapshot.connections, snapshot.in_flight) == (0, 0)


@pytest.mark.parametrize("body", [b"[" * 250_000, b'{"rows":' + b"[" * 250_000 + b"]" * 250_000 + b"}", b"null", b"7"])
def test_plain_route_refuses_what_holds_no_rows(server: Running, body: bytes) -> None:
    assert status_of(talk(server, message(server, body, path="/predict"))) == 400


@pytest.mark.parametrize("sent", [b"", b"POST / HT", b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nabc"])
async def test_slow_clients_are_told_and_left(sent: bytes) -> None:
    async with listening(lambda request: request.respond(200, b"{}")) as (port, address):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(sent)
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        assert status_of(answer) == (408 if sent else 0)
        await until(lambda: not port.connections)


async def test_clients_beyond_the_limit_are_told_to_come_again(server: Running) -> None:
    async with listening(lambda request: request.respond(200, b"{}"), connections=2) as (port, address):
        streams = [await asyncio.open_connection(*address) for _ in range(2)]
        await until(lambda: len(port.connections) == 2)
        reader, third = await asyncio.open_connection(*address)
        third.write(b"GET / HTTP/1.1\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), 5)
        assert status_of(answer) == 503
        assert b"retry-after: 1\r\n" in answer
        third.close()
        flood = [await asyncio.open_connection(*address) for _ in range(TURNED_AWAY + 20)]
        await until(lambda: port.turned_away == TURNED_AWAY + 21)
        assert len(port.connections) <= 2 + TURNED_AWAY
        for _, writer in [*streams[1:], *flood]:
            writer.close()
        await until(lambda: len(port.connections) == 1)
        streams[0][1].write(b"GET / HTTP/1.1\r\n\r\n")  # who was there before is still served
        assert status_of(await asyncio.wait_for(streams[0][0].read(100), 5)) == 200
        streams[0][1].close()


def test_room_for_clients_follows_the_limit_of_open_files_and_is_counted(tmp_path: Path) -> None:
    limited = ("prlimit", f"--nofile={RESERVE + 40}")
    with serving(bare(tmp_path / "m", linear()), within=limited) as few, ExitStack() as clients:
        for _ in range(20):
            clients.enter_context(socket.create_connection(("127.0.0.1", few.port), timeout=10))
        refused = clients.enter_context(socket.create_connection(("127.0.0.1", few.port), timeout=10))
        assert status_of(refused.recv(1000)) == 503
        assert "modelward_connections_refused_total 1.0" in httpx.get(f"{few.admin}/metrics").text


def test_slow_clients_of_a_server_that_still_loads_are_left_too(tmp_path: Path) -> None:
    folder = bare(tmp_path / "m", b"")
    (folder / "model.onnx").unlink()
    os.mkfifo(folder / "model.onnx")  # nobody writes it
    port = free_port()
    command = [sys.executable, "-m", "modelward_serving", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    command += ["--max-receive-seconds", "0.3"]
    environment = os.environ | {"PYTHONPATH": f"{ROOT}/operator:{ROOT}/serving"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            with connected(port) as client:
                client.sendall(b"POST / HT")
                assert status_of(client.recv(1000)) == 408
        finally:
            process.kill()


def connected(port: int, seconds: float = 10.0) -> socket.socket:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=10)
        except ConnectionRefusedError:
            assert time.monotonic() < deadline
            time.sleep(0.02)


async def test_a_client_that_never_reads_is_left(server: Running) -> None:
    async with listening(lambda request: request.respond(200, b" " * (20 << 20))) as (port, address):
        _, writer = await asyncio.open_connection(*address, limit=1000)
        writer.write(b"GET / HTTP/1.1\r\n\r\n" * 20)
        await until(lambda: bool(port.connections))
        await until(lambda: not port.connections)
        writer.close()


@asynccontextmanager
async def listening(
    handle: Callable[[Request], None], connections: int | None = None
) -> AsyncIterator[tuple[Port, tuple[str, int]]]:
    """A port with little patience, swept as the server does. One with few `connections` has patience."""
    limits = Limits(receive_seconds=0.3, idle_seconds=0.6) if connections is None else Limits(connections=connections)
    port = Port("data", handle, limits)
    listener = await asyncio.get_running_loop().create_server(lambda: Connection(port), "127.0.0.1", 0)

    async def sweep() -> None:
        while True:
            await asyncio.sleep(0.05)
            port.sweep(time.perf_counter())

    sweeper = asyncio.create_task(sweep())
    try:
        yield port, listener.sockets[0].getsockname()
    finally:
        sweeper.cancel()
        listener.close()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
