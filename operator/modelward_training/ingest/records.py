"""How many records a CSV file holds, counted apart from what reads it, so that no row is lost unnoticed.

Most files are counted by their line ends. One with quotes, blank lines or a dialect that DuckDB does not know is gone
through record by record; what DuckDB does not know is written again in a plain form beside it.
"""

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from modelward_training.outcome import JobError

from .dialect import Dialect
from .source import Found, opened

CHUNK = 1 << 20
MAX_FIELD = 16 << 20
csv.field_size_limit(MAX_FIELD)


@dataclass(frozen=True)
class Records:
    """What DuckDB reads: the file itself or its plain copy, and how many rows must come of it."""

    path: Path
    rows: int
    dialect: Dialect
    line_end: str = r"\n"


@dataclass
class _Seen:
    newlines: int = 0
    returns: int = 0
    pairs: int = 0
    quoted: bool = False
    blank: bool = False
    last: bytes = b"\n"

    @property
    def uneven(self) -> bool:
        """Lines end in more than one way, or all in a bare carriage return."""
        return self.returns > 0 and not self.pairs == self.returns == self.newlines

    @property
    def line_end(self) -> str:
        return r"\r\n" if self.returns else r"\n"


def records(file: Found, dialect: Dialect, scratch: Path) -> Records:
    odd = dialect.encoding not in ("utf-8", "utf-8-sig") or dialect.skip_lines or dialect.comment
    if odd or (seen := _scan(file, dialect.quote)).uneven:
        return plain(file, dialect, scratch)
    if seen.quoted or seen.blank:
        return Records(file.path, sum(1 for _ in checked(file, dialect)), dialect, seen.line_end)
    lines = seen.newlines + (seen.last != b"\n")
    return Records(file.path, lines - dialect.header, dialect, seen.line_end)


def plain(file: Found, dialect: Dialect, scratch: Path) -> Records:
    """The same records as UTF-8 with commas, doubled quotes and line feeds."""
    path, rows = scratch / f"{abs(hash(file.name)):x}.csv", 0
    with path.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        for row in checked(file, dialect):
            writer.writerow(row)
            rows += 1
    return Records(path, rows, replace(dialect, header=False, delimiter=",", quote='"', encoding="utf-8"))


def checked(file: Found, dialect: Dialect) -> Iterator[list[str]]:
    """All records below the header; raises at the first that is not readable, or is not as wide as the header."""
    width, number = len(dialect.names), 0
    try:
        with opened(file) as source, io.TextIOWrapper(source, dialect.encoding, newline="") as text:
            for row in dialect.rows(text):
                number += 1
                if len(row) == width + 1 and row[-1] == "":
                    row.pop()  # a delimiter at the line's end
                if len(row) != width:
                    raise _ragged(file, number, row, dialect)
                if number > dialect.header:
                    yield row
    except csv.Error as error:
        raise JobError("InvalidFile", f"{file.name}, row {number + 1}: {_said(error)}") from error
    except UnicodeError as error:
        raise JobError("InvalidFile", f"{file.name}, after row {number}: is not {dialect.encoding}: {error}") from error
    except (OSError, EOFError) as error:
        raise JobError("InvalidFile", f"{file.name}, after row {number}: is not readable: {error}") from error


def _said(error: csv.Error) -> str:
    text = str(error)
    if "unexpected end of data" in text:
        return 'a quote is opened and never closed: close it, or write `csv: {quote: ""}` if quotes mean nothing'
    if "expected after" in text:
        return f"a quote inside a quoted value is not doubled ({text})"
    return text


def _ragged(file: Found, number: int, row: list[str], dialect: Dialect) -> JobError:
    has, names = len(row), len(dialect.names)
    hint = "is the first column, of row names, without a name in the header? " if has == names + 1 else ""
    return JobError(
        "InvalidFile",
        f"{file.name}, row {number}: {has} values where the header has {names} names. Expected Number of Columns: "
        f"{names} Found: {has}, divided by {dialect.delimiter!r}: {hint}quote values that hold the delimiter, or say "
        "more with `csv: {delimiter, quote, comment, skipLines}`",
    )


def _scan(file: Found, quote: str) -> _Seen:
    """Line ends of the whole file, and that it is text in UTF-8."""
    seen, decoder, line = _Seen(), codecs.getincrementaldecoder("utf-8")(), 1
    mark = quote.encode()
    try:
        with opened(file) as source:
            while chunk := source.read(CHUNK):
                _whole(file, chunk, decoder, line)
                joint = seen.last + chunk
                line += chunk.count(b"\n")
                seen.newlines += chunk.count(b"\n")
                seen.returns += chunk.count(b"\r")
                seen.pairs += joint.count(b"\r\n")
                seen.quoted |= bool(mark) and mark in chunk
                seen.blank |= b"\n\n" in joint or b"\n\r" in joint
                seen.last = chunk[-1:]
    except (OSError, EOFError) as error:
        raise JobError("InvalidFile", f"{file.name} is not readable: {error}") from error
    _whole(file, b"", decoder, line, final=True)
    return seen


def _whole(file: Found, chunk: bytes, decoder: codecs.IncrementalDecoder, line: int, final: bool = False) -> None:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError as error:
        data = error.object
        assert isinstance(data, bytes)
        around = data[max(0, error.start - 12) : error.end + 12].decode("windows-1252", "replace").splitlines()
        row = line + data[: error.start].count(b"\n")
        shown = next((part for part in around if not part.isascii()), "")
        raise JobError(
            "InvalidFile",
            f"{file.name}, row {row}: is not unicode text in UTF-8: write `csv: {{encoding: windows-1252}}` "
            f"if {shown.strip()!r} is what it should say, or the encoding that it has",
        ) from error
    if b"\0" in chunk:
        row = line + chunk[: chunk.index(b"\0")].count(b"\n")
        raise JobError(
            "InvalidFile",
            f"{file.name}, row {row}: holds a NUL: write `csv: {{encoding: utf-16-le}}` if it is UTF-16, or mend it",
        )
