"""The processes of a node, known by what they were started with: no id is kept that the kernel could give to others."""

import contextlib
import os
import select
import signal
from pathlib import Path

INIT = "localcluster.init"


def node(folder: Path) -> list[int]:
    """The first process of a node and its parent, as the host numbers them, oldest first."""
    return sorted(pid for pid in _all() if _arguments(pid)[-2:] == [INIT, str(folder)])


def below(folder: Path) -> list[int]:
    """Every process that was started with `folder` or a path below, but for users of the administrator's kubeconfig."""
    return sorted(pid for pid in _all() if any(_names(argument, folder) for argument in _arguments(pid)))


def kill_node(folder: Path) -> None:
    """End a node at once, and return when all that its namespaces held has ended too."""
    for pid in reversed(node(folder)):
        with contextlib.suppress(ProcessLookupError):
            handle = os.pidfd_open(pid)
            try:
                if _arguments(pid)[-2:] == [INIT, str(folder)]:
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
                    select.select([handle], [], [])  # a namespace's first process ends last
            finally:
                os.close(handle)


def _all() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal()]


def _arguments(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text(errors="replace").removesuffix("\0").split("\0")
    except OSError:
        return []


def _names(argument: str, folder: Path) -> bool:
    value = argument.rpartition("=")[2]
    return value == str(folder) or (value.startswith(f"{folder}/") and not value.endswith("/admin.kubeconfig"))
