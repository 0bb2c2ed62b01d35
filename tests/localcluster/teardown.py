"""Takes a cluster away, whatever state a crash left it in, and can tell what is left of it."""

import contextlib
import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from localcluster import cgroups, locks, paths, processes
from localcluster.progress import run, step
from localcluster.record import interface, require_root


def down(name: str) -> None:
    """Remove the cluster `name`; nothing happens if there is none."""
    require_root()
    with locks.held(f"cluster-{name}"):
        remove(name)


def remove(name: str) -> None:
    """Remove everything, for a caller that holds the cluster's lock."""
    folder = paths.state(name)
    if not leftovers(name):
        return
    with step(f"taking cluster {name} down"):
        processes.kill_node(folder)
        # Usually gone with its other end.
        subprocess.run(["ip", "link", "delete", interface(name)], capture_output=True)
        for mount in reversed(_mounts(folder)):
            run(["umount", "--lazy", mount])
        _retry(lambda: cgroups.remove(name))
        _retry(lambda: _delete(folder))


def leftovers(name: str) -> list[str]:
    """What this machine still has of the cluster `name`, one line each."""
    folder = paths.state(name)
    found = [f"process {pid}" for pid in processes.below(folder)]
    found += [f"mount {mount}" for mount in _mounts(folder)]
    links = json.loads(run(["ip", "-json", "link", "show"]))
    found += [f"interface {link['ifname']}" for link in links if link["ifname"] == interface(name)]
    found += [f"control group {group}" for group in cgroups.existing(name)]
    return [*found, f"folder {folder}"] if folder.exists() else found


def _mounts(folder: Path) -> list[str]:
    points = (line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines())
    return [point for point in points if Path(point).is_relative_to(folder)]


def _delete(folder: Path) -> None:
    """By `rm`, which is quicker than Python with the many files of a node's images."""
    done = subprocess.run(["rm", "--recursive", "--force", "--one-file-system", folder], capture_output=True, text=True)
    if done.returncode:
        raise OSError(done.stderr)


def _retry(remove: Callable[[], None]) -> None:
    for pause in (0.05, 0.2, 0.5, 1.0, 2.0):
        with contextlib.suppress(OSError):
            remove()
            return
        time.sleep(pause)
    remove()
