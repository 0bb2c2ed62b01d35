"""A web server on this machine for what sources may meet: `with WebServer(folder) as web`."""

from dataclasses import dataclass, field
from hashlib import sha256

from loopback import Handler, LoopbackServer


class _Handler(Handler):
    owner: "WebServer"

    def do_HEAD(self) -> None:  # noqa: N802 - as http.server calls it
        self._answer(b"")

    def do_GET(self) -> None:  # noqa: N802 - as http.server calls it
        path = self.owner.folder / self._path
        self._answer(path.read_bytes() if path.is_file() else b"")

    @property
    def _path(self) -> str:
        return self.path.partition("?")[0].lstrip("/")

    def _answer(self, body: bytes) -> None:
        given = self.headers.get("Authorization")
        self.owner.requests.append((self.command, self.path, given))
        file = self.owner.folder / self._path
        if self._path in self.owner.answers:
            self.headers_of(*self.owner.answers[self._path])
        elif self.owner.password and given != self.owner.password:
            self.headers_of(401, {"WWW-Authenticate": "Basic"})
        elif not file.is_file():
            self.headers_of(404, {})
        else:
            data = file.read_bytes()
            tag = {"ETag": f'"{sha256(data).hexdigest()}"'}
            self.headers_of(200, {"Content-Length": str(len(data))} | (tag if self.owner.tagged else {}))
            self.wfile.write(body[: len(body) - self.owner.short])


@dataclass
class WebServer(LoopbackServer):
    """Serves the files of a folder, and does what `answers` says instead where it names a path."""

    HANDLER = _Handler
    password: str | None = None
    """`Authorization` that is asked for."""
    answers: dict[str, tuple[int, dict[str, str]]] = field(default_factory=dict)
    """Status and headers of a path, instead of the file's."""
    short: int = 0
    """Bytes that are held back of each body."""
    tagged: bool = True
