"""An open loop that survives its servers: a constant rate, connections that are replaced when a server closes them."""

import asyncio
import random
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import cast

from benchmarks.serving.load import content_length


@dataclass(slots=True)
class Outcome:
    latencies: list[float] = field(default_factory=list)
    """From when each request should have begun."""
    statuses: Counter[int] = field(default_factory=Counter)
    by_revision: dict[bytes, int] = field(default_factory=dict)
    bodies: Counter[bytes] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    """Requests that were sent and got no answer, and connections that could not be made."""


class Connection(asyncio.Protocol):
    def __init__(self, loop: "OpenLoop") -> None:
        self.loop = loop
        self.intended: float | None = None
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def send(self, intended: float) -> None:
        self.intended = intended
        self.transport.write(self.loop.request)

    def data_received(self, data: bytes) -> None:
        self.buffer = data = self.buffer + data
        head = data.find(b"\r\n\r\n")
        if head < 0 or len(data) < head + 4 + content_length(data, head) or self.intended is None:
            return
        self.buffer = b""
        self.loop.answered(self, data[:head], data[head + 4 :], self.intended)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.intended is not None:
            self.loop.outcome.errors[f"no answer: {exc!r}"] += 1
        self.loop.lost(self)


class OpenLoop:
    """`ports`: where new connections go, in turn; may change at any time, as endpoints of a Service do."""

    def __init__(self, ports: list[int], request: bytes, connections: int) -> None:
        self.ports, self.request, self.outcome = ports, request, Outcome()
        self._wanted, self._open, self._opening = connections, 0, 0
        self._idle: deque[Connection] = deque()
        self._due: deque[float] = deque()
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, rate: float, seconds: float) -> Outcome:
        for _ in range(self._wanted):
            self._replace()
        await asyncio.gather(*self._tasks)
        started, number = time.perf_counter(), 0
        while (elapsed := time.perf_counter() - started) < seconds:
            while number < elapsed * rate:
                self._due.append(started + number / rate)
                number += 1
            self._dispatch()
            await asyncio.sleep(0.001)
        for _ in range(6000):  # what is late is still to be answered
            if not self._due and len(self._idle) == self._open:
                break
            await asyncio.sleep(0.01)
        unanswered = len(self._due) + self._open - len(self._idle)
        if unanswered:
            self.outcome.errors["unanswered at the end"] += unanswered
        for connection in list(self._idle):
            connection.transport.abort()
        return self.outcome

    def answered(self, connection: Connection, head: bytes, body: bytes, intended: float) -> None:
        connection.intended = None
        outcome = self.outcome
        outcome.latencies.append(time.perf_counter() - intended)
        outcome.bodies[body] += 1
        outcome.statuses[int(head[9:12])] += 1
        at = head.find(b"modelward-revision: ")
        revision = head[at + 20 : at + 22] if at >= 0 else b""
        outcome.by_revision[revision] = outcome.by_revision.get(revision, 0) + 1
        if b"connection: close" in head:
            connection.transport.close()
        elif self._due:
            connection.send(self._due.popleft())
        else:
            self._idle.append(connection)

    def lost(self, connection: Connection) -> None:
        self._open -= 1
        if connection in self._idle:
            self._idle.remove(connection)
        self._replace()

    def _dispatch(self) -> None:
        while self._due and self._idle:
            connection = self._idle.popleft()
            if not connection.transport.is_closing():
                connection.send(self._due.popleft())

    def _replace(self) -> None:
        if self._open + self._opening < self._wanted:
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
            self._opening -= 1
            return
        self._opening -= 1
        self._open += 1
        self._idle.append(connection)
        self._dispatch()


async def dying_client(port: int, request: bytes) -> None:
    """Sends all or a part of a request and is gone before the answer."""
    try:
        transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, "127.0.0.1", port)
        transport.write(request[: random.randint(1, len(request))])
        await asyncio.sleep(random.choice((0.0, 0.001, 0.2)))
        transport.abort()
    except OSError:
        pass
