"""Builds our images with the user's Docker engine, for clusters that run in it."""

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

from localcluster import images
from localcluster.images import Image
from localcluster.progress import run, step


def runs() -> bool:
    """Whether there is an engine, and it answers."""
    return bool(shutil.which("docker")) and not subprocess.run(["docker", "info"], capture_output=True).returncode


def build(extras: Iterable[str] = ()) -> list[Image]:
    """Our images and those of `extras` (NAME=CONTEXT), as far as they are missing; on the public base image."""
    found = images.of_checkout(extras, base="")
    for image in found:
        if not _exists(image.reference):
            with step(f"image {image.reference}, by docker"), image.staged() as folder:
                _build(image, folder)
    return found


def save(image: Image, archive: Path) -> None:
    """Write an image to a file."""
    run(["docker", "save", "--output", archive, image.reference])


def _exists(reference: str) -> bool:
    return not subprocess.run(["docker", "image", "inspect", reference], capture_output=True).returncode


def _build(image: Image, folder: Path) -> None:
    arguments = [f"--build-arg={name}={value}" for name, value in image.arguments.items() if value]
    run(["docker", "build", *arguments, "--file", folder / image.dockerfile, "--tag", image.reference, folder])
