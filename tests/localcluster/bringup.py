"""Brings a cluster up: files first, then the namespaces, the network cable, and what every cluster starts with."""

import json
import subprocess
import sys
from pathlib import Path

from localcluster import (
    cgroups,
    locks,
    node_components,
    node_files,
    packages,
    parts,
    paths,
    processes,
    static_image,
    teardown,
)
from localcluster.cluster import Cluster
from localcluster.progress import run, step, wait_for
from localcluster.record import Record, require_root

_ADDONS = Path(__file__).with_name("addons.json")
_NAMESPACES = ("--mount", "--net", "--pid", "--uts", "--ipc", "--mount-proc", "--fork", "--kill-child")


def up(name: str) -> Cluster:
    """Make the cluster `name`, or find it already there; what a crash left half-made is made anew."""
    require_root()
    packages.install()
    parts.build(parts.NODE)
    with locks.held(f"cluster-{name}"):
        found = Cluster.find(name)
        if found and found.is_running() and found.is_ready():
            return found
        teardown.remove(name)
        cluster = Cluster(_record(name))
        _write_files(cluster)
        _start(cluster)
        return cluster


def _record(name: str) -> Record:
    with locks.held("networks"):
        record = Record.choose(name)
        record.write()
        return record


def _write_files(cluster: Cluster) -> None:
    record = cluster.record
    with step("keys and configuration"):
        cluster.plane.prepare()
        node_files.write(record, cgroups.name(record.name))
        static_image.write(record.folder / "pause.tar", node_files.PAUSE_IMAGE, parts.program("pause"), "pause")
        components = node_components.components(record)
        node = {"address": record.node_address, "service_cidr": record.service_cidr, "components": components}
        (record.folder / "node.json").write_text(json.dumps(node))


def _start(cluster: Cluster) -> None:
    folder = cluster.record.folder
    with step("control plane"):
        cgroups.create(cluster.record.name)
        _launch(folder)
        _connect(cluster.record)
        wait_for("the API server answers", lambda: cluster.finds("namespace", "default"), 90, f"See {folder}/log")
        cluster.kubectl("apply", "--filename=-", stdin=_ADDONS.read_text())
    with step("node"):
        wait_for("containerd answers", lambda: _containerd_answers(cluster), 30, f"See {folder}/log/containerd.log")
        cluster.load_images(folder / "pause.tar")
        wait_for("the node is ready", cluster.is_ready, 90, f"See {folder}/log/kubelet.log")


def _launch(folder: Path) -> None:
    # Forked away: the node outlives whoever brings it up, and is no child that they would have to look after.
    command = ["setsid", "--fork", "unshare", *_NAMESPACES, sys.executable, "-m", processes.INIT, str(folder)]
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "PYTHONPATH": str(paths.MODULE.parent)}
    with (folder / "init.log").open("ab") as log:
        subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment, cwd="/", check=True)
    wait_for("the node has namespaces", lambda: len(processes.node(folder)) == 2, 10, f"See {folder}/init.log")


def _connect(record: Record) -> None:
    """The cable between host and node, and the host's way to Services and pods. It goes when the node goes."""
    node = str(processes.node(record.folder)[-1])
    run(["ip", "link", "add", record.interface, "type", "veth", "peer", "name", "eth0", "netns", node])
    run(["ip", "address", "add", f"{record.host_address}/30", "dev", record.interface])
    run(["ip", "link", "set", record.interface, "up"])
    for network in (record.service_cidr, record.pod_cidr):
        run(["ip", "route", "add", network, "via", record.node_address])


def _containerd_answers(cluster: Cluster) -> bool:
    return subprocess.run(cluster.entering("ctr", "version"), capture_output=True).returncode == 0
