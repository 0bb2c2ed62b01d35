"""A place that is a folder: files are written beside their place, synced and renamed."""

import fcntl
import hashlib
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from .place import CHUNK, Content, Found, chunks, size_of

LOCK = ".lock"


class Files:
    def __init__(self, root: Path) -> None:
        self._root = root

    def read(self, path: str, most: int | None = None) -> Iterator[bytes]:
        with (self._root / path).open("rb") as file:
            yield from chunks(file, most)

    def read_tagged(self, path: str) -> tuple[bytes, str] | None:
        try:
            data = (self._root / path).read_bytes()
        except FileNotFoundError:
            return None
        return data, hashlib.sha256(data).hexdigest()

    def find(self, path: str) -> Found | None:
        try:
            stat = (self._root / path).stat()
        except FileNotFoundError:
            return None
        return Found(path, stat.st_size, stat.st_mtime)

    def holds(self, path: str, content: Content) -> Found | None:
        """Read as a whole: that costs less than to write it."""
        found = self.find(path)
        if found is None or found.size != size_of(content):
            return None
        with suppress(FileNotFoundError):
            return found if file_hash(self._root / path) == _hash(content) else None
        return None

    def write(self, path: str, content: Content) -> None:
        with renamed(self._root / path) as file:
            if isinstance(content, bytes):
                file.write(content)
                return
            with content.open("rb") as source:
                while chunk := source.read(CHUNK):
                    file.write(chunk)

    def swap(self, path: str, data: bytes, tag: str | None) -> bool:
        target = self._root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with (target.parent / LOCK).open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            found = self.read_tagged(path)
            if (found[1] if found else None) != tag:
                return False
            self.write(path, data)
            return True

    def renew(self, found: Found) -> bool:
        try:
            os.utime(self._root / found.path)
        except FileNotFoundError:
            return False
        return True

    def list(self, below: str = "") -> Iterator[Found]:
        """What begins with a dot is no object: a lock, or not yet whole."""
        for path, stat in self._walk():
            name = str(path.relative_to(self._root))
            if name.startswith(below) and not path.name.startswith("."):
                yield Found(name, stat.st_size, stat.st_mtime)

    def remove(self, path: str) -> None:
        (self._root / path).unlink(missing_ok=True)

    def clear(self, before: float) -> int:
        half = [p for p, stat in self._walk() if p.name.startswith(".") and p.name != LOCK and stat.st_mtime < before]
        for path in half:
            path.unlink(missing_ok=True)
        return len(half)

    def _walk(self) -> Iterator[tuple[Path, os.stat_result]]:
        for folder, _, names in os.walk(self._root, onerror=_raise):
            for path in (Path(folder) / name for name in names):
                with suppress(FileNotFoundError):
                    yield path, path.stat()


def _raise(error: OSError) -> None:
    """A folder that cannot be read must not look like an empty one. One that is not there is empty."""
    if not isinstance(error, FileNotFoundError):
        raise error


def _hash(content: Content) -> str:
    return hashlib.sha256(content).hexdigest() if isinstance(content, bytes) else file_hash(content)


def file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def renamed(path: Path) -> Iterator[BinaryIO]:
    """A file beside `path` that takes its place when the block ends well, and leaves nothing when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise
