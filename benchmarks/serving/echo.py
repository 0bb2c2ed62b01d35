"""The floor: uvloop alone, answering so many bytes for every so many that come. It neither parses nor runs anything."""

import asyncio
import sys
from typing import cast

import uvloop


class Echo(asyncio.Protocol):
    def __init__(self, request: int, answer: bytes) -> None:
        self.request, self.answer, self.received = request, answer, 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        whole, self.received = divmod(self.received + len(data), self.request)
        if whole:
            self.transport.write(self.answer * whole)


def answer_of(size: int) -> bytes:
    """An HTTP answer of about `size` bytes altogether."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    body = max(0, size - len(head) - 1)
    return head % body + b" " * body


async def serve(port: int, request: int, answer: int) -> None:
    loop = asyncio.get_running_loop()
    answered = answer_of(answer)
    server = await loop.create_server(lambda: Echo(request, answered), "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(*map(int, sys.argv[1:4])))
