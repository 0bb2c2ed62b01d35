"""A candidate with a fault."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@asynccontextmanager
async def requests(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> AsyncIterator[AsyncIterator[str]]:
    """The heads, in lower case, of the requests on a connection, each read with its body; closed at the end."""

    async def heads() -> AsyncIterator[str]:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = next(line for line in head.split("\r\n") if line.startswith("content-length"))
            await reader.readexactly(int(length.split(":")[1]))
            yield head

    with suppress(asyncio.IncompleteReadError, ConnectionError):
        try:
            yield heads()
        finally:
            writer.close()


@dataclass
class Stub:
    hangs: bool
    port: int = 0
    seen: list[float] = field(default_factory=list)
    """When each request came, by the monotonic clock."""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with requests(reader, writer) as heads:
            async for _ in heads:
                self.seen.append(time.monotonic())
                if not self.hangs:
                    writer.write(b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 2\r\n\r\n{}")


@asynccontextmanager
async def stub(hangs: bool) -> AsyncIterator[Stub]:
    candidate = Stub(hangs)
    server = await asyncio.start_server(candidate.handle, "127.0.0.1", 0)
    candidate.port = server.sockets[0].getsockname()[1]
    try:
        yield candidate
    finally:
        server.close()
