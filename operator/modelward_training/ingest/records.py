"""How many records a file has, counted without DuckDB; and the file anew where DuckDB cannot have it as it lies."""

import csv
import io
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

from modelward_training.outcome import JobError

from .dialect import MAX_RECORD, Dialect, records
from .source import Found

BLOCK = 1 << 20
LONG_LINE = 1 << 20


@dataclass
class Plain:
    """A file whose records, all of one width, lie one or more whole lines each."""

    records: int
    across_lines: bool
    longest: int
    ended: int = 0
    """Lines with an end, and those of them that have a carriage return before it."""
    returns: int = 0


def plain(file: Found, dialect: Dialect, width: int) -> Plain | None:
    """Counts the records below the header; None where the file must be written anew (or has a fault to be told)."""
    if not dialect.bare or width < 2:
        return None
    quote = dialect.quote.encode()
    found = Plain(-int(dialect.header), False, 0)
    with file.path.open("rb") as stream:
        rest = iter(partial(stream.readline, MAX_RECORD + 1), b"")
        while block := stream.read(BLOCK):
            block += next(rest, b"")
            # Where each line is a record, many are counted at once.
            simple = b"\r" not in block and not (quote and quote in block)
            even = _lines(block, dialect, width, found) if simple else _records(block, rest, dialect, width, found)
            if not even or found.longest > MAX_RECORD:
                return None
    return found if found.returns in (0, found.ended) else None


def _lines(block: bytes, dialect: Dialect, width: int, found: Plain) -> bool:
    """Whether all have this width; adds them to what was found."""
    comma, lines = dialect.delimiter.encode(), [line for line in block.split(b"\n") if line]
    found.records += len(lines)
    found.ended += block.count(b"\n")
    found.longest = max(found.longest, 1 + max(map(len, lines), default=0))
    return all(line.count(comma) == width - 1 for line in lines)


def _records(block: bytes, rest: Iterator[bytes], dialect: Dialect, width: int, found: Plain) -> bool:
    """As `_lines`; the last record may go on in the rest of the file."""
    comma, quote = dialect.delimiter.encode(), dialect.quote.encode()
    within = io.BytesIO(block)
    for line in within:
        if line in (b"\n", b"\r\n"):
            found.returns += line[0] == 13
            found.ended += 1
            continue
        if quote and quote in line:
            record = _quoted(line, chain(within, rest), dialect)
            if record is None or record[0] != width:
                return False
            found.across_lines, line = found.across_lines or record[1], record[2]
        elif line.count(comma) != width - 1 or b"\r" in line[:-2]:
            return False
        found.records += 1
        found.ended += line.endswith(b"\n")
        found.returns += line.endswith(b"\r\n")
        found.longest = max(found.longest, len(line))
    return True


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
            yield each.removeprefix(BOM_UTF8).decode()

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
