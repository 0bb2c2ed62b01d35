"""Our own load: kept-alive connections that send one prebuilt request again and again.

`closed`: each connection sends when it has its answer; warms a server up. `constant`: requests begin at a fixed rate,
answered or not, and latency counts from when each should have begun; shows tails without coordinated omission.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import cast

import uvloop


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of a load."""

    requests: int
    seconds: float
    failures: int
    p50_ms: float
    p99_ms: float


@dataclass(slots=True)
class Outcome:
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    failures: int = 0


class Client(asyncio.Protocol):
    """One connection; one request at a time."""

    def __init__(self, request: bytes, outcome: Outcome, answered: Callable[["Client"], None]) -> None:
        self.request, self.outcome, self.answered = request, outcome, answered
        self.buffer, self.began = b"", 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def send(self, began: float) -> None:
        self.began = began
        self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        self.buffer = data = self.buffer + data if self.buffer else data
        head = data.find(b"\r\n\r\n")
        if head < 0 or len(data) < head + 4 + content_length(data, head):
            return
        self.buffer = b""
        self.outcome.latencies.append(time.perf_counter() - self.began)
        if data[9:12] != b"200":
            self.outcome.failures += 1
        self.answered(self)


def content_length(data: bytes, head: int) -> int:
    at = data.find(b"ontent-", 0, head)
    while data[at + 7 : at + 13].lower() != b"length":
        if at < 0:
            raise ValueError(f"an answer without content-length: {data[:head]!r}")
        at = data.find(b"ontent-", at + 1, head)
    return int(data[at + 14 : data.find(b"\r", at)])


def closed(port: int, request: bytes, connections: int, seconds: float) -> Answered:
    return _run(_closed(port, request, connections, seconds))


def constant(port: int, request: bytes, connections: int, seconds: float, rate: float) -> Answered:
    return _run(_constant(port, request, connections, seconds, rate))


def _run(load: Coroutine[None, None, Outcome]) -> Answered:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        outcome = runner.run(load)
    latencies = outcome.latencies
    p50, p99 = (quantile(latencies, q) * 1e3 if latencies else math.nan for q in (0.5, 0.99))
    return Answered(len(latencies), outcome.seconds, outcome.failures, p50, p99)


def quantile(values: Sequence[float], q: float) -> float:
    """The smallest value that at least a share `q` of all does not exceed."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(q * len(ranked)) - 1)]


async def _connect(port: int, make_client: Callable[[], Client], connections: int) -> list[Client]:
    loop = asyncio.get_running_loop()
    opened = [loop.create_connection(make_client, "127.0.0.1", port) for _ in range(connections)]
    return [client for _, client in await asyncio.gather(*opened)]


async def _closed(port: int, request: bytes, connections: int, seconds: float) -> Outcome:
    outcome = Outcome()
    started = time.perf_counter()
    end = started + seconds

    def again(client: Client) -> None:
        if (now := time.perf_counter()) < end:
            client.send(now)

    clients = await _connect(port, lambda: Client(request, outcome, again), connections)
    for client in clients:
        client.send(time.perf_counter())
    await asyncio.sleep(seconds)
    outcome.seconds = time.perf_counter() - started
    for client in clients:
        client.transport.abort()
    return outcome


async def _constant(port: int, request: bytes, connections: int, seconds: float, rate: float) -> Outcome:
    outcome = Outcome()
    due: deque[float] = deque()
    idle: deque[Client] = deque()

    def free(client: Client) -> None:
        if due:
            client.send(due.popleft())
        else:
            idle.append(client)

    clients = await _connect(port, lambda: Client(request, outcome, free), connections)
    idle.extend(clients)
    started = time.perf_counter()
    for number in range(int(rate * seconds)):
        intended = started + number / rate
        if (wait := intended - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        due.append(intended)
        if idle:
            idle.popleft().send(due.popleft())
    for _ in range(100):  # a second for what is still under way
        if len(idle) == connections:
            break
        await asyncio.sleep(0.01)
    outcome.seconds = time.perf_counter() - started
    outcome.failures += len(due) + connections - len(idle)
    for client in clients:
        client.transport.abort()
    return outcome
