"""`exec` over a real WebSocket, with frames as an API server sends them."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from kubernetes.aio.client import Configuration

from modelward.clients.exec import output
from modelward.errors import Refused, Unavailable

PATH = "/api/v1/namespaces/ns/pods/reader/exec"
SUCCESS = b"\x03" + json.dumps({"status": "Success"}).encode()


class Server:
    """Sends `frames` to whoever runs a command."""

    frames: list[bytes]
    status = 101

    def __init__(self) -> None:
        self.asked: list[Any] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append((request.path, request.query.getall("command"), request.headers["Authorization"]))
        if self.status != 101:
            return web.Response(status=self.status)
        socket = web.WebSocketResponse(protocols=["v4.channel.k8s.io"])
        await socket.prepare(request)
        for frame in self.frames:
            await socket.send_bytes(frame)
        await socket.close()
        return socket


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    application = web.Application()
    application.router.add_get(PATH, made.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.configuration = Configuration(host=site.name)  # type: ignore[attr-defined]
    port = runner.addresses[0][1]
    made.configuration.host = f"http://127.0.0.1:{port}"  # type: ignore[attr-defined]
    made.configuration.api_key = {"BearerToken": "Bearer t"}  # type: ignore[attr-defined]
    yield made
    await runner.cleanup()


async def said(server: Any) -> bytes:
    return b"".join([part async for part in output(server.configuration, "ns", "reader", ["cat", "/store/a b"])])


async def test_bytes_come_as_they_are(server: Server) -> None:
    data = bytes(range(256)) * 2000
    server.frames = [b"\x01" + data[at : at + 32_000] for at in range(0, len(data), 32_000)] + [SUCCESS]
    assert await said(server) == data
    assert server.asked == [(PATH, ["cat", "/store/a b"], "Bearer t")]


async def test_command_that_fails_is_told_in_its_own_words(server: Server) -> None:
    failed = {"status": "Failure", "message": "command terminated with exit code 1"}
    server.frames = [b"\x02cat: /store/a b: No such file\n", b"\x03" + json.dumps(failed).encode()]
    with pytest.raises(Refused, match="the command in pod reader failed: cat: /store/a b: No such file"):
        await said(server)


async def test_who_may_not_is_told_so(server: Server) -> None:
    server.status = 403
    with pytest.raises(Refused, match="the API server refused exec in pod reader"):
        await said(server)


async def test_silence_is_unavailable() -> None:
    nobody = Configuration()
    nobody.host = "http://127.0.0.1:1"
    with pytest.raises(Unavailable, match="exec in pod reader"):
        [part async for part in output(nobody, "ns", "reader", ["true"])]
