"""How a CSV file is written. What the Dataset states holds; the rest is read off the file, aware of quotes."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain, islice
from typing import IO, Any

from modelward_contracts.tasks import CsvOptions
from modelward_training.outcome import JobError

from .packed import UNREADABLE, beginning, is_packed, opened, unreadable
from .source import Found

DELIMITERS = "\t;|,"
"""In this order where several fit: a comma is also what stands in numbers and names."""
SAMPLE = 1000
"""Records that a delimiter is judged by."""
MAX_RECORD = 1 << 24
"""Characters of one: a file without line ends, or a quote that is never closed, must not be read into memory whole."""
_MARKS = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
_SAID = re.compile(r'"?sep=([^"\r\n])"?[\r\n]', re.IGNORECASE)
"""How Excel is told the delimiter, in a line before the header."""


@dataclass(frozen=True)
class Dialect:
    delimiter: str
    quote: str
    encoding: str
    header: bool
    skip_lines: int
    comment: str
    packed: bool = False
    ambiguous: bool = False
    """The delimiter is a guess among several that fit."""

    @property
    def bare(self) -> bool:
        """Nothing but UTF-8 records: a reader of plain CSV can have the file as it lies."""
        unicode = self.encoding in ("utf-8", "utf-8-sig")
        return unicode and not (self.packed or self.skip_lines or self.comment) and self.delimiter.isascii()


class Lines:
    """A file's lines with their number, without those to be skipped. Line ends stay, within quotes too."""

    def __init__(self, file: Found, dialect: Dialect) -> None:
        self._file, self._dialect = file, dialect
        self.number = 0
        self.within = False
        """A record has begun; set to False by whoever has taken one."""
        self._length = 0
        """Of the record as far as it was read."""

    def __iter__(self) -> Iterator[str]:
        dialect = self._dialect
        try:
            with opened(self._file) as content, io.TextIOWrapper(content, dialect.encoding, newline="") as stream:
                yield from self._wanted(stream)
        except UnicodeError as error:
            raise _undecodable(self._file, dialect) from error
        except UNREADABLE as error:
            raise unreadable(self._file, error) from error

    def _wanted(self, stream: IO[str]) -> Iterator[str]:
        comment = self._dialect.comment
        while line := stream.readline(MAX_RECORD + 1):
            self.number += 1
            line = line.lstrip("\ufeff") if self.number == 1 else line  # some programs write the mark twice
            if len(line) > MAX_RECORD:
                raise JobError(
                    "InvalidFile",
                    f"{self._file.name}, line {self.number} is longer than 16 MiB, and no record may be: end each "
                    "with a line break, or leave its longest text out of the file",
                )
            if self.number <= self._dialect.skip_lines or (comment and not self.within and line.startswith(comment)):
                continue
            if "\0" in line:
                raise JobError(
                    "InvalidFile",
                    f"{self._file.name}, line {self.number}: there is a NUL byte: the file is damaged, or its encoding "
                    "is another one; write `csv: {encoding: utf-16}` if it is",
                )
            self._length = len(line) + (self._length if self.within else 0)
            if self._length > MAX_RECORD:
                raise csv.Error("field larger than field limit")
            self.within = True
            yield line


def records(file: Found, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line it begins in, the header among them; blank lines are none."""
    csv.field_size_limit(MAX_RECORD)
    lines = Lines(file, dialect)
    quoting: Any = {"quotechar": dialect.quote} if dialect.quote else {"quotechar": None, "quoting": csv.QUOTE_NONE}
    reader = csv.reader(lines, delimiter=dialect.delimiter, strict=True, **quoting)
    before, end = 0, 0
    try:
        for record in reader:
            start = lines.number - (reader.line_num - before) + 1
            before, end, lines.within = reader.line_num, lines.number, False
            if record:
                yield start, record
    except csv.Error as error:
        raise JobError("InvalidFile", f"{file.name}, line {end + 1}: {_said(error, dialect)}") from error


def dialect_of(file: Found, options: CsvOptions) -> Dialect:
    head = beginning(file)
    marked = next((name for mark, name in _MARKS.items() if head.startswith(mark)), "utf-8")
    base = Dialect(
        delimiter=options.delimiter or ",",
        quote='"' if options.quote is None else options.quote,
        encoding=options.encoding if options.encoding and marked in ("utf-8", "utf-8-sig") else marked,
        header=options.header is not False,
        skip_lines=options.skip_lines,
        comment=options.comment or "",
        packed=is_packed(file),
    )
    said = _SAID.match(head.decode(base.encoding, "ignore").lstrip("\ufeff"))
    if said and not options.skip_lines:
        return replace(base, delimiter=options.delimiter or said[1], skip_lines=1)
    return base if options.delimiter else _separated(file, base)


def _separated(file: Found, base: Dialect) -> Dialect:
    """With the delimiter by which all records, the header among them, have the same number of fields."""
    widths = {each: _widths(file, replace(base, delimiter=each)) for each in DELIMITERS}
    several = {each: found for each, found in widths.items() if found and found[0] > 1}
    even = [each for each, found in several.items() if len(set(found)) == 1]
    if even:
        wide = max(several[each][0] for each in even)
        chosen = even[0] if base.header else next(each for each in even if several[each][0] == wide)
    else:
        chosen = max(several, key=lambda each: several[each].count(several[each][0]) / len(several[each]), default=",")
    return replace(base, delimiter=chosen, ambiguous=len(even) > 1)


def _widths(file: Found, dialect: Dialect) -> list[int]:
    """Fields of the first records; of what cannot be read so, none or as many as could."""
    found: list[int] = []
    try:
        for _, record in islice(records(file, dialect), SAMPLE):
            found.append(len(record))
    except JobError as error:
        if "NUL byte" in error.message or "decod" in error.message or "cannot be read" in error.message:
            raise
        found.append(0)
    return found


def _undecodable(file: Found, dialect: Dialect) -> JobError:
    line, byte = _first_undecodable(file, dialect.encoding)
    name = "UTF-8" if dialect.encoding in ("utf-8", "utf-8-sig") else dialect.encoding
    if b"\0" in beginning(file):
        hint = "write `csv: {encoding: utf-16-le}` if it is UTF-16"
    elif name == "UTF-8":
        hint = "write what it is: `csv: {encoding: windows-1252}` is usual for Western Europe"
    else:
        hint = "write another csv.encoding, or mend the file"
    return JobError(
        "InvalidFile", f"{file.name}, line {line}: the text is not {name} and cannot be decoded{byte}; {hint}"
    )


def _first_undecodable(file: Found, encoding: str) -> tuple[int, str]:
    """Line and byte, looked for anew: whoever reads lines has decoded more than they gave."""
    decoder, line = codecs.getincrementaldecoder(encoding)(), 1
    with suppress(*UNREADABLE), opened(file) as content:
        for block in chain(iter(partial(content.read, 1 << 20), b""), [b""]):
            try:
                line += decoder.decode(block, final=not block).count("\n")
            except UnicodeDecodeError as error:
                before = error.object[: error.start].decode(encoding, "ignore")
                return line + before.count("\n"), f" (byte 0x{error.object[error.start]:02x})"
    return line, ""


def _said(error: csv.Error, dialect: Dialect) -> str:
    text = str(error)
    if "unexpected end" in text:
        return f"the quote {dialect.quote} that opens here or below is never closed"
    if "field larger" in text:
        return f"the quote {dialect.quote} that opens here or below is not closed within 16 MiB, the most of a record"
    if "expected after" in text:
        return (
            f"after the closing {dialect.quote} there stands something else than {dialect.delimiter!r}: a quote inside "
            'a quoted field is written twice; write `csv: {quote: ""}` if quotes mean nothing here'
        )
    return text
