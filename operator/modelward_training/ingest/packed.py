"""Files as their bytes, unpacked where they are compressed: gzip, bzip2, xz or zstd, told by how the file begins and
never by its name. Several members (frames, streams) one after another are one file.
"""

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from modelward_training.outcome import JobError

from .source import Found


def _zstd(path: Path) -> Any:
    return io.BufferedReader(pa.input_stream(str(path), compression="zstd"), 1 << 18)


_PACKED: dict[bytes, Callable[[Path], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
    b"\x28\xb5\x2f\xfd": _zstd,
    b"\x50\x2a\x4d\x18": _zstd,  # a frame to be skipped, which pzstd begins with
}
_PAGE = "is a page for a browser and not the data: look at what lies there, a login page often does"
_ARCHIVE = "is an archive: unpack it"
_REFUSED = {
    b"PK\x03\x04": "is a ZIP archive or an Excel workbook: unpack it, or save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "is an old Excel workbook: save the sheet as CSV",
    b"PAR1": "is Parquet: write `format: parquet`",
    b"ARROW1": "is Arrow's own format (Feather): write it as Parquet",
    b"Obj\x01": "is Avro: write it as Parquet",
    b"SQLite format 3": "is a database of SQLite: write its table as CSV or Parquet",
    b"%PDF": "is a PDF: write its table as CSV",
    b"version https://git-lfs": "is a Git LFS pointer and not the data: run `git lfs pull` where it was copied from",
    b"7z\xbc\xaf": _ARCHIVE,
    b"\x04\x22\x4d\x18": "is compressed by LZ4: gzip, zstd, bzip2 and xz are read",
    b"<!doctype html": _PAGE,
    b"<html": _PAGE,
    b"<?xml": "is XML: write its rows as CSV or JSON lines",
}
_TAR = slice(257, 262)
HEAD = 512
"""Bytes that tell what a file is."""
UNREADABLE = (OSError, EOFError, lzma.LZMAError, zlib.error, pa.ArrowException)
"""What reading may raise."""


def is_packed(file: Found) -> bool:
    return any(_head(file).startswith(mark) for mark in _PACKED)


def opened(file: Found) -> IO[bytes]:
    """For reading. Raises UNREADABLE now and later, which `unreadable` puts into words."""
    head = _head(file)
    opener = next((opener for mark, opener in _PACKED.items() if head.startswith(mark)), None)
    stream: IO[bytes] = opener(file.path) if opener else file.path.open("rb")
    return stream


def beginning(file: Found) -> bytes:
    """The first bytes of the content. Refuses what is no text at all."""
    try:
        with opened(file) as stream:
            found = stream.read(HEAD)
    except UNREADABLE as error:
        raise unreadable(file, error) from error
    for head in (found, _head(file)):
        if what := other_kind(head):
            raise JobError("InvalidFile", f"{file.name} {what}")
    if any(found.startswith(mark) for mark in _PACKED) and is_packed(file):
        raise JobError("InvalidFile", f"{file.name} is compressed twice: unpack it once")
    return found


def other_kind(head: bytes) -> str | None:
    """What a file that begins so is, if it is a kind of its own, and what to do about it."""
    if head[_TAR] == b"ustar":
        return _ARCHIVE
    known = (what for mark, what in _REFUSED.items() if head.startswith(mark))
    markup = (what for mark, what in _REFUSED.items() if mark[:1] == b"<" and head.lstrip().lower().startswith(mark))
    return next(known, None) or next(markup, None)


def unreadable(file: Found, error: Exception) -> JobError:
    said = str(error)
    if isinstance(error, EOFError) or "Truncated" in said:
        said = "its compressed data breaks off: it was not copied or written to the end"
    return JobError("InvalidFile", f"{file.name} cannot be read: {said}")


def _head(file: Found) -> bytes:
    try:
        with file.path.open("rb") as stream:
            return stream.read(HEAD)
    except OSError as error:
        raise unreadable(file, error) from error
