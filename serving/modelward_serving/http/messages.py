"""HTTP/1.1 messages as this server reads and writes them."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Protocol

import msgspec
import orjson

JSON = b"application/json"
MAX_MESSAGE = 1000
"""Messages quote what was sent, which may be long."""
_STATUS_LINES = {int(status): f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus}
_STATUS_LINES[499] = b"HTTP/1.1 499 Client Closed Request\r\n"
HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding"
    b" upgrade expect content-length host http2-settings".split()
)


class Answers(Protocol):
    """How a port answers."""

    head: bytes
    """Header lines of every answer."""
    usual_heads: dict[int, bytes]
    """Of short JSON answers with 200 and nothing special, which are alike but for their length."""
    closing: bool
    """Say `Connection: close` in every answer."""

    def usual_head(self, length: int) -> bytes: ...

    def failed(self, request: "Request", error: Exception) -> None: ...


class Client(Protocol):
    """Whom a request came from."""

    @property
    def port(self) -> Answers: ...

    lost: bool
    """Nobody is there to read the answer."""

    def finish(self, data: bytes, close: bool) -> None:
        """Write the answer of the current request, then go on with the next."""


class Request(msgspec.Struct, eq=False):
    """One request, whole: the body is kept until the answer has gone, so that it can be sent twice."""

    connection: Client
    method: bytes
    target: bytes
    headers: dict[bytes, bytes]
    """Names in lower case."""
    body: bytes
    keep_alive: bool
    started: float
    """`time.perf_counter()` when it was complete."""

    def respond(self, status: int, body: bytes, content_type: bytes = JSON, extra: bytes = b"") -> None:
        """`extra`: whole header lines. The last word on this request."""
        connection = self.connection
        port = connection.port
        close = port.closing or not self.keep_alive
        if status == 200 and content_type is JSON and not extra and not close and self.method != b"HEAD":
            length = len(body)
            connection.finish((port.usual_heads.get(length) or port.usual_head(length)) + body, False)
            return
        if close:
            extra += b"connection: close\r\n"
        head = head_of_answer(status, port.head + extra, content_type, len(body))
        connection.finish(head if self.method == b"HEAD" else head + body, close)

    def relay(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        """Pass on another server's answer."""
        close = not self.keep_alive or self.connection.port.closing
        lines = [_STATUS_LINES.get(status) or b"HTTP/1.1 %d Unknown\r\n" % status]
        lines += [b"%b: %b\r\n" % (name, value) for name, value in headers if name not in HOP_BY_HOP]
        lines.append(b"content-length: %d\r\n%b\r\n" % (len(body), b"connection: close\r\n" if close else b""))
        self.connection.finish(b"".join(lines) + body, close)

    def refuse(self, status: int, message: str, extra: bytes = b"") -> None:
        self.respond(status, error_body(message), extra=extra)


Handler = Callable[[Request], None]


def head_of_answer(status: int, lines: bytes, content_type: bytes, length: int) -> bytes:
    return b"%b%bcontent-type: %b\r\ncontent-length: %d\r\n\r\n" % (_STATUS_LINES[status], lines, content_type, length)


def error_body(message: str) -> bytes:
    return orjson.dumps({"error": message if len(message) <= MAX_MESSAGE else message[:MAX_MESSAGE] + "…"})


def parting(status: int, message: str) -> bytes:
    """The answer to what is no request."""
    body = error_body(message)
    extra = b"retry-after: 1\r\n" if status == 503 else b""
    head = b"%bcontent-type: %b\r\ncontent-length: %d\r\n%bconnection: close\r\n\r\n"
    return head % (_STATUS_LINES[status], JSON, len(body), extra) + body


def forwarded(request: Request, host: bytes) -> bytes:
    """The request as it is sent to another server."""
    lines = [b"%b %b HTTP/1.1\r\nhost: %b\r\n" % (request.method, request.target, host)]
    lines += [b"%b: %b\r\n" % item for item in request.headers.items() if item[0] not in HOP_BY_HOP]
    lines.append(b"content-length: %d\r\n\r\n" % len(request.body))
    return b"".join(lines) + request.body
