"""Which files there are, what bytes they hold, and whether they stayed the same while they were read."""

import difflib
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from modelward_contracts.manifests import SourceFile
from modelward_contracts.store import file_digest
from modelward_contracts.tasks import IngestTask
from modelward_contracts.wire import digest_of
from modelward_training.outcome import JobError
from modelward_training.paths import Paths

STREAMS = 8


@dataclass(frozen=True)
class Found:
    """A source file as it was listed."""

    name: str
    path: Path
    size: int
    modified: int

    def identity(self) -> str:
        """Changes with the content: whoever sets a file's time back cannot set back when that was done."""
        now = self.path.stat()
        return digest_of([self.size, self.modified, now.st_ctime_ns, now.st_ino])

    def changed(self) -> bool:
        now = self.path.stat()
        return (now.st_size, now.st_mtime_ns) != (self.size, self.modified)


def listed(task: IngestTask, paths: Paths) -> list[Found]:
    """The source's files, sorted by name; a database has none."""
    if task.source == "sql":
        return []
    if task.source == "inline":
        return [found("inline", paths.inline)]
    pattern = task.path or "*"
    if pattern.startswith("/") or ".." in Path(pattern).parts:
        raise JobError("SourceNotFound", f"the path {pattern!r} must stay below the volume's root: write `data/*.csv`")
    root = paths.source
    files = sorted(path for path in root.glob(pattern) if path.is_file())
    if not files:
        raise JobError("SourceNotFound", f"no file matches {pattern!r}; the volume holds {_content(root, pattern)}")
    for path in files:
        if not path.resolve().is_relative_to(root.resolve()):
            raise JobError("InvalidFile", f"{path.relative_to(root)} links to a file outside the volume")
    return [found(str(path.relative_to(root)), path) for path in files]


def hashed(files: list[Found]) -> list[SourceFile]:
    """Digest each file, several at a time: one stream seldom fills a network volume's bandwidth."""
    with ThreadPoolExecutor(STREAMS) as pool:
        digests = pool.map(lambda file: file_digest(file.path), files)
        return [
            SourceFile(path=file.name, bytes=file.size, digest=digest)
            for file, digest in zip(files, digests, strict=True)
        ]


def unchanged(files: list[Found]) -> None:
    """Raise if a file was written to since it was listed: the version would not be what its digests say."""
    for file in files:
        if file.changed():
            raise JobError("SourceChanged", f"{file.name} was changed while it was read: it is read again", True)


def found(name: str, path: Path) -> Found:
    try:
        stat = path.stat()
    except FileNotFoundError:
        raise JobError("SourceNotFound", f"the file {name} is not there") from None
    if stat.st_size == 0:
        raise JobError("InvalidFile", f"{name} is empty: remove it, or write its header and rows")
    return Found(name, path, stat.st_size, stat.st_mtime_ns)


def _content(root: Path, pattern: str) -> str:
    names = list(islice(_names(root), 10_000))
    if not names:
        return "no files at all"
    close = difflib.get_close_matches(pattern, names, n=1)
    shown = ", ".join(sorted(names)[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
    return shown + (f"; did you mean {close[0]}?" if close else "")


def _names(root: Path) -> Iterable[str]:
    for folder, _, files in os.walk(root):
        yield from (str((Path(folder) / name).relative_to(root)) for name in files)
