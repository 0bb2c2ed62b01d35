"""How one CSV file is written. What is stated holds; the rest is read off the file's beginning, quotes respected."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from modelward_contracts.dialect import CsvDialect
from modelward_training.outcome import JobError

from .source import Found, opened

DELIMITERS = ",;\t|"
SAMPLE = 1 << 18
_UNNAMED = re.compile(r"|Unnamed: \d+")
"""pandas saves its index without a name, and calls what has none Unnamed when it reads and saves it again."""
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NO_CSV = (
    (b"PK\x03\x04", "is a ZIP archive or an Excel workbook: save it as CSV, or unpack it"),
    (b"PAR1", "is a Parquet file: write `format: parquet`"),
    (b"SQLite format 3", "is an SQLite database: export its table as CSV or Parquet"),
    (b"version https://git-lfs", "is a Git LFS pointer, not the data: run `git lfs pull` where it was copied from"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel workbook: save it as CSV"),
)


@dataclass(frozen=True)
class Dialect:
    """How one file is read. `names` are its columns', without a header column1, column2 …"""

    names: tuple[str, ...]
    unnamed: tuple[str, ...]
    header: bool
    delimiter: str
    quote: str
    encoding: str
    skip_lines: int
    comment: str

    def rows(self, text: io.TextIOBase) -> Iterator[list[str]]:
        """Records as Python's csv module reads them, strictly; blank lines are none."""
        for _ in range(self.skip_lines):
            text.readline()
        lines = (line for line in text if not line.startswith(self.comment)) if self.comment else text
        return (row for row in _reader(lines, self.delimiter, self.quote) if row)


def dialect(file: Found, stated: CsvDialect) -> Dialect:
    with opened(file) as source:
        sample = source.read(SAMPLE)
    for magic, reason in _NO_CSV:
        if sample.startswith(magic):
            raise JobError("InvalidFile", f"{file.name} {reason}")
    encoding = stated.encoding or next((name for mark, name in _MARKS if sample.startswith(mark)), "utf-8")
    text = _decoded(file, sample, encoding)
    lines = io.StringIO(text, newline="").readlines()[stated.skip_lines or 0 :]
    if stated.comment:
        lines = [line for line in lines if not line.startswith(stated.comment)]
    quote = '"' if stated.quote is None else stated.quote
    whole = lines if len(sample) < SAMPLE else lines[:-1] or lines
    delimiter = stated.delimiter or _delimiter(file, whole, quote)
    try:
        first = next((row for row in _reader(iter(lines), delimiter, quote) if row), [])
    except csv.Error as error:
        raise JobError("InvalidFile", f"{file.name}, row 1: the header is not readable as CSV: {error}") from error
    if not first:
        raise JobError("InvalidFile", f"{file.name} holds no line: remove it, or write its header and rows")
    header = stated.header is not False
    names = _names(file, first) if header else tuple(f"column{n}" for n in range(1, len(first) + 1))
    blank = tuple(
        name for name, given in zip(names, first, strict=True) if header and _UNNAMED.fullmatch(given.strip())
    )
    return Dialect(names, blank, header, delimiter, quote, encoding, stated.skip_lines or 0, stated.comment or "")


def _decoded(file: Found, sample: bytes, encoding: str) -> str:
    try:
        return codecs.getincrementaldecoder(encoding)(errors="replace").decode(sample)
    except LookupError:
        raise JobError(
            "InvalidFile", f"csv.encoding: there is no encoding {encoding!r}: write `windows-1252`"
        ) from None
    except UnicodeError as error:
        raise JobError("InvalidFile", f"{file.name} is not written in {encoding}: {error}") from error


def _delimiter(file: Found, lines: list[str], quote: str) -> str:
    """The one that divides all lines of the sample alike, and most; if none does, the header's most frequent."""
    widths = {each: _widths(lines, each, quote) for each in DELIMITERS}
    even = {each: found[0] for each, found in widths.items() if found and found[0] > 1 and len(set(found)) == 1}
    best = even or {each: found[0] for each, found in widths.items() if found and found[0] > 1}
    if not best:
        return ","
    top = max(best.values())
    first, *others = [each for each, width in best.items() if width == top]
    if others:
        raise JobError(
            "InvalidFile",
            f"{file.name}: {first!r} and {others[0]!r} divide its lines alike: write `csv: {{delimiter: {first!r}}}`",
        )
    return first


def _widths(lines: list[str], delimiter: str, quote: str) -> list[int]:
    found: list[int] = []
    with suppress(csv.Error):  # a record that the sample cuts; a faulty one is told when all of the file is read
        found.extend(len(row) for row in _reader(iter(lines), delimiter, quote) if row)
    return found


def _names(file: Found, first: list[str]) -> tuple[str, ...]:
    """Column names without the blanks around them; a column without a name is called by its place."""
    names = tuple(name.strip() or f"column{place}" for place, name in enumerate(first, 1))
    seen: dict[str, str] = {}
    for name in names:
        if name.lower() in seen:
            twice = "twice" if seen[name.lower()] == name else f"and {seen[name.lower()]!r}, which differs only by case"
            raise JobError(
                "InvalidFile",
                f"{file.name} has the column {name!r} {twice}: rename one, or write "
                "`csv: {header: false, skipLines: 1}` and name them in prepare.sql (column1, column2 …)",
            )
        seen[name.lower()] = name
    return names


def _reader(lines: object, delimiter: str, quote: str) -> Iterator[list[str]]:
    if quote:
        return csv.reader(lines, delimiter=delimiter, quotechar=quote, strict=True, skipinitialspace=True)  # type: ignore[arg-type]
    return csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_NONE, strict=True)  # type: ignore[arg-type]
