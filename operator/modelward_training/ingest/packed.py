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
_REFUSED = {
    b"PK\x03\x04": "is a ZIP archive or an Excel workbook: unpack it, or save the sheet as CSV",
    b"PAR1": "is Parquet: write `format: parquet`",
    b"version https://git-lfs": "is a Git LFS pointer and not the data: run `git lfs pull` where it was copied from",
}
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
            found = stream.read(32)
    except UNREADABLE as error:
        raise unreadable(file, error) from error
    for head in (found, _head(file)):
        for mark, what in _REFUSED.items():
            if head.startswith(mark):
                raise JobError("InvalidFile", f"{file.name} {what}")
    return found


def unreadable(file: Found, error: Exception) -> JobError:
    said = str(error)
    if isinstance(error, EOFError) or "Truncated" in said:
        said = "its compressed data breaks off: it was not copied or written to the end"
    return JobError("InvalidFile", f"{file.name} cannot be read: {said}")


def _head(file: Found) -> bytes:
    try:
        with file.path.open("rb") as stream:
            return stream.read(32)
    except OSError as error:
        raise unreadable(file, error) from error
