"""Builds and pushes our images for a real cluster, with whichever image builder the user has."""

import shutil
import subprocess

from localcluster import docker, images, paths
from localcluster.progress import step


def publish(registry: str, tag: str, base: str = "") -> dict[str, str]:
    """Build the images as REGISTRY/NAME:TAG, push them, and return their names."""
    builder, published = _builder(), {}
    for image in images.ours(base):
        name = f"{registry.rstrip('/')}/{image.name}:{tag}"
        with step(f"image {name}, by {builder}"):
            arguments = ["--build-arg", f"BASE={base}"] if base else []
            _run(builder, "build", *arguments, "--file", image.dockerfile, "--tag", name, ".")
            _run(builder, "images", name)
            _run(builder, "push", name)
        published[image.name] = name
    return published


def _builder() -> str:
    found = ["docker"] if docker.runs() else [name for name in ("podman", "buildah") if shutil.which(name)]
    if not found:
        raise SystemExit("building images for a registry needs docker (its engine running), podman or buildah")
    return found[0]


def _run(*command: str) -> None:
    if subprocess.run(command, cwd=paths.REPOSITORY).returncode:
        raise SystemExit(f"this command failed; its own words are above:\n  {' '.join(command)}")
