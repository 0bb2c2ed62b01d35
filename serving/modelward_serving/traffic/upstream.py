"""Kept-alive connections to the candidate's servers."""

import asyncio
import random
import socket
from collections import deque
from collections.abc import Callable
from time import perf_counter
from typing import Protocol

import httptools

MAX_AGE = 30.0
"""Seconds until a connection is replaced, so that each of the candidate's pods gets its share, new ones too."""
IDLE_AGE = 20.0
MAX_REPLY = 256 << 20
RESOLVED_FOR = 5.0
REACH_AGAIN = 0.2
"""Seconds between attempts to reach a host for the first time."""


class Receiver(Protocol):
    """Who waits for a reply. Exactly one of the two is called, once."""

    def replied(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None: ...

    def broken(self, cause: str, unanswered: bool) -> None:
        """`unanswered`: a kept connection that closed without a byte of this reply."""


class Upstream(asyncio.Protocol):
    """One connection; one exchange at a time."""

    __slots__ = (
        "_body", "_born", "_headers", "_heard", "_keep_alive", "_parser", "_pool", "_receiver", "_status", "_transport",
        "idle_since", "kept",
    )  # fmt: skip

    def __init__(self, pool: "Pool") -> None:
        self._pool = pool
        self._receiver: Receiver | None = None
        self.kept = False
        """It has waited for its next request, and may have been closed meanwhile."""
        self._born = self.idle_since = perf_counter() - random.uniform(0, MAX_AGE / 4)  # noqa: S311

    def send(self, data: bytes, receiver: Receiver) -> None:
        self._receiver = receiver
        self._heard = False
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._body = bytearray()
        self._transport.write(data)

    def abort(self) -> None:
        """The exchange is given up; its connection may still carry a late reply, so it is of no further use."""
        self._receiver = None
        self._transport.abort()

    def usable(self, now: float) -> bool:
        return not self.lost and now - self._born < MAX_AGE and now - self.idle_since < IDLE_AGE

    @property
    def lost(self) -> bool:
        return self._transport.is_closing()

    def close(self) -> None:
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._parser = httptools.HttpResponseParser(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 — asyncio's signature
        self._pool.forget(self)
        self._fail("connect" if self._receiver is not None and not self._heard else "protocol")

    def data_received(self, data: bytes) -> None:
        if self._receiver is None:
            self._transport.abort()
            return
        self._heard = True
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._transport.abort()
            self._fail("protocol")
        else:
            if self._status:
                self._finish()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))

    def on_body(self, body: bytes) -> None:
        self._body += body
        if len(self._body) > MAX_REPLY:
            raise ValueError("the candidate's reply is too large")

    def on_message_complete(self) -> None:
        status = self._parser.get_status_code()
        if status < 200:
            self._headers = []
        else:
            self._status = status
            # Only known here: afterwards the parser stands before the next reply, and says no.
            self._keep_alive = self._parser.should_keep_alive()

    def _finish(self) -> None:
        receiver, self._receiver = self._receiver, None
        status, headers, body = self._status, self._headers, bytes(self._body)
        self.idle_since = perf_counter()
        if self._keep_alive:
            self._pool.give_back(self)
        else:
            self._transport.close()
        if receiver is not None:
            receiver.replied(status, headers, body)

    def _fail(self, cause: str) -> None:
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.broken(cause, unanswered=self.kept and not self._heard)


class Pool:
    """Connections to one host and port, used in turn."""

    def __init__(self, loop: asyncio.AbstractEventLoop, host: str, port: int, reached: bool = False) -> None:
        self._loop, self._port = loop, port
        self._host = host.removeprefix("[").removesuffix("]")
        shown = f"[{self._host}]" if ":" in self._host else self._host
        self.reached = reached
        """There has been a connection."""
        self.host_header = (shown if port == 80 else f"{shown}:{port}").encode()
        self._idle: deque[Upstream] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._addresses: tuple[list[str], float] = ([], 0.0)
        self._closed = False

    def idle(self) -> Upstream | None:
        now = perf_counter()
        while self._idle:
            upstream = self._idle.popleft()
            if upstream.usable(now):
                return upstream
            upstream.close()
        return None

    def connect(self, done: Callable[[Upstream | None], None]) -> None:
        """`done` is called with a new connection, or None where there can be none."""
        task = self._loop.create_task(self._connect(done))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def prepare(self) -> None:
        """Resolve the name and connect before the first request needs it, as often as it takes."""
        if not self._closed:
            self.connect(self._prepared)

    def _prepared(self, upstream: Upstream | None) -> None:
        if upstream is not None:
            self.reached = True
            self.give_back(upstream)
        elif not self.reached:
            self._loop.call_later(REACH_AGAIN, self.prepare)

    def give_back(self, upstream: Upstream) -> None:
        if self._closed:
            upstream.close()
        else:
            upstream.kept = True
            self._idle.append(upstream)

    def forget(self, upstream: Upstream) -> None:
        if upstream in self._idle:
            self._idle.remove(upstream)

    def close(self) -> None:
        self._closed = True
        while self._idle:
            self._idle.pop().close()

    async def _connect(self, done: Callable[[Upstream | None], None]) -> None:
        for address in await self._resolve():
            try:
                _, upstream = await self._loop.create_connection(lambda: Upstream(self), address, self._port)
            except OSError:
                continue  # a name may have an address of a family that nobody listens on
            done(None if upstream.lost else upstream)  # it may be closed as soon as it is open
            return
        self._addresses = ([], 0.0)
        done(None)

    async def _resolve(self) -> list[str]:
        """None where the name is not known."""
        addresses, until = self._addresses
        if perf_counter() > until:
            try:
                found = await self._loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
            except OSError:
                return []
            addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
            self._addresses = (addresses, perf_counter() + RESOLVED_FOR)
        return addresses
