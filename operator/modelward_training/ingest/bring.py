"""From a task to the files of its source: listed where they are, and brought to where they can be read."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from modelward_contracts.manifests import Csv, SourceFile
from modelward_contracts.store import Store
from modelward_contracts.tasks import IngestTask
from modelward_training.outcome import progress
from modelward_training.paths import Paths

from . import remote
from .last_look import listing_of
from .source import Found, found, hashed, listed


@dataclass(frozen=True)
class Brought:
    files: list[Found]
    described: list[SourceFile]
    """The same ones, as they stand in the manifest; of what a user's container made, those that it was made of."""
    csv: Csv | None = None
    warnings: list[str] = field(default_factory=list)
    """Of those, too."""


@dataclass(frozen=True)
class There:
    """A source that was listed."""

    listing: str | None
    """Digest of names and identities; None: nobody can tell whether a file changed."""
    bring: Callable[[], Brought]


def look(task: IngestTask, paths: Paths, store: Store, scratch: Path) -> There:
    if task.source == "url":
        return _afar(task, store, scratch)
    if task.source == "datasets":
        return There(listing_of((each.dataset, each.digest) for each in task.parents), lambda: Brought([], []))
    files = listed(task, paths)
    listing = listing_of((file.name, file.identity()) for file in files) if task.source == "pvc" else None
    return There(listing, lambda: _here(files))


def _here(files: list[Found]) -> Brought:
    progress(f"hashing {len(files)} source files", 0.1)
    return Brought(files, hashed(files))


def _afar(task: IngestTask, store: Store, scratch: Path) -> There:
    source = remote.opened(task.url or "", remote.Credentials(task.secret, os.environ), task.local_addresses, scratch)
    files = source.listed()

    def bring() -> Brought:
        folder = scratch / "source"
        folder.mkdir()
        brought = remote.Kept(store, task).brought(source, files, folder)
        described = [file for _, file in brought]
        return Brought([found(file.path, path) for path, file in brought], described)

    return There(listing_of((file.name, file.identity) for file in files), bring)
