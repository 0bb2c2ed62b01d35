"""The floor: uvloop alone, answering so many bytes for every so many that come. It neither parses nor runs anything."""

import asyncio
import sys
from collections.abc import Callable
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


async def _serve(port: int, protocol: Callable[[], Echo]) -> None:
    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", port)
    await server.serve_forever()


def serve(protocol: Callable[[int, bytes], Echo]) -> None:
    """On the port and with the sizes of a request and its answer that the process was started with."""
    port, request, answer = map(int, sys.argv[1:4])
    answered = answer_of(answer)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_serve(port, lambda: protocol(request, answered)))


if __name__ == "__main__":
    serve(Echo)
