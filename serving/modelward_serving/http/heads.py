"""Heads of requests that were seen before: clients repeat theirs to the byte, so they are parsed once."""

from .messages import Handler

MAX_HEADS = 1024
MAX_BYTES = 1024
END = b"\r\n\r\n"
_FRAMING = frozenset({b"connection", b"expect", b"transfer-encoding", b"upgrade"})
"""Whoever sends these wants more than a body of so many bytes."""
_SECRET = frozenset({b"authorization", b"cookie", b"proxy-authorization"})
"""What proves who somebody is is kept no longer than its request lives."""


class Head:
    """What the parser made of a head."""

    __slots__ = ("handler", "headers", "length", "method", "target")

    def __init__(self, method: bytes, target: bytes, headers: dict[bytes, bytes], handler: Handler) -> None:
        self.method, self.target = method, target
        self.handler = handler
        """Who answers such requests."""
        self.headers = headers
        """Shared by all requests with this head: only ever read."""
        self.length = _length(headers)


class Heads:
    """Exact bytes, without the empty line at their end, to what the parser made of them."""

    __slots__ = ("_known", "get")

    def __init__(self) -> None:
        self._known: dict[bytes, Head] = {}
        self.get = self._known.get

    def learn(self, data: bytes, head: Head) -> None:
        """`data`: bytes of which the parser made `head` and a body; kept if they are no more than that."""
        lines, _, body = data.partition(END)
        if len(lines) < MAX_BYTES and len(body) == head.length and _SECRET.isdisjoint(head.headers):
            if len(self._known) >= MAX_HEADS:
                self._known.clear()
            self._known[lines] = head


def _length(headers: dict[bytes, bytes]) -> int:
    """Bytes of the body, -1 where something else than its length ends it."""
    length = headers.get(b"content-length", b"")
    return int(length) if length.isdigit() and _FRAMING.isdisjoint(headers) else -1
