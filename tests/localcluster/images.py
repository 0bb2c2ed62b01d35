"""Our images, named by the content they are made from, so that nothing is built or loaded twice."""

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

from localcluster import base_image, buildah, locks, packages, paths
from localcluster.cluster import Cluster
from localcluster.progress import say, step
from localcluster.record import require_root

_CONTRACTS = "operator/modelward_contracts"
_ONNX = "operator/modelward_onnx"
_JUNK = {"__pycache__", ".git", ".venv", ".pytest_cache", ".ruff_cache", ".mypy_cache"}
_KEPT = 6  # archives of one image, so that several checkouts keep theirs
_ANY_TIME = 946684800  # file times would make layers differ between checkouts


def references(images: "Iterable[Image]") -> dict[str, str]:
    """By name."""
    return {image.name: image.reference for image in images}


@dataclass(frozen=True)
class Image:
    """A Dockerfile with the files that it copies, as they were at one moment: people edit while an image is built."""

    name: str
    dockerfile: str
    files: dict[str, bytes]
    arguments: dict[str, str]

    @classmethod
    def read(cls, name: str, context: Path, dockerfile: str, sources: Iterable[str], arguments: dict[str, str]) -> Self:
        """Take the files in `sources`, which are files or folders below `context`."""
        places = [
            path for source in (dockerfile, *sources) for path in (context / source, *(context / source).rglob("*"))
        ]
        kept = sorted(path for path in places if path.is_file() and not _JUNK & set(path.relative_to(context).parts))
        return cls(name, dockerfile, {str(path.relative_to(context)): path.read_bytes() for path in kept}, arguments)

    @cached_property
    def reference(self) -> str:
        """The image's full name; its tag is the hash of all that goes in."""
        digest = hashlib.sha256(repr([self.dockerfile, sorted(self.arguments.items())]).encode())
        for name, content in self.files.items():
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
        return f"localhost/{self.name}:{digest.hexdigest()[:12]}"

    @property
    def archive(self) -> Path:
        """The file from which a node loads the image."""
        return paths.cache() / "images" / f"{self.reference.rpartition('/')[2].replace(':', '-')}.tar"

    @contextmanager
    def staged(self) -> Iterator[Path]:
        """A folder with the files."""
        with tempfile.TemporaryDirectory() as folder:
            for name, content in self.files.items():
                file = Path(folder, name)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content)
                os.utime(file, (_ANY_TIME, _ANY_TIME))
            yield Path(folder)

    def build(self) -> None:
        """Build the image, and write its archive."""
        with self.staged() as folder:
            buildah.build(self.reference, folder / self.dockerfile, folder, self.arguments)
        buildah.export(self.reference, self.archive)


def ours(base: str) -> list[Image]:
    """The three images of Modelward."""

    def image(name: str, dockerfile: str, *sources: str) -> Image:
        return Image.read(f"modelward-{name}", paths.REPOSITORY, dockerfile, (_CONTRACTS, *sources), {"BASE": base})

    return [
        image("operator", "operator/Dockerfile", "requirements/operator.txt", "operator/modelward"),
        image(
            "training",
            "operator/modelward_training/Dockerfile",
            "requirements/training.txt",
            _ONNX,
            "operator/modelward_training",
            "operator/modelward_script",
        ),
        image("scoring", "serving/Dockerfile", "requirements/serving.txt", _ONNX, "serving/modelward_serving"),
    ]


def of_checkout(extras: Iterable[str], base: str) -> list[Image]:
    """Our images and those of `extras`, as they are now; nothing is built."""
    images = ours(base)
    return images + [_extra(description, {"BASE": base}) for description in extras]


def build(extras: Iterable[str] = ()) -> list[Image]:
    """Build our images and those of `extras` (NAME=CONTEXT or NAME=CONTEXT:DOCKERFILE), as far as they are missing."""
    require_root()
    packages.install()
    with locks.held("images"):
        (paths.cache() / "images").mkdir(exist_ok=True)
        images = ours(base_image.build())
        _build_missing(images)
        arguments = {"BASE": images[0].arguments["BASE"], **{_argument(image): image.reference for image in images}}
        added = [_extra(description, arguments) for description in extras]
        _build_missing(added)
    return images + added


def load(cluster: Cluster, images: Iterable[Image]) -> None:
    """Give a cluster's node the images that it lacks."""
    there = cluster.image_names()
    for image in images:
        if image.reference not in there:
            with step(f"loading {image.name} into cluster {cluster.record.name}"):
                cluster.load_images(image.archive)


def _build_missing(images: Iterable[Image]) -> None:
    for image in images:
        if not image.archive.exists():
            with step(f"image {image.reference}"):
                image.build()
            _forget_old(image.name)
        say(f"image {image.reference}: {image.archive.stat().st_size / 1e6:.0f} MB packed")


def _forget_old(name: str) -> None:
    archives = sorted((paths.cache() / "images").glob(f"{name}-*.tar"), key=lambda path: path.stat().st_mtime)
    for archive in archives[:-_KEPT]:
        archive.unlink()
        buildah.remove(f"localhost/{name}:{archive.stem.removeprefix(f'{name}-')}")


def _argument(image: Image) -> str:
    return image.name.removeprefix("modelward-").upper()


def _extra(description: str, arguments: dict[str, str]) -> Image:
    name, separator, place = description.partition("=")
    if not separator:
        raise SystemExit(f"--extra {description}: write NAME=CONTEXT or NAME=CONTEXT:DOCKERFILE")
    folder, _, dockerfile = place.partition(":")
    context, file = Path(folder), dockerfile or "Dockerfile"
    asked = set(re.findall(r"^ARG (\w+)", (context / file).read_text(), re.MULTILINE))
    return Image.read(name, context, file, ["."], {key: arguments[key] for key in asked & arguments.keys()})
