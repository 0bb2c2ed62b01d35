"""A real S3 server (versitygw) on a free loopback port, with a folder for each bucket, and a log of what was asked.

    with ObjectStore(folder) as store:
        store.bucket("raw")
        fs = store.filesystem()
        ...
        assert not [each for each in store.requests() if each.operation == "GetObject"]

It ends with the thread that started it, even if that is killed. `kill` and `start` let it be away for a while: the port
and all that was written stay.
"""

import re
import shutil
import socket
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.serving.process import free_port
from localcluster import parts, progress

ACCESS, SECRET, REGION = "tests", "only for tests", "eu-test-1"
_LINE = re.compile(r"\S+ (?P<bucket>\S+) \[[^]]*\] \S+ \S+ \S+ (?P<operation>\S+) (?P<rest>.*)")
_REST = re.compile(r"(?P<key>.*?) (?P<uri>/\S*) (?P<status>\d{3}) (?P<error>\S+) (?P<sent>\d+) ")
_TRIES = 3


@dataclass(frozen=True)
class Request:
    """One line of the server's access log."""

    operation: str
    """As S3 calls it: ListObjectsV2, GetObject, HeadObject, PutObject, CreateMultipartUpload …"""
    bucket: str
    key: str
    uri: str
    status: int
    error: str
    """S3's code, or a dash."""


class ObjectStore:
    """A running S3 server; what it keeps lies below `folder`."""

    def __init__(self, folder: Path, certificate: Path | None = None, versioned: bool = False) -> None:
        """`certificate`: of this name with the key beside it, `.key` for `.crt`; the server then speaks TLS alone."""
        self.folder, self._certificate, self._versioned = folder.resolve(), certificate, versioned
        self.data, self.log = self.folder / "data", self.folder / "access.log"
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"{'https' if self._certificate else 'http'}://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a client that knows AWS's usual variables needs, and what a Secret for it would hold."""
        return {
            "AWS_ACCESS_KEY_ID": ACCESS,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint,
        }

    def filesystem(self, **options: Any) -> Any:
        """An fsspec filesystem of its own, nothing of it cached."""
        import s3fs

        client = {"region_name": REGION} | options.pop("client_kwargs", {})
        return s3fs.S3FileSystem(
            key=ACCESS,
            secret=SECRET,
            endpoint_url=self.endpoint,
            client_kwargs=client,
            skip_instance_cache=True,
            use_listings_cache=False,
            **options,
        )

    def bucket(self, name: str) -> Path:
        """Make a bucket, and return the folder where its objects lie as files."""
        self.filesystem().mkdir(name)
        return self.data / name

    def requests(self, operation: str | None = None) -> list[Request]:
        """What was asked since the start, or since `forget`."""
        lines = self.log.read_text(errors="replace").splitlines() if self.log.exists() else []
        found = [request for line in lines if (request := _request(line))]
        return [each for each in found if operation in (None, each.operation)]

    def forget(self) -> None:
        """Empty the log."""
        with suppress(FileNotFoundError), self.log.open("r+") as log:
            log.truncate(0)

    def __enter__(self) -> Self:
        parts.build([parts.VERSITYGW])
        self.data.mkdir(parents=True, exist_ok=True)
        for attempt in range(_TRIES):
            self.port = free_port()
            try:
                self.start()
                return self
            except RuntimeError:
                if attempt == _TRIES - 1:
                    raise
        raise AssertionError

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Start it where it was, and wait until it answers."""
        log = self.folder / "versitygw.log"
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self._command()], stdin=subprocess.DEVNULL, stdout=file, stderr=file
            )
        progress.wait_for("the S3 server answers", self._answers, 60, f"See {log}")

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def erase(self, bucket: str) -> None:
        """Take a bucket away with all that is in it, behind the server's back."""
        shutil.rmtree(self.data / bucket)

    def _command(self) -> Sequence[str]:
        tls = (
            ["--cert", str(self._certificate), "--key", str(self._certificate.with_suffix(".key"))]
            if self._certificate
            else []
        )
        server = ["--port", f"127.0.0.1:{self.port}", "--region", REGION, "--access", ACCESS, "--secret", SECRET]
        kept = ["--versioning-dir", str(self._made("versions"))] if self._versioned else []
        quiet = ["--quiet", "--health", "/health", "--access-log", str(self.log)]
        return [str(parts.VERSITYGW.path), *server, *tls, *quiet, "posix", *kept, str(self.data)]

    def _made(self, name: str) -> Path:
        (self.folder / name).mkdir(exist_ok=True)
        return self.folder / name

    def _answers(self) -> bool:
        assert self._process
        if self._process.poll() is not None:
            log = (self.folder / "versitygw.log").read_text(errors="replace")
            raise RuntimeError(f"the S3 server ended at its start:\n{log[-3000:]}")
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=5):
            return True
        return False


def _request(line: str) -> Request | None:
    """Keys may hold spaces: what follows them is told by its form."""
    head = _LINE.fullmatch(line)
    rest = _REST.match(head["rest"]) if head else None
    if not head or not rest:
        return None
    operation = head["operation"].removeprefix("s3_")
    return Request(operation, head["bucket"], rest["key"], rest["uri"], int(rest["status"]), rest["error"])
