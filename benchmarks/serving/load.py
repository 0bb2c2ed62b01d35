"""Our own load: kept-alive connections that send one prebuilt request again and again, and are replaced when a server
closes them.

`ClosedLoop`: each connection sends when it has its answer; warms a server up. `OpenLoop`: requests begin at a fixed
rate, answered or not, and latency counts from when each should have begun; shows tails without coordinated omission.
"""

import asyncio
import math
import random
import time
from collections import Counter, deque
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import cast

import uvloop


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of a load, in numbers."""

    requests: int
    seconds: float
    failures: int
    p50_ms: float
    p99_ms: float


@dataclass(slots=True)
class Outcome:
    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    """From when each request should have begun."""
    statuses: Counter[int] = field(default_factory=Counter)
    by_revision: Counter[bytes] = field(default_factory=Counter)
    bodies: Counter[bytes] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    """Requests that were sent and got no answer, and connections that could not be made."""

    @property
    def failures(self) -> int:
        return sum(self.errors.values()) + sum(count for status, count in self.statuses.items() if status != 200)


class Connection(asyncio.Protocol):
    """One request at a time."""

    def __init__(self, load: "Load") -> None:
        self.load = load
        self.intended: float | None = None
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def send(self, intended: float) -> None:
        self.intended = intended
        self.transport.write(self.load.request)

    def data_received(self, data: bytes) -> None:
        self.buffer = data = self.buffer + data if self.buffer else data
        head = data.find(b"\r\n\r\n")
        if head < 0 or len(data) < head + 4 + content_length(data, head) or self.intended is None:
            return
        self.buffer = b""
        intended, self.intended = self.intended, None
        self.load.answered(self, data[:head], data[head + 4 :], intended)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.intended is not None:
            self.load.outcome.errors[f"no answer: {exc!r}"] += 1
        self.load.lost(self)


class Load:
    """`ports`: where new connections go, at random; may change at any time, as endpoints of a Service do."""

    def __init__(self, ports: list[int], request: bytes, connections: int) -> None:
        self.ports, self.request, self.outcome = ports, request, Outcome()
        self._wanted, self._opening = connections, 0
        self._open: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    def free(self, connection: Connection) -> None:
        """It is open, and has no request under way."""
        raise NotImplementedError

    def answered(self, connection: Connection, head: bytes, body: bytes, intended: float) -> None:
        outcome = self.outcome
        outcome.latencies.append(time.perf_counter() - intended)
        outcome.statuses[int(head[9:12])] += 1
        outcome.bodies[body] += 1
        at = head.find(b"modelward-revision: ")
        outcome.by_revision[head[at + 20 : at + 22] if at >= 0 else b""] += 1
        if b"connection: close" in head:
            connection.transport.close()
        else:
            self.free(connection)

    def lost(self, connection: Connection) -> None:
        self._open.discard(connection)
        self._replace()

    async def _connect_all(self) -> float:
        """When the load begins."""
        for _ in range(self._wanted):
            self._replace()
        await asyncio.gather(*self._tasks)
        return time.perf_counter()

    def _end(self, started: float) -> Outcome:
        self.outcome.seconds = time.perf_counter() - started
        self._wanted = 0
        for connection in self._open:
            connection.intended = None
            connection.transport.abort()
        return self.outcome

    def _replace(self) -> None:
        if len(self._open) + self._opening < self._wanted:
            self._opening += 1
            task = asyncio.get_running_loop().create_task(self._connect())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _connect(self) -> None:
        try:
            _, connection = await asyncio.get_running_loop().create_connection(
                lambda: Connection(self), "127.0.0.1", random.choice(self.ports)
            )
        except OSError as error:
            self.outcome.errors[f"connect: {error!r}"] += 1
        else:
            self._open.add(connection)
            self.free(connection)
        finally:
            self._opening -= 1


class ClosedLoop(Load):
    _end_at = 0.0
    """0 as long as the connections are made."""

    async def run(self, seconds: float) -> Outcome:
        started = await self._connect_all()
        self._end_at = started + seconds
        for connection in list(self._open):
            self.free(connection)
        await asyncio.sleep(seconds)
        return self._end(started)

    def free(self, connection: Connection) -> None:
        if (now := time.perf_counter()) < self._end_at:
            connection.send(now)


class OpenLoop(Load):
    def __init__(self, ports: list[int], request: bytes, connections: int) -> None:
        super().__init__(ports, request, connections)
        self._idle: deque[Connection] = deque()
        self._due: deque[float] = deque()

    async def run(self, rate: float, seconds: float) -> Outcome:
        started = await self._connect_all()
        for number in range(int(rate * seconds)):
            intended = started + number / rate
            if (wait := intended - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            self._due.append(intended)
            self._dispatch()
        for _ in range(6000):  # what is late is still to be answered
            if not self._due and len(self._idle) == len(self._open):
                break
            await asyncio.sleep(0.01)
        if unanswered := len(self._due) + len(self._open) - len(self._idle):
            self.outcome.errors["unanswered at the end"] += unanswered
        return self._end(started)

    def free(self, connection: Connection) -> None:
        self._idle.append(connection)
        self._dispatch()

    def lost(self, connection: Connection) -> None:
        if connection in self._idle:
            self._idle.remove(connection)
        super().lost(connection)

    def _dispatch(self) -> None:
        while self._due and self._idle:
            connection = self._idle.popleft()
            if not connection.transport.is_closing():
                connection.send(self._due.popleft())


def content_length(data: bytes, head: int) -> int:
    at = data.find(b"ontent-", 0, head)
    while data[at + 7 : at + 13].lower() != b"length":
        if at < 0:
            raise ValueError(f"an answer without content-length: {data[:head]!r}")
        at = data.find(b"ontent-", at + 1, head)
    return int(data[at + 14 : data.find(b"\r", at)])


def closed(port: int, request: bytes, connections: int, seconds: float) -> Answered:
    return _run(ClosedLoop([port], request, connections).run(seconds))


def constant(port: int, request: bytes, connections: int, seconds: float, rate: float) -> Answered:
    return _run(OpenLoop([port], request, connections).run(rate, seconds))


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


async def dying_client(port: int, request: bytes) -> None:
    """Sends all or a part of a request and is gone before the answer."""
    try:
        transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, "127.0.0.1", port)
        transport.write(request[: random.randint(1, len(request))])
        await asyncio.sleep(random.choice((0.0, 0.001, 0.2)))
        transport.abort()
    except OSError:
        pass
