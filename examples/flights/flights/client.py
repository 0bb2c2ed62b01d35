"""One keep-alive connection to a scoring server.

Like any careful HTTP client it looks, before it sends, whether the server has closed an idle connection, and opens
another one then. Whatever goes wrong after that is the server's failure and raises.
"""

import http.client
import json
import select
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class RequestFailed(Exception):
    """A request without a usable answer; `kind` groups alike failures."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class Client:
    """Sends one request at a time."""

    def __init__(self, url: str, timeout: float = 5.0) -> None:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"{url} is not a URL such as http://127.0.0.1:8080")
        self._connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
        self._opened = 0

    @property
    def reconnects(self) -> int:
        """Connections opened after the first."""
        return max(0, self._opened - 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def infer(self, path: str, body: bytes) -> str:
        """The model version that answered."""
        try:
            return self._exchange(path, body)
        except RequestFailed:
            self._connection.close()
            raise
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise RequestFailed(kind_of(error)) from error

    def _exchange(self, path: str, body: bytes) -> str:
        self._connect()
        self._connection.request("POST", path, body, {"Content-Type": "application/json"})
        response = self._connection.getresponse()
        content = response.read()
        if response.status != 200:
            raise RequestFailed(f"http_{response.status}")
        try:
            answer = json.loads(content)
            if not answer["outputs"]:
                raise RequestFailed("no_outputs")
            return str(answer.get("model_version", "unknown"))
        except (ValueError, KeyError, TypeError) as error:
            raise RequestFailed("bad_body") from error

    def _connect(self) -> None:
        """A connection that the server has not closed."""
        if self.stale():
            self._connection.close()
        if self._connection.sock is None:
            self._connection.connect()
            self._opened += 1

    def stale(self) -> bool:
        """Between requests, something to read can only be the server's goodbye."""
        if self._connection.sock is None:
            return False
        poll = select.poll()
        poll.register(self._connection.sock, select.POLLIN)
        return bool(poll.poll(0))


def kind_of(error: Exception) -> str:
    """The failure's group: timeout, refused, reset, disconnected, or the exception's name."""
    kinds = {
        TimeoutError: "timeout",
        ConnectionRefusedError: "refused",
        http.client.RemoteDisconnected: "disconnected",
        ConnectionResetError: "reset",
        BrokenPipeError: "reset",
    }
    return next((name for kind, name in kinds.items() if isinstance(error, kind)), type(error).__name__)
