"""A place in any file system that fsspec knows. Objects are put as a whole; two writers of a record are not kept
apart."""

from collections.abc import Iterator
from typing import Any

from .place import Content, Found, chunks, size_of


class FileSystem:
    def __init__(self, fs: Any, root: str) -> None:
        self._fs, self._root = fs, root

    def read(self, path: str, most: int | None = None) -> Iterator[bytes]:
        with self._fs.open(self._at(path), "rb") as file:
            yield from chunks(file, most)

    def read_tagged(self, path: str) -> tuple[bytes, str] | None:
        try:
            return self._fs.cat_file(self._at(path)), ""
        except FileNotFoundError:
            return None

    def find(self, path: str) -> Found | None:
        try:
            size = int(self._fs.info(self._at(path))["size"])
            return Found(path, size, self._fs.modified(self._at(path)).timestamp())
        except FileNotFoundError:
            return None

    def holds(self, path: str, content: Content) -> Found | None:
        found = self.find(path)
        return found if found and found.size == size_of(content) else None

    def write(self, path: str, content: Content) -> None:
        if isinstance(content, bytes):
            self._fs.pipe_file(self._at(path), content)
        else:
            self._fs.put_file(str(content), self._at(path))

    def swap(self, path: str, data: bytes, tag: str | None) -> bool:  # noqa: ARG002  no condition can be said
        self.write(path, data)
        return True

    def renew(self, found: Found) -> bool:  # noqa: ARG002
        return False

    def list(self, below: str = "") -> Iterator[Found]:
        for name in self._fs.find(self._root):
            path = name.removeprefix(self._root).lstrip("/")
            if path.startswith(below) and (found := self.find(path)):
                yield found

    def remove(self, path: str) -> None:
        if self._fs.exists(self._at(path)):
            self._fs.rm_file(self._at(path))

    def clear(self, before: float) -> int:  # noqa: ARG002  nothing of that kind can be seen
        return 0

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}"
