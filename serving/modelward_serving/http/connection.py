"""One client connection: bytes to requests, one answered after the other, and what a hostile client must not do."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter

import httptools

from .heads import END, Head, Heads
from .limits import Limits, raised
from .messages import JSON, Handler, Request, head_of_answer, parting
from .routing import Routes

MAX_PIPELINED = 32
MAX_PIPELINED_BYTES = 64 << 10
"""A larger body that waits for the answer before it is the last to be read meanwhile."""
SHORT = 1024
"""Bytes of an answer's body whose head is kept."""
LINGER_SECONDS = 2.0
"""How long a refused client may go on sending what nobody reads."""
TURNED_AWAY = 100
"""Clients beyond the limit that are told so; still more are left without a word."""
log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Port:
    """A listening port: who answers, its open connections, and whether they are to be closed."""

    name: str
    handle: Handler
    limits: Limits = field(default_factory=Limits)
    head: bytes = b""
    """Header lines of every answer."""
    usual_heads: dict[int, bytes] = field(default_factory=dict)
    """Of short JSON answers with 200 and nothing special, which are alike but for their length."""
    closing: bool = False
    """Say `Connection: close` in every answer."""
    heads: Heads = field(default_factory=Heads)
    find: Callable[[bytes, bytes], Handler | None] = lambda _method, _target: None
    """What `handle` would call for a method and a target, if that is known in advance."""
    connections: "set[Connection]" = field(default_factory=set)
    in_flight: int = 0
    turned_away: int = 0
    """Connections for which there was no room."""
    left: float = field(default_factory=perf_counter)
    """When the last connection was lost."""

    def idle(self, now: float) -> float:
        """Seconds without a connection."""
        return 0.0 if self.connections else now - self.left

    def serve(self, routes: Routes, head: bytes) -> None:
        """From now on `routes` answer, with the lines of `head` in every answer."""
        self.handle, self.find, self.head = routes.handle, routes.find, head
        self.usual_heads.clear()
        self.heads = Heads()

    def usual_head(self, length: int) -> bytes:
        head = head_of_answer(200, self.head, JSON, length)
        if length <= SHORT:
            self.usual_heads[length] = head
        return head

    def failed(self, request: Request, error: Exception) -> None:
        log.error("a handler failed", exc_info=error, extra={"fields": {"port": self.name}})
        request.refuse(500, "the server failed on this request; its log says more")

    def sweep(self, now: float) -> None:
        """Close what is idle or slow for too long. Called every second or so."""
        for connection in [c for c in self.connections if c.overdue(now)]:
            connection.expire()


class Connection(asyncio.Protocol):
    """httptools' callbacks and asyncio's in one, because a request passes through both for each call."""

    __slots__ = (
        "_body", "_busy", "_chunk", "_going_on", "_headers", "_in_head", "_parser", "_reading", "_receiving",
        "_refused", "_repeated", "_since", "_size", "_target", "_transport", "_waiting", "_writable", "lost", "port",
    )  # fmt: skip

    def __init__(self, port: Port) -> None:
        self.port = port
        self.lost = False
        self._busy = self._going_on = False
        self._reading = self._writable = True
        self._waiting: deque[Request | tuple[int, str]] = deque()
        """Requests to be answered, at the end perhaps why there are no more."""
        self._parser = httptools.HttpRequestParser(self)
        self._size = 0
        self._in_head = self._receiving = self._refused = False
        self._since = 0.0
        self._chunk = b""

    # asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._since = perf_counter()
        port = self.port
        port.connections.add(self)
        if len(port.connections) > port.limits.connections:
            port.turned_away += 1
            if len(port.connections) > port.limits.connections + TURNED_AWAY:
                self._refused = True
                self._transport.abort()
            else:
                self._abort(503, f"the server has {port.limits.connections} connections already; try again later")

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 — asyncio's signature
        self.lost = True
        self.port.connections.discard(self)
        self.port.left = perf_counter()
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        # Between two requests the parser holds nothing, so what it made of the same bytes before is what it would now.
        idle = not (self._busy or self._receiving or self._waiting)
        if idle:
            lines, _, body = data.partition(END)
            head = self.port.heads.get(lines)
            if head is not None and head.length == len(body):
                request = Request(self, head.method, head.target, head.headers, body, True, perf_counter())
                self._start(request, head.handler)
                return
        self._chunk = data if idle else b""
        before = self._headers if self._in_head else None
        try:
            self._feed(data)
        except httptools.HttpParserCallbackError as error:
            refused = error.__context__
            self._abort(*refused.args if isinstance(refused, _Refused) else (400, "the request cannot be read"))
        except httptools.HttpParserError as error:
            self._abort(400, f"the request is no HTTP/1.1: {error}")
        # What comes with the end of the request before is at most one read, and not this head's.
        if self._in_head and self._headers is before:
            self._grow_head(len(data))

    def pause_writing(self) -> None:
        self._writable = False
        self._pause()

    def resume_writing(self) -> None:
        self._writable = True
        if not self._busy and self._waiting:
            self._go_on()
        else:
            self._resume()

    # httptools

    def on_message_begin(self) -> None:
        self._target = b""
        self._headers: dict[bytes, bytes] = {}
        self._repeated: dict[bytes, list[bytes]] = {}
        self._body: bytes | bytearray = b""
        self._size = 0
        self._in_head = self._receiving = True
        if not self._busy:
            self._since = perf_counter()

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._in_head:  # trailers: endless if kept, and no way to change a head that was already read
            return
        name, headers = name.lower(), self._headers
        if name in headers:
            self._repeated.setdefault(name, [headers[name]]).append(value)
        else:
            headers[name] = value

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._size = 0
        for name, values in self._repeated.items():  # only here: growing a value with each line is quadratic
            self._headers[name] = b", ".join(values)
        length = self._headers.get(b"content-length")
        if length is not None and int(length) > self.port.limits.body_bytes:
            raise self._too_large()
        if b"expect" in self._headers and self._parser.get_http_version() != "1.0":
            self._meet(self._headers[b"expect"])

    def _too_large(self) -> "_Refused":
        return _Refused(413, f"the body is larger than {self.port.limits.body_bytes} bytes{raised('body-bytes')}")

    def _meet(self, expectation: bytes) -> None:
        if {each.strip().lower() for each in expectation.split(b",")} != {b"100-continue"}:
            raise _Refused(417, "the only expectation that this server meets is 100-continue")
        if self._headers.get(b"content-length", b"0").strip(b"0") or b"transfer-encoding" in self._headers:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._size += len(body)
        if self._size > self.port.limits.body_bytes:
            raise self._too_large()
        if not self._body:
            self._body = body
            return
        # Not a list of the pieces: each would take 35 bytes more than the client had to send.
        if type(self._body) is bytes:
            self._body = bytearray(self._body)
        self._body += body

    def on_message_complete(self) -> None:
        parser, body = self._parser, self._body
        if parser.should_upgrade():
            return
        keep_alive = parser.should_keep_alive()
        if keep_alive and b"connection" in self._headers:
            keep_alive = parser.get_http_version() != "1.0"
        request = Request(
            self,
            parser.get_method(),
            self._target,
            self._headers,
            body if type(body) is bytes else bytes(body),
            keep_alive,
            perf_counter(),
        )
        if self._chunk and keep_alive:
            handler = self.port.find(request.method, request.target) or self.port.handle
            self.port.heads.learn(self._chunk, Head(request.method, request.target, request.headers, handler))
        self._body = b""
        self._receiving = False
        if self._busy or self._waiting or not self._writable:
            self._waiting.append(request)
            if len(self._waiting) >= MAX_PIPELINED or len(body) > MAX_PIPELINED_BYTES:
                self._pause()
        else:
            self._start(request, self.port.handle)

    # answers

    def finish(self, data: bytes, close: bool) -> None:
        """Write the answer of the current request, then go on with the next."""
        if not self._busy:
            return
        self.port.in_flight -= 1
        self._busy = False
        if self.lost:
            return
        self._transport.write(data)
        self._since = perf_counter()
        if close:
            self._waiting.clear()
            self._transport.close()
        elif self._waiting:
            self._go_on()
        elif not self._reading:
            self._resume()

    def close_if_idle(self) -> None:
        if not self._busy:
            self._transport.close()

    def overdue(self, now: float) -> bool:
        if self._busy:
            return False
        if self._refused:
            return now - self._since > LINGER_SECONDS
        limits = self.port.limits
        slow = self._receiving or not self._writable
        return now - self._since > (limits.receive_seconds if slow else limits.idle_seconds)

    def expire(self) -> None:
        if self._transport.is_closing() or self._transport.get_write_buffer_size():
            self._transport.abort()  # it does not even read its answers
        elif self._receiving:
            seconds = self.port.limits.receive_seconds
            self._abort(408, f"the request took longer than {seconds:g} s to arrive{raised('receive-seconds')}")
        else:
            self._transport.close()

    def _go_on(self) -> None:
        """With what waits, as long as it is answered at once and the client takes its answers."""
        if self._going_on:  # the answer to one that waited leads back here: each would go deeper than the one before
            return
        self._going_on = True
        while self._waiting and self._writable and not self._busy:
            following = self._waiting.popleft()
            if isinstance(following, Request):
                self._start(following, self.port.handle)
            else:
                self._part(*following)
        self._going_on = False

    def _start(self, request: Request, handler: Handler) -> None:
        self._busy = True
        self.port.in_flight += 1
        try:
            handler(request)
        except Exception as error:  # a defect must cost one request, not the connection
            self.port.failed(request, error)

    def _feed(self, data: bytes) -> None:
        """Offered upgrades are declined, HTTP/1.1 goes on: the parser has stopped before the body, so a new one gets
        the head again without the offer. One read may hold thousands of them."""
        rest = memoryview(data)
        while True:
            try:
                self._parser.feed_data(rest)
                return
            except httptools.HttpParserUpgrade as upgrade:
                rest = rest[upgrade.args[0] :]
            if self._parser.get_method() == b"CONNECT":
                self._abort(501, "this server is no proxy")
                return
            head = self._head_without_upgrade()
            self._chunk = b""
            self._parser = httptools.HttpRequestParser(self)
            self._parser.feed_data(head)

    def _head_without_upgrade(self) -> bytes:
        # What was expected has been met.
        kept = self._headers.keys() - {b"upgrade", b"connection", b"http2-settings", b"expect"}
        lines = [b"%b: %b\r\n" % (name, self._headers[name]) for name in kept]
        if b"close" in self._headers.get(b"connection", b"").lower():
            lines.append(b"connection: close\r\n")
        return b"%b %b HTTP/1.1\r\n%b\r\n" % (self._parser.get_method(), self._target, b"".join(lines))

    def _grow_head(self, size: int) -> None:
        self._size += size
        if self._size > self.port.limits.head_bytes:
            self._abort(431, f"the request's head is larger than {self.port.limits.head_bytes} bytes")

    def _abort(self, status: int, message: str) -> None:
        """Say why and hang up: what follows cannot be told from the rest of this request."""
        self._in_head = self._receiving = False
        if self._transport.is_closing():
            return
        self._refused = True
        if self._busy or self._waiting:
            self._waiting.append((status, message))
        else:
            self._part(status, message)

    def _part(self, status: int, message: str) -> None:
        # A close with unread bytes would reset the connection before the client could read why.
        self._since = perf_counter()
        self._transport.write(parting(status, message))
        if self._transport.can_write_eof():
            self._transport.write_eof()

    def _pause(self) -> None:
        if self._reading:
            self._reading = False
            self._transport.pause_reading()

    def _resume(self) -> None:
        if not self._reading and self._writable and len(self._waiting) < MAX_PIPELINED:
            self._reading = True
            self._transport.resume_reading()


class _Refused(Exception):
    """(status, message)"""
