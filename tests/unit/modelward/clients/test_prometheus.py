"""The client of Prometheus-compatible servers against one on the loopback that speaks their HTTP API."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from modelward.clients import prometheus
from modelward.clients.prometheus import Prometheus
from modelward.decide.judge.promql import Answer
from modelward.observe.scoring_pods import host_port
from modelward.settings import PrometheusServer

Reply = Callable[[web.Request], Awaitable[web.StreamResponse]]
Serve = Callable[[Reply], Awaitable[PrometheusServer]]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    runners: list[web.AppRunner] = []

    async def serve(reply: Reply) -> PrometheusServer:
        app = web.Application()
        app.add_routes([web.get("/below/api/v1/query", reply)])
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return PrometheusServer(name="here", url=f"http://{host_port('127.0.0.1', runner.addresses[0][1])}/below/")

    yield serve
    for runner in runners:
        await runner.cleanup()


@pytest.fixture
async def client() -> AsyncIterator[Prometheus]:
    async with Prometheus() as client:
        yield client


def always(body: Any, status: int = 200, **more: Any) -> Reply:
    async def reply(_: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=status, **more)

    return reply


def success(kind: str, result: Any) -> Any:
    return {"status": "success", "data": {"resultType": kind, "result": result}}


def series(value: str) -> Any:
    return {"metric": {"__name__": "up"}, "value": [1435781451.781, value]}


async def test_query_is_sent_as_it_is_and_its_number_comes_back(client: Prometheus, serve: Serve) -> None:
    asked = []

    async def reply(request: web.Request) -> web.StreamResponse:
        asked.append((request.query["query"], request.headers.get("Authorization")))
        return web.json_response(success("vector", [series("0.25")]) | {"warnings": ["one store is away"]})

    query = 'sum(rate(x{a="b&c=d"}[1m])) / 2 + 1'
    assert await client.ask(await serve(reply), query) == Answer(0.25)
    assert asked == [(query, None)]


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (success("scalar", [1435781451.781, "3"]), 3.0),
        (success("vector", [series("-1e-3")]), -0.001),
        (success("vector", [series("0")]), 0.0),
    ],
)
async def test_one_number_is_an_answer(client: Prometheus, serve: Serve, body: Any, value: float) -> None:
    assert await client.ask(await serve(always(body)), "q") == Answer(value)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (success("vector", []), 200, "or vector(0)"),
        (success("vector", [series("1"), series("2")]), 200, "several series"),
        (success("vector", [series("NaN")]), 200, "NaN"),
        (success("vector", [series("+Inf")]), 200, "+Inf"),
        (success("vector", [series("a lot")]), 200, "no number"),
        (success("vector", [{"metric": {}, "histogram": [1, {"count": "1"}]}]), 200, "histogram"),
        (success("vector", [{"metric": {}, "value": [1, 2]}]), 200, "histogram"),
        ({"status": "error", "errorType": "execution", "error": "many-to-many"}, 422, "answers 422: many-to-many"),
        ({"status": "error", "errorType": "unavailable", "error": "starting"}, 503, "answers 503: starting"),
        ({}, 200, "no answer of Prometheus"),
        ([], 200, "no answer of Prometheus"),
        ("not this API", 404, "answers 404"),
        ({}, 401, "token"),
        ({"status": "success", "data": None}, 200, "no answer of Prometheus"),
    ],
)
async def test_anything_else_is_no_answer(client: Prometheus, serve: Serve, body: Any, status: int, words: str) -> None:
    answer = await client.ask(await serve(always(body, status)), "q")
    assert (answer.value, answer.reason) == (None, "NoAnswer")
    assert words in answer.message


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"status": "error", "errorType": "bad_data", "error": '1:5: parse error:\nunclosed "("'}, 400, "parse error"),
        (success("matrix", [{"metric": {}, "values": [[1, "2"]]}]), 200, "gives a matrix, not one number"),
        (success("string", [1, "2"]), 200, "gives a string"),
    ],
)
async def test_query_that_can_never_give_a_number_is_refused(
    client: Prometheus, serve: Serve, body: Any, status: int, words: str
) -> None:
    answer = await client.ask(await serve(always(body, status)), "q")
    assert (answer.value, answer.reason) == (None, "QueryRefused")
    assert words in answer.message
    assert "\n" not in answer.message


async def test_redirect_is_not_followed(client: Prometheus, serve: Serve) -> None:
    elsewhere = await serve(always(success("scalar", [1, "0"])))
    reply = always({}, 302, headers={"Location": f"{elsewhere.url}api/v1/query"})
    answer = await client.ask(await serve(reply), "q")
    assert answer.value is None
    assert "not followed" in answer.message


async def test_proxy_of_the_environment_is_not_used(
    client: Prometheus, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert (await client.ask(await serve(always(success("scalar", [1, "1"]))), "q")).value == 1


async def test_token_is_read_anew_at_each_use(client: Prometheus, serve: Serve, tmp_path: Path) -> None:
    tokens = []

    async def reply(request: web.Request) -> web.StreamResponse:
        tokens.append(request.headers.get("Authorization"))
        return web.json_response(success("scalar", [1, "1"]))

    server = (await serve(reply)).model_copy(update={"folder": str(tmp_path)})
    for token in ("old\n", "new"):
        (tmp_path / "token").write_text(token)
        await client.ask(server, "q")
    assert tokens == ["Bearer old", "Bearer new"]


async def test_tenant_is_sent_where_the_installation_names_one(client: Prometheus, serve: Serve) -> None:
    tenants = []

    async def reply(request: web.Request) -> web.StreamResponse:
        tenants.append(request.headers.get("X-Scope-OrgID"))
        return web.json_response(success("scalar", [1, "1"]))

    server = await serve(reply)
    await client.ask(server, "q")
    await client.ask(server.model_copy(update={"tenant": "shop"}), "q")
    assert tenants == [None, "shop"]


@pytest.mark.parametrize("token", [b"two\nlines", b"\xff"])
async def test_broken_token_is_no_answer(client: Prometheus, serve: Serve, tmp_path: Path, token: bytes) -> None:
    (tmp_path / "token").write_bytes(token)
    server = (await serve(always(success("scalar", [1, "1"])))).model_copy(update={"folder": str(tmp_path)})
    assert (await client.ask(server, "q")).reason == "NoAnswer"


async def test_server_that_is_silent_or_gone_is_no_answer(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus, "SECONDS", 0.2)

    async def reply(_: web.Request) -> web.StreamResponse:
        await asyncio.sleep(1)
        return web.Response()

    async with Prometheus() as client:
        answer = await client.ask(await serve(reply), "q")
        assert (answer.reason, answer.message) == ("NoAnswer", "server here did not answer within 0.2 s")
        gone = PrometheusServer(name="gone", url="http://127.0.0.1:1")
        assert "server gone cannot be asked" in (await client.ask(gone, "q")).message


async def test_large_answer_is_cut_off(client: Prometheus, serve: Serve) -> None:
    sent = 0

    async def reply(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            for _ in range(1000):
                await response.write(b" " * 65536)
                sent += 65536
        except OSError:
            pass
        return response

    answer = await client.ask(await serve(reply), "q")
    assert "too large" in answer.message
    assert sent < 1000 * 65536


async def test_few_questions_are_under_way_at_a_time(client: Prometheus, serve: Serve) -> None:
    now = most = 0

    async def reply(_: web.Request) -> web.StreamResponse:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.01)
        now -= 1
        return web.json_response(success("scalar", [1, "1"]))

    server = await serve(reply)
    answers = await asyncio.gather(*(client.ask(server, "q") for _ in range(40)))
    assert {answer.value for answer in answers} == {1.0}
    assert most == prometheus.AT_ONCE
