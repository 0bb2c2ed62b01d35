"""The scoring pods' client against a server on the loopback: what it sends, believes, and how long it waits."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from modelward.clients import scoring
from modelward.clients.scoring import ScoringPods, Signer
from modelward.errors import Unavailable
from modelward.observe.scoring_pods import address_of, host_port
from modelward_contracts.monitor import Histogram, Snapshot
from modelward_contracts.traffic import Traffic, verify
from modelward_contracts.wire import canonical

SETTING = Traffic(deployment="ns/flights", revision="a", epoch=7, weight=10)
SNAPSHOT = Snapshot(
    pod="pod",
    revision="a",
    model="sha256:0",
    profile="sha256:0",
    started=1.0,
    epoch=7,
    ready=True,
    scored={"200": 3},
    latency=Histogram(edges=[0.1], counts=[3, 0], sum=0.1),
    forwards={},
    connections=1,
    in_flight=0,
    signals=[],
)
Answer = Callable[[web.Request], Awaitable[web.Response]]
Serve = Callable[..., Awaitable[str]]
"""Of an Answer and, if it is another one, the address to listen at; gives host:port."""


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    key = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(key)
    return Signer(str(tmp_path / "key.pem"))


@pytest.fixture
async def pods(signer: Signer) -> AsyncIterator[ScoringPods]:
    async with ScoringPods(signer) as pods:
        yield pods


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    runners: list[web.AppRunner] = []

    async def serve(answer: Answer, host: str = "127.0.0.1") -> str:
        app = web.Application()
        app.add_routes([web.route("*", "/{path}", answer)])
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        runners.append(runner)
        await web.TCPSite(runner, host, 0).start()
        return host_port(host, runner.addresses[0][1])

    yield serve
    for runner in runners:
        await runner.cleanup()


async def test_setting_arrives_signed_and_its_epoch_is_confirmed(
    pods: ScoringPods, signer: Signer, serve: Serve
) -> None:
    got: list[tuple[str, str, Traffic]] = []

    async def answer(request: web.Request) -> web.Response:
        got.append((request.method, request.path, verify(await request.read(), [signer.public_keys.encode()])))
        return web.json_response({"epoch": 7})

    assert await pods.push(await serve(answer), SETTING) == 7

    assert got == [("PUT", "/traffic", SETTING)]


async def test_server_that_follows_a_newer_setting_tells_its_epoch(pods: ScoringPods, serve: Serve) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"epoch": 9}, status=409)

    assert await pods.push(await serve(answer), SETTING) == 9


@pytest.mark.parametrize("status", [403, 400, 500])
async def test_setting_that_is_not_taken_is_unavailable(pods: ScoringPods, serve: Serve, status: int) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, text="not signed by a key this server knows")

    with pytest.raises(Unavailable, match=f"{status} not signed"):
        await pods.push(await serve(answer), SETTING)


async def test_counters_are_read_over_one_connection(pods: ScoringPods, serve: Serve) -> None:
    connections = set()

    async def answer(request: web.Request) -> web.Response:
        connections.add(id(request.transport))
        return web.Response(body=canonical(SNAPSHOT))

    address = await serve(answer)

    assert [await pods.scrape(address) for _ in range(3)] == [SNAPSHOT] * 3
    assert len(connections) == 1


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"pod": 1}'])
async def test_answer_that_is_no_snapshot_is_none(pods: ScoringPods, serve: Serve, body: bytes) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=body)

    assert await pods.scrape(await serve(answer)) is None


async def test_endless_answer_is_cut_off(pods: ScoringPods, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scoring, "_LARGEST", 1000)

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=b" " * 2000 + canonical(SNAPSHOT))

    assert await pods.scrape(await serve(answer)) is None


async def test_pod_that_hangs_or_is_gone_holds_nobody_for_long(pods: ScoringPods) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hangs:  # accepts, and never answers
        addresses = [f"127.0.0.1:{hangs.getsockname()[1]}", "127.0.0.1:1"]
        async with asyncio.timeout(5):
            found = await asyncio.gather(*map(pods.scrape, addresses))

    assert found == [None, None]


async def test_missing_key_is_unavailable_and_named(tmp_path: Path) -> None:
    async with ScoringPods(Signer(str(tmp_path / "none.pem"))) as pods:
        with pytest.raises(Unavailable, match=r"none\.pem"):
            await pods.push("127.0.0.1:1", SETTING)


async def test_pods_that_speak_ipv6_only_are_read_and_told(pods: ScoringPods, serve: Serve) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"epoch": 7}) if request.method == "PUT" else web.Response(body=canonical(SNAPSHOT))

    address = await serve(answer, "::1")

    assert address.startswith("[::1]:")
    assert await pods.scrape(address) == SNAPSHOT
    assert await pods.push(address, SETTING) == 7


@pytest.mark.parametrize(("ip", "address"), [("10.0.0.1", "10.0.0.1:8082"), ("fd00::1:2", "[fd00::1:2]:8082")])
def test_address_of_a_pod_is_one_that_a_url_takes(ip: str, address: str) -> None:
    status = {"podIP": ip, "containerStatuses": [{"state": {"running": {}}}]}
    assert address_of({"status": status}) == address
