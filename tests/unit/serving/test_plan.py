"""Workers and threads from cgroup trees as machines have them (cgroups/*.txt: one file of the tree a line)."""

from pathlib import Path

import pytest

from modelward_serving.model.plan import Allowance, Plan, make_plan, plan_for, read_allowance

TREES = Path(__file__).parent / "cgroups"
MIB = 1 << 20
V2 = "cgroup v2"
V1 = "cgroup v1"


def restore(name: str, root: Path) -> tuple[Path, Path, int]:
    """The tree's mount, the process's own /proc/self/cgroup, and how many CPUs the process may run on."""
    proc, lines = root / "proc-self-cgroup", []
    affinity = 0
    for line in (TREES / f"{name}.txt").read_text().splitlines():
        key, _, text = line.partition(" = ")
        if key == "affinity":
            affinity = int(text)
        elif key == "/proc/self/cgroup":
            lines.append(text)
        else:
            path = root / "mount" / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text + "\n")
    proc.write_text("\n".join(lines) + "\n")
    return root / "mount", proc, affinity


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # a container of Kubernetes on cgroup v2: its own group is the mount
        ("v2-pod-500m-of-4", Plan(0.5, V2, workers=1, intra_op_threads=1)),
        ("v2-pod-1-of-4", Plan(1.0, V2, workers=1, intra_op_threads=1)),
        ("v2-pod-1500m-of-8", Plan(1.5, V2, workers=1, intra_op_threads=1)),
        ("v2-pod-2-of-16", Plan(2.0, V2, workers=2, intra_op_threads=1)),
        ("v2-pod-3500m-of-64", Plan(3.5, V2, workers=3, intra_op_threads=1)),
        ("v2-pod-without-limit-of-64", Plan(64.0, "affinity", workers=1, intra_op_threads=64)),
        # guaranteed, with CPUs of its own by the static CPU manager
        ("v2-pod-4-cpuset-of-32", Plan(4.0, "affinity", workers=4, intra_op_threads=1)),
        ("v2-pod-8-but-256Mi-of-16", Plan(8.0, V2, workers=2, intra_op_threads=4)),
        # no namespace: the process sees the whole tree, and the slice above it is tighter
        ("v2-host-nested-in-a-tighter-slice", Plan(2.0, V2, workers=2, intra_op_threads=1)),
        ("v1-docker-500m-of-4", Plan(0.5, V1, workers=1, intra_op_threads=1)),
        ("v1-pod-2-of-8", Plan(2.0, V1, workers=2, intra_op_threads=1)),
        ("v1-host-nested-of-64", Plan(3.0, V1, workers=3, intra_op_threads=1)),
        ("v1-without-limit-of-16", Plan(16.0, "affinity", workers=1, intra_op_threads=16)),
        ("no-cgroup-of-8", Plan(8.0, "affinity", workers=1, intra_op_threads=8)),
    ],
)
def test_tree_gives_its_plan(tmp_path: Path, name: str, expected: Plan) -> None:
    root, proc, affinity = restore(name, tmp_path)
    assert make_plan(model_bytes=1 * MIB, root=root, proc=proc, affinity=affinity) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("v2-pod-8-but-256Mi-of-16", 256 * MIB),
        ("v1-pod-2-of-8", 1024 * MIB),
        ("v1-without-limit-of-16", None),
        ("v2-host-nested-in-a-tighter-slice", 4096 * MIB),
    ],
)
def test_memory_limit_is_the_tightest_on_the_way_down(tmp_path: Path, name: str, expected: int | None) -> None:
    root, proc, _ = restore(name, tmp_path)
    assert read_allowance(root, proc).memory_bytes == expected


@pytest.mark.parametrize(("cpus", "threads"), [(0.25, 1), (0.5, 1), (1.0, 1), (1.9, 1), (4.0, 4), (7.5, 7), (64.0, 64)])
def test_workers_and_threads_never_exceed_the_quota_nor_spin(cpus: float, threads: int) -> None:
    plan = plan_for(Allowance(cpus, None, V2), 64, 0)
    assert plan.workers * plan.intra_op_threads == plan.alone().intra_op_threads == threads
    assert not plan.spinning


def test_large_model_gets_fewer_workers_and_more_threads() -> None:
    plan = plan_for(Allowance(8.0, 4096 * MIB, V2), 8, 400 * MIB)
    assert (plan.workers, plan.intra_op_threads) == (2, 4)


def test_what_is_given_wins() -> None:
    allowed = Allowance(8.0, None, V2)
    assert plan_for(allowed, 8, 0, workers=4).intra_op_threads == 2
    assert plan_for(allowed, 8, 0, workers=1).intra_op_threads == 8
    assert plan_for(Allowance(1.0, None, V2), 8, 0, intra_op_threads=3).intra_op_threads == 3
