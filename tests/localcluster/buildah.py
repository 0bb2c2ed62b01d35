"""Builds ordinary Dockerfiles without a Docker engine, in a store of our own: the user's images are never touched."""

import ast
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from localcluster import paths
from localcluster.progress import run

# How this machine reaches the package index and trusts it: seen by the build, kept out of the image.
_TRUST = ("/etc/ssl/certs", "/usr/share/ca-certificates")

_LIGHTLY = ("--compression-format=zstd", "--compression-level=1")
_INDEX = {"index-url", "extra-index-url", "trusted-host"}


def build(image: str, dockerfile: Path, context: Path, arguments: Mapping[str, str] | None = None) -> None:
    """Build `dockerfile`; layers that did not change are taken from before."""
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as pip:
        pip.write(_pip_configuration())
        pip.flush()
        mounts = [(path, path) for path in _TRUST if Path(path).exists()]
        mounts += [(pip.name, "/etc/pip.conf")] if pip.tell() else []
        volumes = [f"--volume={source}:{target}:ro" for source, target in mounts]
        options = ["--layers", "--network=host", *volumes]
        options += [f"--build-arg={name}={value}" for name, value in (arguments or {}).items()]
        files = [f"--file={dockerfile}", f"--tag={image}", str(context)]
        run([*_buildah(), "build", *options, *files], env=_environment())


def exists(image: str) -> bool:
    """Whether an image of this name was built."""
    return (
        subprocess.run(
            [*_buildah(), "inspect", "--type=image", image], capture_output=True, env=_environment()
        ).returncode
        == 0
    )


def export(image: str, archive: Path) -> None:
    """Write an image to a file that containerd can import, packed lightly because it stays on this machine."""
    scratch = archive.with_name(f".{archive.name}.{os.getpid()}")
    run([*_buildah(), "push", *_LIGHTLY, image, f"oci-archive:{scratch}:{image}"], env=_environment())
    scratch.rename(archive)


def remove(image: str) -> None:
    """Forget an image; layers that others share stay."""
    subprocess.run([*_buildah(), "rmi", image], capture_output=True, env=_environment())


def _buildah() -> list[str]:
    return ["buildah", "--storage-driver=overlay", f"--root={_store()}", f"--runroot={_store()}/run"]


def _store() -> Path:
    return paths.cache() / "images" / "store"


def _environment() -> dict[str, str]:
    """buildah keeps a lock where the machine's network is configured, unless it is told another place."""
    configuration = _store() / "containers.conf"
    configuration.parent.mkdir(parents=True, exist_ok=True)
    configuration.write_text(f'[network]\nnetwork_config_dir = "{_store()}/net"\n')
    return {**os.environ, "BUILDAH_ISOLATION": "chroot", "CONTAINERS_CONF": str(configuration)}


def _pip_configuration() -> str:
    """Where pip was told to find packages, by files or environment, as one file; empty if it was not told."""
    listed = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True).stdout
    settings = [line.partition("=") for line in listed.splitlines()]
    kept = {key: ast.literal_eval(value) for name, _, value in settings if (key := name.rpartition(".")[2]) in _INDEX}
    return "\n".join(["[global]", *(f"{key} = {value}" for key, value in kept.items()), ""]) if kept else ""
