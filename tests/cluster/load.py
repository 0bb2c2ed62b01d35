"""Live traffic from outside: keep-alive clients at a constant rate, every error that a client could see counted."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic
from types import TracebackType
from typing import Any, Self

import aiohttp
import httpx


@dataclass
class Load:
    """`with Load(url, bodies, rate) as load:` … `load.use(other_bodies)` … `load.errors`, `load.versions`."""

    url: str
    bodies: Sequence[dict[str, Any]]
    rate: float = 100.0
    connections: int = 8
    answered: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    versions: Counter[str] = field(default_factory=Counter)
    """Answers by `model_version`."""
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._stop.set()
        if self._thread:
            self._thread.join(timeout=30)

    def use(self, bodies: Sequence[dict[str, Any]]) -> None:
        self.bodies = bodies

    def recent(self) -> Counter[str]:
        """Versions that answered since the last call of `recent`."""
        now, self.versions = self.versions, Counter()
        return now

    async def _run(self) -> None:
        limits = httpx.Limits(max_connections=self.connections, max_keepalive_connections=self.connections)
        timeout = httpx.Timeout(10.0)
        async with httpx.AsyncClient(limits=limits, timeout=timeout) as client, asyncio.TaskGroup() as group:
            start, sent = monotonic(), 0
            while not self._stop.is_set():
                due = int((monotonic() - start) * self.rate)
                for index in range(sent, due):
                    group.create_task(self._one(client, self.bodies[index % len(self.bodies)]))
                sent = max(sent, due)
                await asyncio.sleep(0.01)

    async def _one(self, client: httpx.AsyncClient, body: dict[str, Any]) -> None:
        try:
            answer = await client.post(self.url, content=json.dumps(body))
        except httpx.HTTPError as error:
            self.errors[type(error).__name__] += 1
            return
        if answer.status_code != 200:
            self.errors[f"{answer.status_code} {answer.text[:200]}"] += 1
            return
        self.answered += 1
        self.versions[str(answer.json().get("model_version"))] += 1


async def count_versions(
    url: str, bodies: Sequence[dict[str, Any]], requests: int, connections: int = 8
) -> Counter[str]:
    """Exactly so many requests as fast as they are answered, over keep-alive connections: answers by version."""
    remaining, found = iter(range(requests)), Counter[str]()
    texts = [json.dumps(body).encode() for body in bodies]

    async def client(session: aiohttp.ClientSession) -> None:
        for number in remaining:
            async with session.post(url, data=texts[number % len(texts)]) as answer:
                assert answer.status == 200, await answer.text()
                found[str((await answer.json())["model_version"])] += 1

    connector = aiohttp.TCPConnector(limit=connections)
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(client(session))
    return found
