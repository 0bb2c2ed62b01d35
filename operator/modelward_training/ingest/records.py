"""How many records a file has, counted without DuckDB; and the file anew where DuckDB cannot have it as it lies."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

from modelward_training.outcome import JobError

from .dialect import MAX_RECORD, Dialect, records
from .source import Found

LONG_LINE = 1 << 20


@dataclass(frozen=True)
class Plain:
    """A file whose records, all of one width, lie one or more whole lines each."""

    records: int
    across_lines: bool
    longest: int


def plain(file: Found, dialect: Dialect, width: int) -> Plain | None:
    """Counts the records below the header; None where the file must be written anew (or has a fault to be told)."""
    if not dialect.bare or width < 2:
        return None
    comma, quote, commas = dialect.delimiter.encode(), dialect.quote.encode(), width - 1
    counted, returns, longest, across = 0, 0, 0, False
    with file.path.open("rb") as stream:
        lines = iter(partial(stream.readline, MAX_RECORD + 1), b"")
        ended = 0
        for line in lines:
            if len(line) > MAX_RECORD:
                return None
            if line in (b"\n", b"\r\n"):
                returns += line[0] == 13
                ended += 1
                continue
            if quote and quote in line:
                found = _quoted(line, lines, dialect)
                if found is None or found[0] != width:
                    return None
                across, line = across or found[1], found[2]
            elif line.count(comma) != commas:
                return None
            counted += 1
            ended += line.endswith(b"\n")
            returns += line.endswith(b"\r\n")
            if b"\r" in line[:-2] and not (quote and quote in line):
                return None
            longest = max(longest, len(line))
    if returns not in (0, ended):
        return None
    return Plain(counted - dialect.header, across, longest)


def _quoted(line: bytes, lines: Iterator[bytes], dialect: Dialect) -> tuple[int, bool, bytes] | None:
    """Width of the record that begins in this line, whether it goes on in others, and all its bytes."""
    taken: list[bytes] = []

    def text() -> Iterator[str]:
        length = 0
        for each in chain([line], lines):
            length += len(each)
            if length > MAX_RECORD:
                return
            taken.append(each)
            yield each.decode("utf-8-sig")

    try:
        record = next(csv.reader(text(), delimiter=dialect.delimiter, quotechar=dialect.quote, strict=True))
    except (csv.Error, UnicodeDecodeError, StopIteration):
        return None
    return len(record), len(taken) > 1, b"".join(taken)


@dataclass
class Rewritten:
    records: int = 0
    trailing: int = 0
    """Records with one empty field more than the header."""
    longest: int = 0
    """Bytes of a record, at most."""


def rewrite(file: Found, dialect: Dialect, width: int, target: Path) -> Rewritten:
    """Write the records as plain UTF-8 CSV without header. Raises JobError with the line of the first ragged one."""
    done = Rewritten()
    with target.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)
        for number, (line, record) in enumerate(records(file, dialect)):
            if number == 0 and dialect.header:
                continue
            if len(record) == width + 1 and record[-1] == "":
                record.pop()
                done.trailing += 1
            if len(record) != width:
                raise JobError("InvalidFile", _ragged(file, line, record, width, dialect))
            done.longest = max(done.longest, 4 * writer.writerow(record))
            done.records += 1
    return done


def line_of(file: Found, dialect: Dialect, record: int) -> int:
    """The line in which the record with this number (from 0, below the header) begins."""
    for number, (line, _) in enumerate(records(file, dialect), -int(dialect.header)):
        if number == record:
            return line
    return 0


def _ragged(file: Found, line: int, record: list[str], width: int, dialect: Dialect) -> str:
    fields = f"{len(record)} field" + ("s" if len(record) != 1 else "")
    first = "the header has" if dialect.header else "the first row has"
    return (
        f"{file.name}, line {line}: {fields} where {first} {width} (separated by {dialect.delimiter!r}): mend the "
        "line; titles and notes are left out with `csv: {skipLines: N}` or `csv: {comment: '#'}`"
    )
