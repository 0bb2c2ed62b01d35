"""What the store needs of the place where it lies."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

CHUNK = 1 << 20
Content = bytes | Path
"""What is written: bytes, or all of a file."""


def chunks(file: BinaryIO, most: int | None) -> Iterator[bytes]:
    """All of an open file, or its beginning alone."""
    if most is not None:
        yield file.read(most)
        return
    while chunk := file.read(CHUNK):
        yield chunk


def size_of(content: Content) -> int:
    """Bytes."""
    return len(content) if isinstance(content, bytes) else content.stat().st_size


@dataclass(frozen=True)
class Found:
    """An object that is there as a whole."""

    path: str
    """Below the place's root."""
    size: int
    written: float
    """Unix time by this machine's clock, whatever the store's says."""


class Place(Protocol):
    """Paths are below one root. Raises FileNotFoundError, `StoreError`, or what its library raises."""

    def read(self, path: str, most: int | None = None) -> Iterator[bytes]:
        """In chunks; of the beginning alone where no more is wanted."""

    def read_tagged(self, path: str) -> tuple[bytes, str] | None:
        """A small object and what tells this content from any other."""

    def find(self, path: str) -> Found | None: ...

    def holds(self, path: str, content: Content) -> Found | None:
        """The object, if it is this content as far as can be told without reading all of it over a network."""

    def write(self, path: str, content: Content) -> None:
        """All or nothing."""

    def swap(self, path: str, data: bytes, tag: str | None) -> bool:
        """Write only where the content is still the one of `tag`, None: where there is none. False: it is not."""

    def renew(self, found: Found) -> bool:
        """As if it were written now. False: it has to be written."""

    def list(self, below: str = "") -> Iterator[Found]:
        """All objects whose path begins with `below`."""

    def remove(self, path: str) -> None:
        """What is gone already is success."""

    def clear(self, before: float) -> int:
        """Take away what writers that died before this time left half done. How many there were."""
