"""The files of a commit, written to a folder. Whoever wrote the repository is not trusted with a path: names are
checked, links are made last and only inside, nothing is written through one.
"""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from stat import S_IFMT, S_ISDIR, S_ISLNK, S_ISREG
from typing import Any

from dulwich.objects import S_ISGITLINK, Tree

from modelward_training.outcome import JobError, progress

MOST_FILES = 20_000
MOST_BYTES = 200 << 20
LFS = b"version https://git-lfs.github.com/spec/v1\n"


class Checkout:
    """What was written, and what was left out."""

    def __init__(self, objects: Any, folder: Path) -> None:
        self._objects, self._folder = objects, folder
        self._links: list[tuple[PurePosixPath, str]] = []
        self._bytes = 0
        self.files: set[str] = set()
        self.submodules: list[str] = []
        self.pointers: list[str] = []
        """Files that stand for one in Git LFS."""
        self.links_out: list[str] = []

    def write(self, tree: Tree) -> None:
        for count, (path, mode, digest) in enumerate(self._entries(tree)):
            if count >= MOST_FILES:
                raise JobError("RepositoryTooLarge", f"the commit has more than {MOST_FILES} files and folders")
            if S_ISDIR(mode):
                (self._folder / path).mkdir()
            elif S_ISGITLINK(mode):
                self.submodules.append(str(path))
            elif S_ISLNK(mode):
                self._links.append((path, os.fsdecode(self._content(digest))))
            elif S_ISREG(mode):
                self._write(path, mode, self._content(digest))
            else:
                raise JobError("InvalidRepository", f"{_short(path)} has the mode {S_IFMT(mode):o}, which no file has")
        for path, to in self._links:
            self._link(path, to)

    def tell(self) -> None:
        for what, found in (
            ("submodules are not fetched", self.submodules),
            ("symbolic links lead out of the repository and are left out", self.links_out),
            ("files are pointers of Git LFS, and their content is not fetched", self.pointers),
        ):
            if found:
                more = f" and {len(found) - 3} more" if len(found) > 3 else ""
                progress(f"{what}: {', '.join(found[:3])}{more}")

    def check(self, script: str) -> None:
        """Raise where the file that is to run is none that was written."""
        if script in self.pointers:
            raise self._wrong(script, "is a pointer of Git LFS: commit the file itself")
        if script in self.files:
            return
        if script in {str(path) for path, _ in self._links}:
            raise self._wrong(script, "is a symbolic link: name the file that it leads to")
        inside = next((path for path in self.submodules if script.startswith(f"{path}/")), None)
        if inside:
            raise self._wrong(script, f"lies in the submodule {inside}, and submodules are not fetched")
        if (self._folder / script).is_dir():
            raise self._wrong(script, "is a folder: name a file in it")
        scripts = sorted(path for path in self.files if path.endswith(".py"))
        same = [path for path in scripts if path.rpartition("/")[2] == script.rpartition("/")[2]]
        near = f"did you mean {same[0]}?" if same else f"Python files there: {', '.join(scripts[:5]) or 'none'}"
        raise self._wrong(script, f"is not in the repository at this commit; {near}")

    def _wrong(self, script: str, why: str) -> JobError:
        return JobError("ScriptNotFound", f"spec.script.git.path {script} {why}")

    def _entries(self, tree: Tree) -> Iterator[tuple[PurePosixPath, int, bytes]]:
        """All below the root, each folder before what is in it."""
        for entry in self._objects.iter_tree_contents(tree.id, include_trees=True):
            if not entry.path:
                continue
            path = PurePosixPath(os.fsdecode(entry.path))
            parts = os.fsdecode(entry.path).split("/")
            if any(part in ("", ".", "..") or part.lower() == ".git" or "\0" in part for part in parts):
                raise JobError("InvalidRepository", f"the commit has a file with the name {_short(path)!r}")
            yield path, entry.mode, entry.sha

    def _content(self, digest: bytes) -> bytes:
        data: bytes = self._objects[digest].as_raw_string()
        self._bytes += len(data)
        if self._bytes > MOST_BYTES:
            raise JobError("RepositoryTooLarge", f"the commit's files take more than {MOST_BYTES >> 20} MiB")
        return data

    def _write(self, path: PurePosixPath, mode: int, data: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with os.fdopen(os.open(self._folder / path, flags, 0o755 if mode & 0o100 else 0o644), "wb") as file:
            file.write(data)
        self.files.add(str(path))
        if data.startswith(LFS):
            self.pointers.append(str(path))

    def _link(self, path: PurePosixPath, to: str) -> None:
        """By names alone: a link to a link that leads out is one that was left out."""
        end = os.path.normpath(path.parent / to)
        if to.startswith("/") or "\0" in to or end == ".." or end.startswith("../"):
            self.links_out.append(str(path))
        else:
            (self._folder / path).symlink_to(to)


def _short(path: PurePosixPath) -> str:
    return str(path)[:80]
