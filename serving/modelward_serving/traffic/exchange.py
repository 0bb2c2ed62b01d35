"""One request to the candidate and its reply, by a deadline."""

import asyncio
from collections.abc import Callable
from time import perf_counter

from .upstream import Pool, Upstream

LATE = 0.005
GRACE = 0.010
"""A deadline that fires late means that this process was paused: replies may lie unread, so they get this long."""


class Exchange:
    """Ends in exactly one of `came` and `failed`, unless it is dropped. Implements `upstream.Receiver`."""

    __slots__ = ("_done", "_due", "_loop", "_message", "_pool", "_timer", "_upstream")

    def __init__(self, loop: asyncio.AbstractEventLoop, pool: Pool) -> None:
        self._loop, self._pool = loop, pool
        self._upstream: Upstream | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._done = False

    def came(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        raise NotImplementedError

    def failed(self, cause: str) -> None:
        """`connect`, `deadline` or `protocol`."""
        raise NotImplementedError

    def send(self, message: Callable[[], bytes], deadline: float) -> None:
        """`message` is asked for each time that it is written."""
        self._message = message
        self._due = perf_counter() + deadline
        self._timer = self._loop.call_later(deadline, self._late)
        upstream = self._pool.idle()
        if upstream is not None:
            self._send(upstream)
        else:
            self._pool.connect(self._connected)

    def end(self) -> None:
        self._done = True
        if self._timer is not None:
            self._timer.cancel()

    def drop(self) -> None:
        if self._upstream is not None:
            self._upstream.abort()
            self._upstream = None

    # upstream.Receiver

    def replied(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        if self._done:
            return
        self.end()
        if 300 <= status < 400:
            self.failed("protocol")
        else:
            self.came(status, headers, body)

    def broken(self, cause: str, unanswered: bool) -> None:
        if self._done:
            return
        self._upstream = None
        if unanswered:
            # The candidate closed an idle connection while this request was on its way: no fault, so once more.
            self._pool.connect(self._connected)
        else:
            self._fail(cause)

    def _connected(self, upstream: Upstream | None) -> None:
        if self._done:
            if upstream is not None:
                self._pool.give_back(upstream)
        elif upstream is None:
            self._fail("connect")
        else:
            self._send(upstream)

    def _send(self, upstream: Upstream) -> None:
        self._upstream = upstream
        upstream.send(self._message(), self)

    def _late(self) -> None:
        if perf_counter() - self._due > LATE:
            self._due = float("inf")
            self._timer = self._loop.call_later(GRACE, self._late)
            return
        self.drop()
        self._fail("deadline")

    def _fail(self, cause: str) -> None:
        if not self._done:
            self.end()
            self.failed(cause)
