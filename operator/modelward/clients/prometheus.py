"""Asks a Prometheus-compatible server one question: `GET URL/api/v1/query`, its HTTP API's instant query.

Whatever comes back is an Answer: a failure to ask is nothing that a rollout fails by. Few questions are under way at a
time, none takes longer than five seconds, and nothing leads elsewhere: neither a redirect nor a proxy of the
environment is followed.
"""

import asyncio
import ssl
from collections import defaultdict
from functools import lru_cache
from math import isfinite
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
import msgspec

from modelward.decide.judge.promql import Answer
from modelward.settings import PrometheusServer

SECONDS = 5.0
LARGEST = 64 * 1024
"""Bytes of an answer, unpacked. One number takes some hundred."""
AT_ONCE = 8
"""Questions to one server."""


class Prometheus:
    """`async with Prometheus() as prometheus:`"""

    def __init__(self) -> None:
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60),
            timeout=aiohttp.ClientTimeout(total=SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        self._turns: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(AT_ONCE))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        await self._http.close()

    async def ask(self, server: PrometheusServer, query: str) -> Answer:
        async with self._turns[server.name]:
            try:
                status, body = await self._get(server, query)
            except TimeoutError:
                return _none(f"server {server.name} did not answer within {SECONDS:g} s")
            except (aiohttp.ClientError, OSError, ValueError) as error:
                return _none(f"server {server.name} cannot be asked: {str(error)[:200] or type(error).__name__}")
        if len(body) > LARGEST:
            return _none("the answer is too large: aggregate it into one number, as in sum(…)")
        return _read(server.name, status, body)

    async def _get(self, server: PrometheusServer, query: str) -> tuple[int, bytes]:
        """Status, and a byte more than LARGEST at most."""
        url, parameters = f"{server.url.rstrip('/')}/api/v1/query", {"query": query, "timeout": f"{SECONDS:g}s"}
        headers, trusted = _token(server) | _tenant(server), _trusted(server)
        async with self._http.get(
            url, params=parameters, headers=headers, ssl=trusted, allow_redirects=False
        ) as response:
            body = b""
            async for chunk in response.content.iter_chunked(LARGEST):
                body += chunk
                if len(body) > LARGEST:
                    break
            return response.status, body


def _token(server: PrometheusServer) -> dict[str, str]:
    """Read at every use: one that was renewed needs no restart."""
    file = Path(server.folder, "token")
    return {"Authorization": f"Bearer {file.read_text().strip()}"} if server.folder and file.is_file() else {}


def _tenant(server: PrometheusServer) -> dict[str, str]:
    """As Mimir, Cortex, Thanos and Loki tell tenants apart."""
    return {"X-Scope-OrgID": server.tenant} if server.tenant else {}


def _trusted(server: PrometheusServer) -> ssl.SSLContext | bool:
    file = Path(server.folder, "ca.crt")
    return _context(file, file.stat().st_mtime_ns) if server.folder and file.is_file() else True


@lru_cache(maxsize=16)
def _context(file: Path, _: int) -> ssl.SSLContext:
    """The same one as long as the file is the same, so that connections are kept."""
    return ssl.create_default_context(cafile=file)


class _Data(msgspec.Struct, rename="camel"):
    result_type: str
    result: list[Any]


class _Reply(msgspec.Struct, rename="camel"):
    status: str
    data: _Data | None = None
    error_type: str = ""
    error: str = ""


class _Series(msgspec.Struct):
    value: tuple[float, str] | None = None
    """None: a histogram."""


def _read(server: str, status: int, body: bytes) -> Answer:
    try:
        reply = msgspec.json.decode(body, type=_Reply)
    except (msgspec.DecodeError, UnicodeDecodeError):
        reply = _Reply("error")
    if reply.error_type == "bad_data":
        return Answer(reason="QueryRefused", message=f"the server does not take the query: {_line(reply.error)}")
    if status != 200 or reply.status != "success" or reply.data is None:
        return _none(f"server {server} answers {status}{_why(status, reply)}")
    match reply.data:
        case _Data(result_type="scalar", result=[_, str(text)]):
            return _number(text)
        case _Data(result_type="vector", result=[]):
            return _none("there is no such series now; where that means 0, write `… or vector(0)`")
        case _Data(result_type="vector", result=[one]):
            try:
                series = msgspec.convert(one, _Series)
            except msgspec.ValidationError:
                series = _Series()
            return _number(series.value[1]) if series.value else _none("the answer is no number but a histogram")
        case _Data(result_type="vector"):
            return _none("the answer is several series, not one number: aggregate them, as in sum(…)")
        case _:
            kind = _line(reply.data.result_type)
            return Answer(reason="QueryRefused", message=f"the query gives a {kind}, not one number")


def _why(status: int, reply: _Reply) -> str:
    if 300 <= status < 400:
        return ", a redirect, which is not followed"
    if status in (401, 403):
        return ": the installation's token for it is missing or not accepted"
    if reply.error:
        return f": {_line(reply.error)}"
    return "" if status != 200 else " with something that is no answer of Prometheus"


def _number(text: str) -> Answer:
    try:
        value = float(text)
    except ValueError:
        return _none("the answer is no number")
    if not isfinite(value):
        return _none(f"the answer is {text}: as of a division by 0, where nothing was counted")
    return Answer(value)


def _none(message: str) -> Answer:
    return Answer(reason="NoAnswer", message=message)


def _line(text: str) -> str:
    return " ".join(text.split())[:300]
