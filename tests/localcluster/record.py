"""What is known of one cluster, written down before it is made, so that it can be taken away after any crash."""

import ipaddress
import json
import os
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Self

from localcluster import paths
from localcluster.progress import run

_FILE = "cluster.json"


@dataclass(frozen=True)
class Record:
    """The cluster's name and its /16 of the machine's private addresses; everything else follows from them."""

    name: str
    network: str

    @property
    def folder(self) -> Path:
        """Everything of this cluster that is a file."""
        return paths.state(self.name)

    @property
    def interface(self) -> str:
        """The host's end of the cable to the node; at most 15 characters."""
        return interface(self.name)

    @property
    def host_address(self) -> str:
        """The host, seen from the node."""
        return self._address("0.1")

    @property
    def node_address(self) -> str:
        """The node, which also is the API server's address."""
        return self._address("0.2")

    @property
    def service_cidr(self) -> str:
        """The addresses of Services."""
        return f"{self._address('64.0')}/18"

    @property
    def service_address(self) -> str:
        """The API server as a Service."""
        return self._address("64.1")

    @property
    def pod_cidr(self) -> str:
        """The addresses of pods."""
        return f"{self._address('128.0')}/17"

    def _address(self, ending: str) -> str:
        return f"{self.network.removesuffix('.0.0/16')}.{ending}"

    def write(self) -> None:
        """Keep it, atomically."""
        self.folder.mkdir(parents=True, exist_ok=True)
        scratch = self.folder / f".{_FILE}"
        scratch.write_text(json.dumps(asdict(self)))
        scratch.rename(self.folder / _FILE)

    @classmethod
    def read(cls, name: str) -> Self | None:
        """The record of `name`, or None if there is no such cluster."""
        file = paths.state(name) / _FILE
        return cls(**json.loads(file.read_text())) if file.exists() else None

    @classmethod
    def choose(cls, name: str) -> Self:
        """A record on a network that neither this machine nor another cluster uses."""
        taken = [*_routed(), *_recorded()]
        start = int.from_bytes(sha256(name.encode()).digest()[:2])
        for offset in range(160):
            network = ipaddress.IPv4Network(f"10.{64 + (start + offset) % 160}.0.0/16")
            if not any(network.overlaps(other) for other in taken):
                return cls(name, str(network))
        raise SystemExit("no free 10.x.0.0/16 network is left on this machine for the cluster")


def interface(name: str) -> str:
    """The name of the host's network interface of the cluster `name`."""
    return f"mw{sha256(name.encode()).hexdigest()[:8]}"


def _routed() -> list[ipaddress.IPv4Network]:
    routes = json.loads(run(["ip", "-json", "-4", "route", "show", "table", "all"]))
    destinations = (route["dst"] for route in routes if route["dst"] != "default")
    return [ipaddress.IPv4Network(destination, strict=False) for destination in destinations]


def _recorded() -> list[ipaddress.IPv4Network]:
    records = (Record.read(name) for name in paths.cluster_names())
    return [ipaddress.IPv4Network(record.network) for record in records if record]


def require_root() -> None:
    """A node makes namespaces, mounts and cgroups: only root may."""
    if os.geteuid() != 0:
        raise SystemExit("a local node needs root, for namespaces, mounts and cgroups: run this with sudo")
