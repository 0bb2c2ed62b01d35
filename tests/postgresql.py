"""A PostgreSQL server of the test's own, of Debian's package: on loopback, a free port, a folder that goes with it."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.serving.process import free_port
from localcluster import packages

PASSWORD = "pass'word \\ 1"


@dataclass(frozen=True)
class Server:
    folder: Path
    port: int
    programs: Path

    @property
    def environment(self) -> dict[str, str]:
        """As psql reads it, and a Secret holds it."""
        return {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.port),
            "PGUSER": "postgres",
            "PGPASSWORD": PASSWORD,
            "PGDATABASE": "postgres",
        }

    def psql(self, *statements: str, **environment: str) -> str:
        """Each in a transaction of its own."""
        command = [str(self.programs / "psql"), "-qAtX", "-v", "ON_ERROR_STOP=1"]
        said = [word for statement in statements for word in ("-c", statement)]
        done = subprocess.run(
            [*command, *said], env={**os.environ, **self.environment, **environment}, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@contextmanager
def server(tls: Path | None = None) -> Iterator[Server]:
    """`tls`: a folder with cert.pem and key.pem."""
    packages.install({"postgresql": "pg_ctlcluster"}, "a database of the tests' own")
    programs = _programs()
    folder = Path(tempfile.mkdtemp(prefix="modelward-postgresql-"))
    try:
        as_user = _as_user(folder)
        _initialise(programs, folder, as_user)
        settings = _with_tls(tls, folder / "data") if tls else {}
        with _running(programs, folder, settings, as_user) as port:
            yield Server(folder, port, programs)
    finally:
        shutil.rmtree(folder)


def _programs() -> Path:
    """Debian keeps them off PATH, by version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else Path(shutil.which("postgres") or "/").parent


def _as_user(folder: Path) -> dict[str, Any]:
    """The server refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _initialise(programs: Path, folder: Path, as_user: dict[str, Any]) -> None:
    password = folder / "password"
    password.write_text(PASSWORD)
    password.chmod(0o644)
    data = ["-D", str(folder / "data"), "--encoding", "UTF8", "--locale", "C", "--no-sync"]
    account = ["--username", "postgres", "--auth", "scram-sha-256", "--pwfile", str(password)]
    subprocess.run([programs / "initdb", *data, *account], check=True, capture_output=True, cwd="/", **as_user)


def _with_tls(tls: Path, data: Path) -> dict[str, str]:
    owner = data.stat()
    for name in ("cert.pem", "key.pem"):
        copy = data / name
        copy.write_bytes((tls / name).read_bytes())
        copy.chmod(0o600)
        os.chown(copy, owner.st_uid, owner.st_gid)
    return {"ssl": "on", "ssl_cert_file": "cert.pem", "ssl_key_file": "key.pem"}


@contextmanager
def _running(programs: Path, folder: Path, settings: Mapping[str, str], as_user: dict[str, Any]) -> Iterator[int]:
    port = free_port()
    chosen = {"fsync": "off", "listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": ""}
    options = [word for name, value in (chosen | dict(settings)).items() for word in ("-c", f"{name}={value}")]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [programs / "postgres", "-D", folder / "data", *options], stdout=log, stderr=log, cwd="/", **as_user
        )
    try:
        _wait(process, port, folder)
        yield port
    finally:
        process.send_signal(signal.SIGINT)  # SIGTERM would wait for clients to leave
        process.wait(10)


def _wait(process: subprocess.Popen[bytes], port: int, folder: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, (folder / "log").read_text()
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) == 0 and "ready to accept" in (folder / "log").read_text():
                return
        time.sleep(0.05)
    raise AssertionError((folder / "log").read_text())
