"""A web server on this machine for what sources may meet: `with WebServer(folder) as web`."""

import ssl
import threading
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self


@dataclass
class WebServer:
    """Serves the files of a folder, and does what `answers` says instead where it names a path."""

    folder: Path
    certificate: Path | None = None
    """With the key beside it, `.key` for `.crt`: the server speaks TLS alone."""
    password: str | None = None
    """`Authorization` that is asked for."""
    answers: dict[str, tuple[int, dict[str, str]]] = field(default_factory=dict)
    """Status and headers of a path, instead of the file's."""
    short: int = 0
    """Bytes that are held back of each body."""
    tagged: bool = True
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    """Method, path with query, and the Authorization that came with it."""

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"web": self}))
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


class _Handler(BaseHTTPRequestHandler):
    web: WebServer

    def do_HEAD(self) -> None:
        self._answer(b"")

    def do_GET(self) -> None:
        path = self.web.folder / self._path
        self._answer(path.read_bytes() if path.is_file() else b"")

    @property
    def _path(self) -> str:
        return self.path.partition("?")[0].lstrip("/")

    def _answer(self, body: bytes) -> None:
        given = self.headers.get("Authorization")
        self.web.requests.append((self.command, self.path, given))
        file = self.web.folder / self._path
        if self._path in self.web.answers:
            self._headers(*self.web.answers[self._path])
        elif self.web.password and given != self.web.password:
            self._headers(401, {"WWW-Authenticate": "Basic"})
        elif not file.is_file():
            self._headers(404, {})
        else:
            data = file.read_bytes()
            tag = {"ETag": f'"{sha256(data).hexdigest()}"'}
            self._headers(200, {"Content-Length": str(len(data))} | (tag if self.web.tagged else {}))
            self.wfile.write(body[: len(body) - self.web.short])

    def _headers(self, code: int, headers: dict[str, str]) -> None:
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass
