"""git's own server on this machine, over HTTP: `with GitServer(folder) as server`; and repositories for it to serve."""

import base64
import os
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from loopback import Handler, LoopbackServer

_PERSON = {f"GIT_{who}_{what}": "test@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
_ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
    "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
    **_PERSON,
}


class Repository:
    """With a work tree, in which tests put what they like."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch", "main")

    def git(self, *arguments: str, given: str = "") -> str:
        done = subprocess.run(
            ["git", "-C", str(self.folder), *arguments],
            env=_ENVIRONMENT,
            input=given,
            text=True,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def commit(self, **files: str) -> str:
        """`train="…"` writes train.py. Returns the commit's hash; what else lies in the tree comes along."""
        for name, text in files.items():
            (self.folder / f"{name}.py").write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "test")
        return self.git("rev-parse", "HEAD")


class _Handler(Handler):
    owner: "GitServer"

    def do_GET(self) -> None:  # noqa: N802 - as http.server calls it
        self._answer(b"")

    def do_POST(self) -> None:  # noqa: N802 - as http.server calls it
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, body: bytes) -> None:
        given, wanted = self.headers.get("Authorization"), base64.b64encode(self.owner.account.encode()).decode()
        self.owner.requests.append((self.command, self.path, given))
        if self.owner.silent:
            self.owner.silent.wait()
        for old, new in self.owner.moved.items():
            if self.path.startswith(old):
                self.headers_of(302, {"Location": new + self.path.removeprefix(old)})
                return
        if self.owner.account and given != f"Basic {wanted}":
            self.headers_of(401, {"WWW-Authenticate": "Basic"})
            return
        self._backend(body)

    def _backend(self, body: bytes) -> None:
        path, _, query = self.path.partition("?")
        asked = {
            "GIT_PROJECT_ROOT": str(self.owner.folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "REQUEST_METHOD": self.command,
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "CONTENT_TYPE": self.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "GIT_PROTOCOL": self.headers.get("Git-Protocol", ""),
        }
        environment = _ENVIRONMENT | asked | self.owner.environment
        done = subprocess.run(["git", "http-backend"], env=environment, input=body, capture_output=True, check=False)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().splitlines())
        code = int(headers.pop("Status", "200").split()[0])
        self.headers_of(code, headers | {"Content-Length": str(len(content))})
        self.wfile.write(content)


@dataclass
class GitServer(LoopbackServer):
    """Serves the repositories below `folder` by `git http-backend`."""

    HANDLER = _Handler
    account: str = ""
    """`user:password` that is asked for."""
    moved: dict[str, str] = field(default_factory=dict)
    """Where the paths that begin so are now."""
    silent: threading.Event | None = None
    """Answers nothing until it is set."""
    environment: dict[str, str] = field(default_factory=dict)
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    """Method, path with query, and the Authorization that came with it."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.silent:
            self.silent.set()
        super().__exit__(kind, error, trace)
