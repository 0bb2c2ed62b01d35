"""Threads from cgroup trees as machines have them."""

from pathlib import Path

import pytest

from modelward_serving.plan import plan_for, read_quota


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return root


@pytest.mark.parametrize(
    ("files", "quota", "source"),
    [
        ({"cpu.max": "max 100000"}, None, "cgroup v2"),
        ({"cpu.max": "50000 100000"}, 0.5, "cgroup v2"),
        ({"cpu.max": "6400000 100000"}, 64.0, "cgroup v2"),
        ({"cpu.max": "150000 50000"}, 3.0, "cgroup v2"),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, None, "cgroup v1"),
        ({"cpu/cpu.cfs_quota_us": "400000", "cpu/cpu.cfs_period_us": "100000"}, 4.0, "cgroup v1"),
        ({"cpu,cpuacct/cpu.cfs_quota_us": "25000", "cpu,cpuacct/cpu.cfs_period_us": "100000"}, 0.25, "cgroup v1"),
        ({}, None, "none"),
    ],
)
def test_quota_is_read_from_both_versions_of_cgroups(
    tmp_path: Path, files: dict[str, str], quota: float | None, source: str
) -> None:
    assert read_quota(tree(tmp_path, files)) == (quota, source)


@pytest.mark.parametrize(("cpus", "threads"), [(0.25, 1), (0.5, 1), (1.0, 1), (1.9, 1), (4.0, 4), (7.5, 7), (64.0, 64)])
def test_threads_never_exceed_the_quota(cpus: float, threads: int) -> None:
    assert plan_for(cpus, "cgroup v2", None, None).intra_op_threads == threads


def test_workers_share_the_quota_and_what_is_given_wins() -> None:
    assert plan_for(8.0, "cgroup v2", 4, None).intra_op_threads == 2
    assert plan_for(1.0, "cgroup v2", None, 3).intra_op_threads == 3
