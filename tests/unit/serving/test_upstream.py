"""A candidate that closes connections: what it kept open for the next request is no failure, what it fails is one.

Its end of a connection is a plain socket here, so that it can close in the same instant as a request is written.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Any, cast

import pytest
import uvloop

from modelward_contracts.traffic import Target
from modelward_serving.http.messages import Request
from modelward_serving.monitor.counters import ForwardCounts
from modelward_serving.traffic.breaker import Breaker
from modelward_serving.traffic.forward import Candidate, Local

ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


def close(connection: socket.socket) -> None:
    connection.close()


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Asked:
    """A request, and which of the two sides answered it."""

    method, target, body = b"POST", b"/", b"{}"
    headers: dict[bytes, bytes] = {}
    started = 0.0
    lost, port = False, None

    def __init__(self) -> None:
        self.answered: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.connection: Any = self

    def relay(self, status: int, headers: Any, body: bytes) -> None:
        self.answered.set_result("candidate")

    def finish(self, data: bytes, close: bool) -> None:
        self.answered.set_result("stable")


class Own:
    def score(self, request: Any) -> None:
        request.connection.finish(b"HTTP/1.1 200 OK\r\n\r\n", False)

    def validate(self, request: Any) -> None: ...


class Setup:
    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.counts = ForwardCounts()
        target = Target(revision="r2", host="127.0.0.1", port=self.listener.getsockname()[1])
        loop = asyncio.get_running_loop()
        self.candidate = Candidate(loop, target, self.counts, cast(Local, Own()), lambda: 5.0, Breaker())

    async def accepted(self) -> socket.socket:
        connection, _ = await asyncio.get_running_loop().sock_accept(self.listener)
        return connection

    def forward(self) -> Asked:
        asked = Asked()
        self.candidate.forward(cast(Request, asked))
        return asked

    async def kept(self, used: bool) -> socket.socket:
        """The candidate's end of a connection that waits for a request."""
        if not used:
            self.candidate.pool.prepare()
            connection = await self.accepted()
            await asyncio.sleep(0.05)
            return connection
        asked = self.forward()
        connection = await self.accepted()
        await self.answer(connection)
        assert await asked.answered == "candidate"
        return connection

    async def answer(self, connection: socket.socket) -> None:
        assert await asyncio.get_running_loop().sock_recv(connection, 65536)
        connection.sendall(ANSWER)

    def end(self) -> None:
        self.candidate.close()
        self.listener.close()


@pytest.mark.parametrize("used", [True, False], ids=["used", "prepared"])
@pytest.mark.parametrize("ends", [close, reset])
@pytest.mark.parametrize("moment", ["long before", "just before", "just after", "when read"])
def test_kept_connection_that_the_candidate_closes_is_no_failure(
    moment: str, ends: Callable[[socket.socket], None], used: bool
) -> None:
    async def run() -> None:
        setup = Setup()
        connection = await setup.kept(used)
        if moment == "long before":
            ends(connection)
            await asyncio.sleep(0.05)
        elif moment == "just before":  # the loop has no turn to hear of it
            ends(connection)
        asked = setup.forward()
        if moment == "just after":
            ends(connection)
        elif moment == "when read":
            assert await asyncio.get_running_loop().sock_recv(connection, 65536)
            ends(connection)
        second = await setup.accepted()
        await setup.answer(second)
        assert await asked.answered == "candidate"
        assert (setup.counts.attempts, setup.counts.answered, setup.counts.failures) == (1 + used, 1 + used, {})
        second.close()
        setup.end()

    uvloop.run(asyncio.wait_for(run(), 10))


@pytest.mark.parametrize("ends", [close, reset])
def test_candidate_that_closes_every_new_connection_fails_each_request_once(
    ends: Callable[[socket.socket], None],
) -> None:
    async def run() -> None:
        setup = Setup()

        async def hang_up() -> None:
            while True:
                ends(await setup.accepted())

        hanging_up = asyncio.create_task(hang_up())
        for _ in range(4):
            assert await setup.forward().answered == "stable"
        await asyncio.sleep(0)  # a failure is counted when its answer is out
        assert setup.counts.failures == {"connect": 4}
        hanging_up.cancel()
        setup.end()

    uvloop.run(asyncio.wait_for(run(), 10))


def test_connection_that_is_lost_while_it_opens_is_a_failure_at_once() -> None:
    """The peer's reset may come between the opening and who waited for it."""

    async def run() -> None:
        setup = Setup()
        opened: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        create = asyncio.get_running_loop().create_connection

        class Loop:
            async def create_connection(self, *arguments: Any) -> Any:
                result = await create(*arguments)
                reset(await setup.accepted())
                await asyncio.sleep(0.05)
                return result

            def __getattr__(self, name: str) -> Any:
                return getattr(asyncio.get_running_loop(), name)

        setup.candidate.pool._loop = cast(asyncio.AbstractEventLoop, Loop())
        setup.candidate.pool.connect(opened.set_result)
        assert await opened is None
        setup.end()

    uvloop.run(asyncio.wait_for(run(), 10))
