"""Live traffic from outside: keep-alive clients at a constant rate, every error that a client could see counted."""

import asyncio
import itertools
import json
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import monotonic, strftime
from types import TracebackType
from typing import Any, Self

import aiohttp


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
        """Request n is due at n / rate; clients that are behind send at once, so that no backlog can grow."""
        start, numbers = monotonic(), itertools.count()

        async def client(session: aiohttp.ClientSession) -> None:
            for number in numbers:
                await asyncio.sleep(max(0.0, start + number / self.rate - monotonic()))
                if self._stop.is_set():
                    return
                await self._one(session, self.bodies[number % len(self.bodies)])

        connector, timeout = aiohttp.TCPConnector(limit=self.connections), aiohttp.ClientTimeout(total=10)
        async with (
            aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(self.connections):
                group.create_task(client(session))

    async def _one(self, session: aiohttp.ClientSession, body: dict[str, Any]) -> None:
        try:
            async with session.post(self.url, data=json.dumps(body).encode()) as answer:
                status, text = answer.status, await answer.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            self.errors[f"{strftime('%T')} {error!r}"] += 1
            return
        if status != 200:
            self.errors[f"{status} {text[:200]}"] += 1
            return
        self.answered += 1
        self.versions[str(json.loads(text).get("model_version"))] += 1


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
