"""A server as processes of its own on one core: started, looked at from outside, ended."""

import itertools
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVER_CORE, CLIENT_CORE = 0, 1
TICK = os.sysconf("SC_CLK_TCK")


_SHARE = 500
_ports = itertools.cycle(range(_SHARE))


def free_port() -> int:
    """Below those that outgoing connections get, in a share of this process's own: else another's connection or server
    may take it before the one that it is for."""
    first = 10_000 + os.getpid() % 44 * _SHARE
    for _ in range(_SHARE):
        port = first + next(_ports)
        with socket.socket() as probe, suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError(f"no port from {first} on is free")


@contextmanager
def running(command: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """In a session of its own, so that no worker outlives it."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    paths = f"{ROOT}:{ROOT}/operator:{ROOT}/serving"
    environment = kept | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
    environment |= {"MODELWARD_TERMINATION_LOG": str(log.with_suffix(".termination"))}
    pinned = ["taskset", "-c", str(SERVER_CORE), *command]
    with log.open("ab") as output:
        process = subprocess.Popen(
            pinned, env=environment, stdout=output, stderr=output, cwd=ROOT, start_new_session=True
        )
    try:
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    family = tree(process.pid)
    process.terminate()
    try:
        process.wait(1.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pid in family[1:]:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def tree(pid: int) -> list[int]:
    """The process and all below it."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        children = []
    # Threads other than the first may have children too.
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        children += [child for child in task.read_text().split() if child not in children]
    return [pid, *(below for child in children for below in tree(int(child)))]


def cpu_seconds(pid: int) -> float:
    """User and system time of the whole tree, its dead children's included."""
    total = 0
    for member in tree(pid):
        try:
            fields = Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(map(int, fields[11:15]))
    return total / TICK


def memory_mb(pid: int, part: str = "Pss") -> float:
    """Proportional set size of the whole tree: what workers share counts once. `Pss_Anon` leaves out the files, of
    which each process has a smaller share the more other servers run."""
    total = 0
    for member in tree(pid):
        try:
            lines = Path(f"/proc/{member}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith(f"{part}:"))
    return total / 1024


def wait_for(seconds: float, what: str, process: subprocess.Popen[bytes], log: Path) -> Iterator[None]:
    """A turn every few milliseconds until the time is up."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{what} ended: {log.read_text()[-2000:]}")
        yield
        time.sleep(0.005)
    raise RuntimeError(f"{what} gave no answer in {seconds:.0f} s: {log.read_text()[-2000:]}")
