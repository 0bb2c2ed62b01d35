"""One server under CPU quotas: what it burns idle, and its tail against the same server without a quota."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.serving.load import constant
from benchmarks.serving.process import cpu_seconds

from .servers import Operator, serving

ROOT = Path("/sys/fs/cgroup")
PERIOD = 100_000
IDLE_SECONDS, LOAD_SECONDS = 4.0, 4.0
CONNECTIONS = 16


def quotas(folder: Path, operator: Operator, request: bytes, rounds: int, rate: float) -> dict[str, Any]:
    """For 0.5 and 1 CPU and none, in turn. Needs a cgroup file system that may be written."""
    samples: dict[str, list[dict[str, float]]] = {"none": [], "0.5": [], "1": []}
    for _ in range(rounds):
        for name, rows in samples.items():
            with group(None if name == "none" else float(name)) as within:
                rows.append(_measure(folder, operator, request, rate, within))
    result: dict[str, Any] = {"rate": rate, "connections": CONNECTIONS, "rounds": rounds}
    for name, rows in samples.items():
        result[name] = {key: [round(row[key], 3) for row in rows] for key in rows[0]}
    free = samples["none"]
    for name in ("0.5", "1"):
        ratios = [row["p99_ms"] / other["p99_ms"] for row, other in zip(samples[name], free, strict=True)]
        result[name]["p99_ratio"] = round(median(ratios), 2)
    return result


def _measure(folder: Path, operator: Operator, request: bytes, rate: float, within: Path | None) -> dict[str, float]:
    with serving(folder, "r1", operator.folder, within=within) as server:
        constant(server.data, request, CONNECTIONS, 1.0, rate)
        before = cpu_seconds(server.process.pid)
        time.sleep(IDLE_SECONDS)
        idle = cpu_seconds(server.process.pid) - before
        answered = constant(server.data, request, CONNECTIONS, LOAD_SECONDS, rate)
        used = cpu_seconds(server.process.pid) - before - idle
    return {
        "idle_percent": 100 * idle / IDLE_SECONDS,
        "cpu_us": 1e6 * used / answered.requests,
        "p50_ms": answered.p50_ms,
        "p99_ms": answered.p99_ms,
        "failures": float(answered.failures),
    }


@contextmanager
def group(cpus: float | None) -> Iterator[Path | None]:
    """A cgroup of our own, removed afterwards; None for no quota."""
    if cpus is None:
        yield None
        return
    v2 = (ROOT / "cgroup.controllers").exists()
    folder = (ROOT if v2 else ROOT / "cpu") / f"modelward-bench-{os.getpid()}"
    folder.mkdir()
    try:
        if v2:
            (folder / "cpu.max").write_text(f"{int(cpus * PERIOD)} {PERIOD}")
        else:
            (folder / "cpu.cfs_quota_us").write_text(str(int(cpus * PERIOD)))
        yield folder
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    """The kernel may need a moment to forget the last process."""
    for _ in range(100):
        try:
            folder.rmdir()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"{folder} cannot be removed")
