"""A cluster that is up: what it is, and how to reach into it."""

import contextlib
import subprocess
import urllib.request
from pathlib import Path

from localcluster import node_components, parts, processes
from localcluster.progress import run
from localcluster.record import Record

_CONTAINERD = ("ctr", "--namespace", "k8s.io", "images")


class Cluster:
    """One cluster of this machine, running or left half-made."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.plane = node_components.control_plane(record)

    @classmethod
    def find(cls, name: str) -> "Cluster | None":
        """The cluster `name`, if anything of it is there."""
        record = Record.read(name)
        return cls(record) if record else None

    @classmethod
    def get(cls, name: str) -> "Cluster":
        """The cluster `name`, or a message that says how to get it."""
        if not (cluster := cls.find(name)):
            raise SystemExit(f"there is no cluster {name!r} on this machine: make it with `up --name {name}`")
        return cluster

    def describe(self) -> dict[str, str]:
        """What a caller needs to know."""
        return {
            "name": self.record.name,
            "state": "running" if self.is_running() else "not running: take it down",
            "api": self.plane.url,
            "kubeconfig": str(self.plane.kubeconfig()),
            "audit_log": str(self.plane.audit_log),
            "logs": str(self.record.folder / "log"),
            "node_address": self.record.node_address,
        }

    def is_running(self) -> bool:
        """Whether the node's first process lives."""
        return bool(processes.node(self.record.folder))

    def is_ready(self) -> bool:
        """Whether a pod could start now and find its Services by name."""
        ready = ["node", self.record.name, "--output", 'jsonpath={.status.conditions[?(@.type=="Ready")].status}']
        return self.finds(*ready) == "True" and bool(self.finds("serviceaccount", "default")) and self._dns_ready()

    def finds(self, *what: str) -> str:
        """What kubectl gets, or nothing if it fails."""
        command = [*self._kubectl(), "--request-timeout=2s", "get", *what]
        return subprocess.run(command, capture_output=True, text=True).stdout

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl as the administrator."""
        return run([*self._kubectl(), *arguments], stdin=stdin)

    def inside(self, *command: str | Path) -> str:
        """Run a command in the node's namespaces."""
        return run(self.entering(*command))

    def entering(self, *command: str | Path) -> list[str]:
        """The same command, for the node's namespaces."""
        first = processes.node(self.record.folder)[-1]
        spaces = ("--mount", "--net", "--pid", "--uts", "--ipc")
        return ["nsenter", "--target", str(first), *spaces, *map(str, command)]

    def load_images(self, archive: Path) -> None:
        """Give the node the images in an archive; no registry is needed."""
        self.inside(*_CONTAINERD, "import", archive)

    def image_names(self) -> set[str]:
        """The images that the node has."""
        return set(self.inside(*_CONTAINERD, "list", "--quiet").split())

    def _kubectl(self) -> list[str]:
        ends_with_us = ("setpriv", "--pdeathsig", "KILL")
        return [*ends_with_us, str(parts.kubectl()), f"--kubeconfig={self.plane.kubeconfig()}"]

    def _dns_ready(self) -> bool:
        url = f"http://{self.record.node_address}:8181/ready"
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2):
            return True
        return False
