"""What one server does with one case: CPU per request, throughput, latencies; and its start and memory."""

import http.client
import time
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

from . import load, wrk
from .models import Published
from .process import cpu_seconds, memory_mb, wait_for
from .requests import differs
from .servers import Server

WARM_UP = 0.3
START_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Case:
    name: str
    model: str
    connections: int
    binary: bool = False
    share: float | None = None
    """Open loop at this share of the server's own closed-loop rate."""
    traced: bool = False
    """Each request's head has a trace id of its own, so that none was seen before."""
    only: tuple[str, ...] = ()
    """The servers that it is about; empty: all."""

    @property
    def asks(self) -> tuple[str, bool, bool]:
        """Cases that ask the same share a server's start."""
        return self.model, self.binary, self.traced

    def fits(self, server: Server) -> bool:
        return (server.binary or not self.binary) and (not self.only or server.name in self.only)


@dataclass(frozen=True, slots=True)
class Sample:
    cpu_us: float
    rate: float
    p50_ms: float
    p99_ms: float
    memory_mb: float
    failures: int


class Wrong(Exception):
    """A server that answers otherwise than onnxruntime is not measured."""


def measure(process: Popen[bytes], port: int, request: bytes, case: Case, seconds: int) -> Sample:
    warm = load.closed(port, request, case.connections, WARM_UP)
    before = cpu_seconds(process.pid)
    if case.share is None:
        answered = wrk.closed(port, request, case.connections, seconds)
    else:
        answered = load.constant(port, request, case.connections, seconds, case.share * warm.requests / warm.seconds)
    spent = cpu_seconds(process.pid) - before
    if not answered.requests:
        raise Wrong("no answer at all")
    return Sample(
        cpu_us=spent / answered.requests * 1e6,
        rate=answered.requests / answered.seconds,
        p50_ms=answered.p50_ms,
        p99_ms=answered.p99_ms,
        memory_mb=memory_mb(process.pid),
        failures=answered.failures,
    )


def first_answer(process: Popen[bytes], port: int, request: bytes, log: Path, began: float) -> tuple[bytes, float]:
    """The first good answer's body, and the seconds since the process began."""
    said = b""
    for _ in wait_for(START_SECONDS, "the server", process, log):
        try:
            status, said = exchange(port, request)
        except (OSError, http.client.HTTPException):
            continue
        if status == 200:
            return said, time.perf_counter() - began
        if status not in (404, 503):
            break
    raise Wrong(f"answers {status}: {said[:500]!r}")


def exchange(port: int, request: bytes) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.connect()
        connection.sock.sendall(request)
        response = http.client.HTTPResponse(connection.sock, method="POST")
        response.begin()
        return response.status, response.read()
    finally:
        connection.close()


def require_right(body: bytes, published: Published) -> None:
    if (difference := differs(body, published.outputs)) is not None:
        raise Wrong(difference)
