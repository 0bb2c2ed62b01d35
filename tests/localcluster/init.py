"""The first process of a node: in namespaces of its own, it makes them a machine and keeps the components running.

Process, mount and network namespaces end with this process. So the end of a cluster, wanted or by a kill, takes its
processes, mounts, interfaces and iptables rules along, and nothing of them can collide with another cluster.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from localcluster.progress import run, wait_for

_RESTART_AFTER = 1.0
_ENOUGH_MIB = 8192
"""Where as much memory is free, images are unpacked there (two or three GiB): it takes a disk that discards what it
forgets a minute and a half to delete their files."""
# The kubelet insists on these settings of the whole machine. It is shown them, and the machine keeps its own.
_SHOWN_TO_KUBELET = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}


def main() -> None:
    """Set up the machine described in a folder, then serve it until killed."""
    folder = Path(sys.argv[1])
    node = json.loads((folder / "node.json").read_text())
    _mount(folder)
    _connect(node)
    _keep_running(folder, node["components"])


def _mount(folder: Path) -> None:
    for name in ("lib", "log"):
        (folder / name).mkdir(exist_ok=True)
        run(["mount", "--bind", folder / name, f"/var/{name}"])
    run(["mount", "-t", "tmpfs", "tmpfs", "/run"])
    if _available_mib() >= _ENOUGH_MIB:
        Path("/var/lib/containerd").mkdir(exist_ok=True)
        run(["mount", "-t", "tmpfs", "tmpfs", "/var/lib/containerd"])
    shown = folder / "sysctl"
    for name, value in _SHOWN_TO_KUBELET.items():
        file = shown / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{value}\n")
        run(["mount", "--bind", file, f"/proc/sys/{name}"])
    run(["mount", "--make-rshared", "/"])


def _available_mib() -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")) // 1024


def _connect(node: dict[str, str]) -> None:
    def plugged_in() -> bool:
        return subprocess.run(["ip", "link", "show", "eth0"], capture_output=True).returncode == 0

    wait_for("the network cable is plugged in", plugged_in, 30)
    run(["ip", "link", "set", "lo", "up"])
    run(["ip", "address", "add", f"{node['address']}/30", "dev", "eth0"])
    run(["ip", "link", "set", "eth0", "up"])
    run(["ip", "route", "add", node["service_cidr"], "dev", "eth0"])  # never used: kube-proxy rewrites it first
    run(["ip", "route", "add", "unreachable", "default"])
    for name in ("ipv4/ip_forward", "bridge/bridge-nf-call-iptables"):
        file = Path("/proc/sys/net") / name
        if file.exists():
            file.write_text("1")


def _keep_running(folder: Path, components: dict[str, list[str]]) -> None:
    running = {_spawn(folder, name, command): name for name, command in components.items()}
    while True:
        pid, status = os.wait()
        if name := running.pop(pid, None):
            print(f"{name} ended with status {os.waitstatus_to_exitcode(status)}; starting it again", flush=True)
            time.sleep(_RESTART_AFTER)
            running[_spawn(folder, name, components[name])] = name


def _spawn(folder: Path, name: str, command: list[str]) -> int:
    with (folder / "log" / f"{name}.log").open("ab") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/").pid


if __name__ == "__main__":
    main()
