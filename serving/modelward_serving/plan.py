"""How many threads and workers fit this container's CPU quota.

onnxruntime sizes its pool by the host's cores and lets idle threads spin; under a quota both burn the time slice that
requests need. So the quota is read from the cgroup (v1 or v2) and threads are set to it, never above.
"""

import os
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Plan:
    cpus: float
    """The quota, or the CPUs that this process may use."""
    source: str
    workers: int
    intra_op_threads: int

    def as_dict(self) -> dict[str, float | int | str]:
        return asdict(self)


def make_plan(workers: int | None = None, intra_op_threads: int | None = None, root: Path = ROOT) -> Plan:
    """Small models gain nothing from threads of their own and much from workers; what is given wins."""
    available = len(os.sched_getaffinity(0))
    quota, source = read_quota(root)
    cpus = min(quota, available) if quota else float(available)
    return plan_for(cpus, source if quota and quota < available else "affinity", workers, intra_op_threads)


def plan_for(cpus: float, source: str, workers: int | None, intra_op_threads: int | None) -> Plan:
    whole = max(1, int(cpus))
    workers = workers or 1
    return Plan(cpus, source, workers, intra_op_threads or max(1, whole // workers))


def read_quota(root: Path = ROOT) -> tuple[float | None, str]:
    """CPUs by quota, None where there is no limit."""
    text = _read(root / "cpu.max")
    if text is not None:
        quota, _, period = text.partition(" ")
        return (None if quota == "max" else int(quota) / int(period)), "cgroup v2"
    for folder in ("cpu", "cpu,cpuacct"):
        limit, interval = _read(root / folder / "cpu.cfs_quota_us"), _read(root / folder / "cpu.cfs_period_us")
        if limit is not None and interval is not None:
            return (None if int(limit) <= 0 else int(limit) / int(interval)), "cgroup v1"
    return None, "none"


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None
