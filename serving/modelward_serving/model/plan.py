"""How many workers and threads fit this container, from its cgroup (v1 or v2).

onnxruntime sizes its pool by the host's cores and lets idle threads spin; under a quota both burn the time slice that
requests need. So threads never exceed the quota and never spin. A quota of several CPUs was asked for by somebody who
means this server to use them: small models then get a worker for each. Without a quota there is one worker, because
a node's cores are not this pod's.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TypeVar

Number = TypeVar("Number", int, float)
ROOT = Path("/sys/fs/cgroup")
PROC = Path("/proc/self/cgroup")
WORKER_BYTES = 24 << 20
"""What a further worker needs beside its model."""
BASE_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the cgroups of this process permit, the tightest of its own and those above it. None: no limit."""

    cpus: float | None
    memory_bytes: int | None
    source: str


@dataclass(frozen=True, slots=True)
class Plan:
    cpus: float
    """The quota, or the CPUs that this process may use."""
    source: str
    workers: int
    intra_op_threads: int
    spinning: bool = False
    """Of onnxruntime's threads while they wait. Never: it pays on a machine of one's own only."""

    def as_dict(self) -> dict[str, float | int | str]:
        return asdict(self)

    @property
    def concurrent(self) -> int:
        """Runs at a time in a worker, where requests do not run together."""
        return max(1, int(self.cpus) // (self.workers * self.intra_op_threads))

    def alone(self) -> "Plan":
        """For a model whose runs are long enough to be worth splitting: all CPUs for one worker's threads."""
        return replace(self, workers=1, intra_op_threads=max(1, self.intra_op_threads * self.workers))


def make_plan(
    workers: int | None = None,
    intra_op_threads: int | None = None,
    model_bytes: int = 0,
    root: Path = ROOT,
    proc: Path = PROC,
    affinity: int | None = None,
) -> Plan:
    """What is given wins. `model_bytes`: of the file, which each worker loads for itself."""
    return plan_for(
        read_allowance(root, proc), affinity or len(os.sched_getaffinity(0)), model_bytes, workers, intra_op_threads
    )


def plan_for(
    allowed: Allowance, affinity: int, model_bytes: int, workers: int | None = None, intra_op_threads: int | None = None
) -> Plan:
    limited = allowed.cpus is not None and allowed.cpus < affinity
    cpus = allowed.cpus if allowed.cpus is not None and limited else float(affinity)
    whole = max(1, int(cpus))
    if workers is None:
        workers = min(whole, _fitting(allowed.memory_bytes, model_bytes)) if allowed.cpus is not None else 1
    source = allowed.source if limited else "affinity"
    return Plan(cpus, source, workers, intra_op_threads or max(1, whole // workers))


def _fitting(memory_bytes: int | None, model_bytes: int) -> int:
    """A model takes up to twice its file while it is loaded. Half of the limit stays for requests."""
    if memory_bytes is None:
        return 1 << 16
    return max(1, (memory_bytes // 2 - BASE_BYTES) // (WORKER_BYTES + 2 * model_bytes))


def read_allowance(root: Path = ROOT, proc: Path = PROC) -> Allowance:
    paths = _own_paths(proc)
    if (root / "cgroup.controllers").exists():
        folders = list(_down(root, paths.get("", "/")))
        return Allowance(
            _least(_quota(*(_read(folder / "cpu.max") or "max 100000").split()) for folder in folders),
            _least(_bytes(_read(folder / "memory.max")) for folder in folders),
            "cgroup v2",
        )
    cpu = [f for name in ("cpu", "cpu,cpuacct") for f in _down(root / name, paths.get("cpu", "/"))]
    memory = _down(root / "memory", paths.get("memory", "/"))
    quotas = [_quota(_read(f / "cpu.cfs_quota_us"), _read(f / "cpu.cfs_period_us")) for f in cpu]
    return Allowance(
        _least(quotas),
        _least(_bytes(_read(f / "memory.limit_in_bytes")) for f in memory),
        "cgroup v1" if cpu else "none",
    )


def _own_paths(proc: Path) -> dict[str, str]:
    """Controller → this process's group; "" is cgroup v2."""
    paths: dict[str, str] = {}
    for line in (_read(proc) or "").splitlines():
        _, controllers, path = line.split(":", 2)
        paths |= dict.fromkeys(controllers.split(","), path)
    return paths


def _down(root: Path, path: str) -> Iterator[Path]:
    """From the mount to the group. A container sees its own group as the mount, and no folder of the path's name."""
    folder = root
    if folder.is_dir():
        yield folder
    for part in PurePosixPath(path).parts[1:]:
        folder = folder / part
        if part == ".." or not folder.is_dir():
            return
        yield folder


def _quota(quota: str | None, period: str | None) -> float | None:
    if quota is None or period is None or quota == "max" or int(quota) <= 0:
        return None
    return int(quota) / int(period)


def _bytes(text: str | None) -> int | None:
    """v1 says "no limit" as the largest number of whole pages."""
    if text is None or text == "max" or int(text) >= 1 << 60:
        return None
    return int(text)


def _least(values: Iterable[Number | None]) -> Number | None:
    return min((value for value in values if value is not None), default=None)


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None
