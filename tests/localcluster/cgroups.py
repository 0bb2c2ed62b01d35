"""The node's control groups: one tree per controller on cgroup v1, a single one on v2."""

from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")


def name(cluster: str) -> str:
    """The control group below which all pods of a cluster run."""
    return f"modelward-{cluster}"


def create(cluster: str) -> None:
    """Make the control groups that the kubelet expects to find."""
    for root in _roots():
        folder = root / name(cluster)
        folder.mkdir(exist_ok=True)
        if root.name == "cpuset":  # an empty cpuset admits no process
            for setting in ("cpuset.cpus", "cpuset.mems"):
                (folder / setting).write_text((root / setting).read_text())


def remove(cluster: str) -> None:
    """Remove them and all below, once their processes are gone."""
    for tree in existing(cluster):
        for folder in sorted((path for path in tree.rglob("*") if path.is_dir()), reverse=True):
            folder.rmdir()
        tree.rmdir()


def existing(cluster: str) -> list[Path]:
    """The control groups of a cluster that are there."""
    return [root / name(cluster) for root in _roots() if (root / name(cluster)).exists()]


def _roots() -> list[Path]:
    if (_ROOT / "cgroup.controllers").exists():
        return [_ROOT]
    return sorted(path for path in _ROOT.iterdir() if path.is_dir() and not path.is_symlink())
