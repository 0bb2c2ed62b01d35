"""Real servers in processes of their own, and the clients and candidates that tests put around them."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import httpx

from benchmarks.serving.process import free_port
from benchmarks.traffic.signer import Signer
from benchmarks.traffic.stub import requests
from modelward_contracts.monitor import Snapshot
from modelward_contracts.traffic import Traffic
from modelward_contracts.wire import decode

ROOT = Path(__file__).parents[3]
ROW = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 3], "data": [1.0, 2.0, 3.0]}]}


@dataclass
class Running:
    """A server process."""

    process: subprocess.Popen[bytes]
    port: int
    direct_port: int
    admin_port: int
    name: str
    revision: str
    log: Path

    @property
    def data(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def direct(self) -> str:
        return f"http://127.0.0.1:{self.direct_port}"

    @property
    def admin(self) -> str:
        return f"http://127.0.0.1:{self.admin_port}"

    @property
    def infer_path(self) -> str:
        return f"/v2/models/{self.name}/infer"

    def infer(self, body: Any = ROW, **arguments: Any) -> httpx.Response:
        return httpx.post(self.data + self.infer_path, json=body, **arguments)

    def monitor(self) -> Snapshot:
        return decode(httpx.get(f"{self.admin}/monitor").content, Snapshot)

    def wait_until_ready(self, seconds: float = 20.0, address: str = "127.0.0.1") -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log.read_text()
            try:
                if httpx.get(f"http://{address}:{self.admin_port}/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.02)
        raise AssertionError(f"not ready: {self.log.read_text()}")

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)


@contextmanager
def serving(
    folder: Path,
    *arguments: str,
    name: str = "m",
    revision: str = "r1",
    ready: bool = True,
    within: tuple[str, ...] = (),
) -> Iterator[Running]:
    """`within`: a command that runs the server's."""
    ports = [free_port() for _ in range(3)]
    log = folder.parent / f"{folder.name}-{revision}-{ports[0]}.log"
    command = [*within, sys.executable, "-m", "modelward_serving", str(folder), "--host", "127.0.0.1", "--name", name]
    for option, port in zip(("--port", "--direct-port", "--admin-port"), ports, strict=True):
        command += [option, str(port)]
    command += ["--revision", revision, "--deployment", "ns/d", *arguments]
    environment = os.environ | {
        "PYTHONPATH": f"{ROOT}/operator:{ROOT}/serving",
        "MODELWARD_TERMINATION_LOG": str(log.with_suffix(".termination")),
        "POD_NAME": f"pod-{revision}",
    }
    with log.open("wb") as output, subprocess.Popen(command, env=environment, stderr=output) as process:
        running = Running(process, *ports, name=name, revision=revision, log=log)
        try:
            if ready:
                running.wait_until_ready()
            yield running
        finally:
            process.kill()


class Operator(Signer):
    """Pushes settings, as the operator does."""

    def push(self, server: Running, traffic: Traffic) -> httpx.Response:
        return httpx.put(f"{server.admin}/traffic", content=self.signed(traffic))

    def split(self, server: Running, port: int | None, weight: int, **fields: Any) -> None:
        """In force, and the candidate reached."""
        response = self.push(server, self.setting(port, weight, **fields))
        assert response.status_code == 200, response.text
        deadline = time.monotonic() + 10
        while not all(forwards.reached for forwards in server.monitor().forwards.values()):
            assert time.monotonic() < deadline, "the candidate cannot be reached"
            time.sleep(0.005)


@dataclass
class Answers:
    """What a load of requests got."""

    revisions: dict[str, int] = field(default_factory=dict)
    statuses: dict[int, int] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def quantile(self, q: float) -> float:
        return sorted(self.seconds)[int(q * (len(self.seconds) - 1))]


async def load(
    server: Running,
    total: int,
    connections: int = 8,
    headers: dict[str, str] | None = None,
    rate: float | None = None,
    body: Any = ROW,
) -> Answers:
    """`total` requests over kept-alive connections; with `rate`, spread evenly over time."""
    answers, payload = Answers(), json.dumps(body).encode()
    lines = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    head = f"POST {server.infer_path} HTTP/1.1\r\nhost: x\r\n{lines}content-length: {len(payload)}\r\n\r\n".encode()
    numbers = iter(range(total))
    started = time.perf_counter()

    async def client() -> None:
        stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        for number in numbers:
            if rate is not None:
                await asyncio.sleep(max(0.0, started + number / rate - time.perf_counter()))
            began = time.perf_counter()
            try:
                stream = stream or await asyncio.open_connection("127.0.0.1", server.port)
                status, reply_headers = await exchange(*stream, head + payload)
            except (OSError, asyncio.IncompleteReadError) as error:
                answers.errors.append(repr(error))
                stream = None
                continue
            answers.seconds.append(time.perf_counter() - began)
            answers.statuses[status] = answers.statuses.get(status, 0) + 1
            revision = reply_headers.get("modelward-revision", "")
            answers.revisions[revision] = answers.revisions.get(revision, 0) + 1
            if reply_headers.get("connection") == "close":
                stream[1].close()
                stream = None
        if stream is not None:
            stream[1].close()

    await asyncio.gather(*(client() for _ in range(connections)))
    return answers


async def exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, message: bytes
) -> tuple[int, dict[str, str]]:
    writer.write(message)
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    await reader.readexactly(int(headers["content-length"]))
    return int(head[0].split()[1]), headers


Mode = Literal["ok", "error", "hang", "reject", "garbage", "drop", "forget", "half"]


@dataclass
class Candidate:
    """A scoring server of another revision with a fault."""

    mode: Mode
    port: int = 0
    seen: int = 0
    connections: int = 0
    targets: list[str] = field(default_factory=list)
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        number = 0
        async with requests(reader, writer) as heads:
            async for head in heads:
                number += 1
                if self.mode == "forget" and number == 3:  # as if it had been closed while it was idle
                    raise ConnectionError
                self.seen += 1
                self.targets.append(head.split()[1])
                await self.answer(writer)

    async def answer(self, writer: asyncio.StreamWriter) -> None:
        if self.mode == "hang":
            await self.closed.wait()
        if self.mode in ("hang", "drop"):
            raise ConnectionError
        if self.mode == "garbage":
            writer.write(b"nonsense\r\n\r\n")
            raise ConnectionError
        status = {"error": "500 Oops", "reject": "400 Bad Request"}.get(self.mode, "200 OK")
        if self.mode == "half" and self.seen % 2:
            status = "500 Oops"
        writer.write(f"HTTP/1.1 {status}\r\nmodelward-revision: r2\r\ncontent-length: 2\r\n\r\n{{}}".encode())


@asynccontextmanager
async def candidate(mode: Mode, port: int = 0) -> AsyncIterator[Candidate]:
    stub = Candidate(mode)
    server = await asyncio.start_server(stub.handle, "127.0.0.1", port)
    stub.port = server.sockets[0].getsockname()[1]
    try:
        yield stub
    finally:
        stub.closed.set()
        server.close()
