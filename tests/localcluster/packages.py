"""What comes from Debian: the container runtime, networking and image tools."""

import os
import shutil
import subprocess
from collections.abc import Mapping

from localcluster.progress import run, step

# A program that each package brings, so that a machine that has it by other means is left alone.
_NODE = {
    "containerd": "containerd",
    "runc": "runc",
    "containernetworking-plugins": "/usr/lib/cni/bridge",
    "iptables": "iptables",
    "conntrack": "conntrack",
    "ethtool": "ethtool",
    "iproute2": "ip",
    "openssl": "openssl",
    "socat": "socat",
}
_IMAGES = {"buildah": "buildah", "mmdebstrap": "mmdebstrap"}


def install(programs: Mapping[str, str] = _NODE | _IMAGES, user: str = "a local node") -> None:
    """Install what is missing. `programs`: by package; `user`: who needs them."""
    missing = [package for package, program in programs.items() if not shutil.which(program)]
    if not missing:
        return
    apt = f"apt-get install --yes --no-install-recommends {' '.join(missing)}"
    if not shutil.which("apt-get"):
        raise SystemExit(f"{user} needs these programs, here named by their Debian packages: {', '.join(missing)}")
    if os.geteuid() != 0:
        raise SystemExit(f"some packages are missing; as root, run: {apt}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with step(f"installing {', '.join(missing)}"):
        subprocess.run(["apt-get", "update", "-qq"], check=False, capture_output=True)
        run(apt.split(), env=environment)
