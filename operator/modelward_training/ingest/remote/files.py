"""What all sources that are read over the network have in common: a list of files, and a way to get each."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from modelward_training.outcome import JobError


@dataclass(frozen=True, slots=True)
class Listed:
    """A file as it was listed."""

    name: str
    """Below the folder that the URL names before its first wildcard: as it would be called on a volume."""
    place: str
    """What the source calls it."""
    size: int | None
    """Bytes; None: the server does not tell."""
    identity: str | None
    """Digest of all that tells this content of this file from any other; None: nothing does, so it is read again."""


class Remote(Protocol):
    def listed(self) -> list[Listed]:
        """All files, sorted by name. Raises JobError where there is none."""
        ...

    def fetch(self, file: Listed, path: Path, limit: int | None = None) -> None:
        """Raises JobError where it cannot be read, is not what was listed any more, or has more than `limit` bytes."""
        ...


def changed(name: str) -> JobError:
    return JobError("SourceChanged", f"{name} was changed while it was read: it is read again", True)


def too_large(what: str, limit: int) -> JobError:
    return JobError("FileTooLarge", f"{what} has more than the {limit >> 10} KiB that are taken")
