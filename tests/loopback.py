"""An HTTP server of the tests' own on a free loopback port: `with GitServer(folder) as server`."""

import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Self


class Handler(BaseHTTPRequestHandler):
    owner: Any
    """The server that it answers for."""

    def headers_of(self, code: int, headers: dict[str, str]) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@dataclass
class LoopbackServer:
    """Answers by `HANDLER`."""

    HANDLER: ClassVar[type[Handler]]
    folder: Path
    certificate: Path | None = None
    """With the key beside it, `.key` for `.crt`: the server speaks TLS alone."""
    requests: list[tuple[str, str, str | None]] = field(default_factory=list, kw_only=True)
    """Method, path with query, and the Authorization that came with it."""

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Answering", (self.HANDLER,), {"owner": self}))
        self.port: int = self._server.server_address[1]
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate, self.certificate.with_suffix(".key"))
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def url(self, path: str) -> str:
        return f"{'https' if self.certificate else 'http'}://{self.host}/{path}"
