"""The benchmark's own client: many requests at once, and nothing that it shares with the operator."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from types import TracebackType
from typing import Any, Self

import aiohttp

from localcluster.api import ApiServer

Manifest = dict[str, Any]
_AT_ONCE = 32
_MERGE = "application/merge-patch+json"


class Client:
    """`async with Client(server) as client:`"""

    def __init__(self, server: ApiServer) -> None:
        keys = server.plane.authority
        tls = ssl.create_default_context(cafile=keys / "ca.crt")
        tls.load_cert_chain(keys / "admin.crt", keys / "admin.key")
        self._url = server.url
        connector = aiohttp.TCPConnector(ssl=tls, limit=_AT_ONCE + 8)
        self._http = aiohttp.ClientSession(connector=connector, headers={"User-Agent": "benchmark"})

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        await self._http.close()

    async def send(self, method: str, path: str, body: Manifest | None = None, form: str = "application/json") -> Any:
        for _ in range(10):
            async with self._http.request(
                method, self._url + path, data=json.dumps(body) if body else None, headers={"Content-Type": form}
            ) as answer:
                if answer.status == 429:
                    await asyncio.sleep(float(answer.headers.get("Retry-After", "1")))
                    continue
                found = await answer.json(content_type=None)
                if answer.status >= 400:
                    raise RuntimeError(f"{method} {path}: {answer.status} {found}")
                return found
        raise RuntimeError(f"{method} {path}: the API server stays too busy")

    async def patch(self, path: str, change: Manifest) -> Any:
        return await self.send("PATCH", path, change, _MERGE)

    async def create_all(self, path_and_manifest: Iterable[tuple[str, Manifest]]) -> None:
        """As many at once as a tool that applies a folder would at most."""
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(path: str, manifest: Manifest) -> None:
            async with gate:
                made = await self.send("POST", path, manifest)
                if status := manifest.get("status"):
                    await self.send("PUT", f"{path}/{made['metadata']['name']}/status", {**made, "status": status})

        await asyncio.gather(*(one(path, manifest) for path, manifest in path_and_manifest))

    async def count(self, path: str) -> int:
        """Of all objects there, without reading them."""
        found = await self.send("GET", f"{path}?limit=1")
        return len(found["items"]) + int(found["metadata"].get("remainingItemCount") or 0)

    async def pages(self, path: str, query: str = "") -> AsyncIterator[list[Manifest]]:
        token = ""
        while True:
            page = await self.send("GET", f"{path}?limit=500&{query}&continue={token}")
            yield page["items"] or []
            token = page["metadata"].get("continue") or ""
            if not token:
                return

    async def watch(self, path: str, query: Mapping[str, str]) -> AsyncIterator[Manifest]:
        """Events, for ever."""
        parameters = {"watch": "true", "allowWatchBookmarks": "false", **query}
        timeout = aiohttp.ClientTimeout(total=None)
        async with self._http.get(self._url + path, params=parameters, timeout=timeout) as answer:
            answer.raise_for_status()
            rest = b""
            async for chunk in answer.content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    yield json.loads(line)
