"""Servers of several revisions on this machine, and the operator's hand on their traffic."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from sys import executable
from typing import Any

import httpx

from benchmarks.serving.process import free_port, running
from modelward_contracts.monitor import Snapshot
from modelward_contracts.wire import decode

from .signer import Signer


@dataclass
class Server:
    process: Popen[bytes]
    data: int
    direct: int
    admin: int
    revision: str

    def monitor(self) -> Snapshot:
        return decode(httpx.get(f"http://127.0.0.1:{self.admin}/monitor").content, Snapshot)

    def deadline(self) -> float:
        """Seconds that a candidate has to answer, at present."""
        lines = httpx.get(f"http://127.0.0.1:{self.admin}/metrics").text.splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith("modelward_forward_deadline_seconds "))

    def ready(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.admin}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def wait_until_ready(self, seconds: float = 30.0) -> None:
        deadline = time.monotonic() + seconds
        while not self.ready():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise RuntimeError(f"a server of {self.revision} is not ready after {seconds:.0f} s")
            time.sleep(0.02)


@contextmanager
def serving(
    folder: Path, revision: str, traffic_dir: Path, *arguments: str, within: Path | None = None
) -> Iterator[Server]:
    """A ready server on core 0; in a cgroup, on all cores."""
    data, direct, admin = (free_port() for _ in range(3))
    command = [executable, "-m", "modelward_serving", str(folder), "--host", "127.0.0.1", "--name", "m"]
    command += ["--port", str(data), "--direct-port", str(direct), "--admin-port", str(admin)]
    command += ["--deployment", "ns/d", "--revision", revision, "--traffic-dir", str(traffic_dir), *arguments]
    if within is not None:
        enter = (
            f'taskset -pc 0-{(os.cpu_count() or 1) - 1} $$ > /dev/null; echo $$ > {within}/cgroup.procs; exec "$0" "$@"'
        )
        command = ["sh", "-c", enter, *command]
    with running(command, traffic_dir / f"{revision}-{data}.log") as process:
        server = Server(process, data, direct, admin, revision)
        server.wait_until_ready()
        yield server


class Operator(Signer):
    """Pushes settings."""

    def split(self, servers: list[Server], port: int | None, weight: int, **fields: Any) -> None:
        """The same setting to all, each of which must confirm it and reach the candidate."""
        signed = self.signed(self.setting(port, weight, **fields))
        for server in servers:
            httpx.put(f"http://127.0.0.1:{server.admin}/traffic", content=signed, timeout=20).raise_for_status()
            deadline = time.monotonic() + 10
            while not all(forwards.reached for forwards in server.monitor().forwards.values()):
                if time.monotonic() > deadline:
                    raise RuntimeError("the candidate cannot be reached")
                time.sleep(0.005)
