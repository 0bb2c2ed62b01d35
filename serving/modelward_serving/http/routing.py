"""Exact paths to handlers."""

from collections.abc import Callable
from urllib.parse import quote_from_bytes, unquote_to_bytes

import orjson

from .messages import Handler, Request


class Routes:
    """Exact paths to handlers by method: one dictionary look-up a request."""

    def __init__(self) -> None:
        self._table: dict[bytes, dict[bytes, Handler]] = {}
        self.status = 404
        self.explain: Callable[[Request, bytes], str] = lambda _request, path: f"there is nothing at {shown(path)}"

    def add(self, method: bytes, path: str, handler: Handler) -> None:
        self._table.setdefault(path.encode(), {})[method] = handler

    def find(self, method: bytes, path: bytes) -> Handler | None:
        """For an exact path."""
        return self._table.get(path, {}).get(method)

    def handle(self, request: Request) -> None:
        methods = self._table.get(request.target)
        if methods is None:
            path = _normal(request.target)
            methods = self._table.get(path)
            if methods is None:
                extra = b"retry-after: 1\r\n" if self.status == 503 else b""
                request.refuse(self.status, self.explain(request, path), extra)
                return
            request.target = quote_from_bytes(path).encode()
        handler = methods.get(request.method)
        if handler is None and request.method == b"HEAD":
            handler = methods.get(b"GET")
        if handler is None:
            allowed = b", ".join(sorted(methods))
            request.refuse(405, f"use {allowed.decode()} here", b"allow: %b\r\n" % allowed)
        else:
            handler(request)


def _normal(target: bytes) -> bytes:
    """The path alone. A proxy's client names the server too."""
    path = target.partition(b"?")[0]
    if path.lower().startswith((b"http://", b"https://")):
        path = b"/" + path.split(b"/", 3)[-1] if path.count(b"/") > 2 else b"/"
    return unquote_to_bytes(path) if b"%" in path else path


def shown(path: bytes) -> str:
    return path[:200].decode("utf-8", "replace")


def fixed(status: int, value: object) -> Handler:
    body = orjson.dumps(value)
    return lambda request: request.respond(status, body)
