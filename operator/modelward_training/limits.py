"""What this container may use, so that no library takes the whole node's cores or memory for its own."""

import os
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")


def cpus() -> int:
    """Whole CPUs of the quota, at least one."""
    available = len(os.sched_getaffinity(0))
    quota, period = (_read("cpu.max") or "max 100000").split()
    return available if quota == "max" else max(1, min(available, round(int(quota) / int(period))))


def memory() -> int | None:
    """Bytes of the memory limit; None without one."""
    text = _read("memory.max")
    return None if text in (None, "max") else int(str(text))


def cap_threads() -> None:
    """For libraries that read it when they are loaded."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, str(cpus()))
    # Threads that wait must not burn the quota: a busy node made one fit a hundred times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _read(name: str) -> str | None:
    try:
        return (CGROUP / name).read_text().strip()
    except OSError:
        return None
