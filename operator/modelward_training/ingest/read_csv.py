"""CSV files into the table `raw`, every field as text, and the table `source` made of it with a type for each column.

DuckDB reads with a stated dialect and guesses nothing. Each file's records are counted without it, and a file of which
it reads another number is written anew, plainly, and read again: rows read = records in the file, or no version.
"""
# ruff: noqa: S608 - internal names only; paths and values are parameters

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from modelward_contracts.manifests import Csv
from modelward_contracts.tasks import CsvOptions, IngestTask
from modelward_training.outcome import JobError

from . import pii, text_types
from .columns import Source, together, unique
from .dialect import Dialect, dialect_of, records
from .records import LONG_LINE, Plain, line_of, plain, rewrite
from .source import Found
from .text_values import Format


@dataclass(frozen=True)
class Part:
    """One file's rows in `raw`: those from `first` (a rowid) on."""

    file: Found
    dialect: Dialect
    names: list[str]
    first: int
    rows: int


def read(con: duckdb.DuckDBPyConnection, files: list[Found], task: IngestTask, scratch: Path) -> Source:
    _check(task.csv)
    dialects = [dialect_of(file, task.csv) for file in files]
    headers = [_header(file, dialect) for file, dialect in zip(files, dialects, strict=True)]
    pii.check(task, files, headers)
    for file, header in zip(files, headers, strict=True):
        unique(file.name, header)
    union, lacking = together(files, headers, task.missing_as_null)
    names = pii.names(task, union)
    con.execute(f"CREATE TABLE raw ({', '.join(f'c{number} VARCHAR' for number in range(len(names)))})")
    parts: list[Part] = []
    warnings: list[str] = []
    for file, dialect, header in zip(files, dialects, headers, strict=True):
        first = parts[-1].first + parts[-1].rows if parts else 0
        fields = {name: f"f{header.index(name)}" if name in header else "NULL" for name in union}
        values = list(pii.kept(task, fields).values())
        rows, trailing = _insert(con, file, dialect, len(header), values, scratch)
        parts.append(Part(file, dialect, header, first, rows))
        if trailing:
            warnings.append(f"{file.name}: {trailing} rows end with a delimiter more than the header; it is left out")
    nameless = {
        name
        for file, dialect, header in zip(files, dialects, headers, strict=True)
        for name, written in zip(header, _written(file, dialect), strict=True)
        if _nameless(written)
    }
    typed = text_types.choose(con, names, task, lambda rowid: _place(parts, rowid))
    return Source(
        names=names,
        unnamed=[name for name in names if name in nameless],
        starts=[part.first for part in parts],
        expressions=typed.expressions,
        guessed=typed.guessed,
        csv=_described(task.csv, dialects, typed.format, typed.format_guessed),
        warnings=[*_like_data(task, names), *lacking, *_differing(parts), *warnings, *typed.warnings],
    )


def _insert(
    con: duckdb.DuckDBPyConnection, file: Found, dialect: Dialect, width: int, values: list[str], scratch: Path
) -> tuple[int, int]:
    """One file's rows into `raw`. `values`: SQL of what is kept, over the file's fields f0, f1, …

    Returns how many there are, and how many of them ended with one delimiter too many.
    """
    counted = plain(file, dialect, width)
    if counted is not None and _read(con, file.path, dialect, width, values, counted) == counted.records:
        return counted.records, 0
    target = scratch / "records.csv"
    written = rewrite(file, dialect, width, target)
    again = replace(dialect, delimiter=",", quote='"', header=False)
    found = _read(con, target, again, width, values, Plain(written.records, True, written.longest))
    if found != written.records:
        raise JobError(
            "InvalidFile", f"{file.name} holds {written.records} records, of which {found or 'none'} could be read"
        )
    target.unlink()
    return written.records, written.trailing


def _read(
    con: duckdb.DuckDBPyConnection, path: Path, dialect: Dialect, width: int, values: list[str], counted: Plain
) -> int | None:
    """Rows inserted; None, and nothing inserted, where they are not as many as were counted."""
    columns = {f"f{number}": "VARCHAR" for number in range(width)}
    options = {
        "delim": dialect.delimiter,
        "quote": dialect.quote,
        "escape": dialect.quote,
        "header": dialect.header,
        "columns": columns,
        "parallel": not counted.across_lines,
    }
    if counted.longest > LONG_LINE:
        options |= {"max_line_size": counted.longest + 16, "buffer_size": 4 * counted.longest + 64, "parallel": False}
    stated = ", ".join(f"{name} = ${number}" for number, name in enumerate(options, 2))
    con.begin()
    try:
        found = con.execute(
            f"INSERT INTO raw SELECT {', '.join(values)} FROM read_csv($1, {stated}, auto_detect = false, "
            "comment = '', hive_partitioning = false, compression = 'none')",
            [str(path), *options.values()],
        ).fetchone()
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error:
        con.rollback()
        return None
    assert found is not None
    if found[0] != counted.records:
        con.rollback()
        return None
    con.commit()
    return int(found[0])


def _header(file: Found, dialect: Dialect) -> list[str]:
    """The columns' names: as written, or by position where there are none."""
    return [name if not _nameless(name) or name else f"column{n}" for n, name in enumerate(_written(file, dialect), 1)]


def _like_data(task: IngestTask, names: list[str]) -> Iterator[str]:
    """A file without a header loses its first row to the names."""
    if task.csv.header is None and all(re.fullmatch(Format().number, name.strip()) for name in names):
        shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")
        yield f"the columns' names are numbers ({shown}): if that is a row of data, write `csv: {{header: false}}`"


def _written(file: Found, dialect: Dialect) -> list[str]:
    first = next(records(file, dialect), None)
    if first is None:
        raise JobError("InvalidFile", f"{file.name} holds no line: remove it, or write its header and rows")
    return first[1] if dialect.header else [f"column{number}" for number in range(1, len(first[1]) + 1)]


def _nameless(name: str) -> bool:
    """As pandas and R leave the index of a table they save, and as pandas calls it when it saves it again."""
    return not name.strip() or name.startswith("Unnamed: ")


def _place(parts: list[Part], rowid: int) -> str:
    part = next(part for part in reversed(parts) if part.first <= rowid)
    return f"line {line_of(part.file, part.dialect, rowid - part.first)} of {part.file.name}"


def _differing(parts: list[Part]) -> list[str]:
    first, found = parts[0], []
    for delimiter in _distinct([part.dialect.delimiter for part in parts])[1:]:
        files = _files([part for part in parts if part.dialect.delimiter == delimiter])
        found.append(f"{files} read as separated by {delimiter!r}, {first.file.name} by {first.dialect.delimiter!r}")
    unsure = [part for part in parts if part.dialect.ambiguous]
    for delimiter in _distinct([part.dialect.delimiter for part in unsure]):
        files = _files([part for part in unsure if part.dialect.delimiter == delimiter])
        found.append(
            f"{files} read as separated by {delimiter!r}, which is a guess among several characters that fit: "
            "write `csv: {delimiter: …}`"
        )
    return found


def _files(parts: list[Part]) -> str:
    more = len(parts) - 1
    return f"{parts[0].file.name} is" if not more else f"{parts[0].file.name} and {more} more files are"


def _distinct(values: list[str]) -> list[str]:
    """Each once, in the order of the files."""
    return list(dict.fromkeys(values))


def _described(stated: CsvOptions, dialects: list[Dialect], format_: Format, format_guessed: bool) -> Csv:
    first = dialects[0]
    _, *delimiters = _distinct([dialect.delimiter for dialect in dialects])
    _, *encodings = _distinct([dialect.encoding.removesuffix("-sig") for dialect in dialects])
    guessed = [
        *(["delimiter"] if stated.delimiter is None else []),
        *(["encoding"] if stated.encoding is None and {"utf-8", "utf-8-sig"} & {d.encoding for d in dialects} else []),
        *(["header"] if stated.header is None else []),
        *(["decimal"] if format_guessed else []),
    ]
    return Csv(
        header=first.header,
        delimiter=first.delimiter,
        other_delimiters=delimiters,
        quote=first.quote,
        encoding=first.encoding.removesuffix("-sig"),
        other_encodings=encodings,
        decimal=format_.decimal,
        thousands=format_.thousands,
        null_values=stated.null_values,
        skip_lines=first.skip_lines,
        comment=stated.comment or "",
        guessed=guessed,
    )


def _check(stated: CsvOptions) -> None:
    import codecs

    if stated.encoding is not None:
        try:
            b"a".decode(codecs.lookup(stated.encoding).name, "ignore")
        except (LookupError, UnicodeError):
            raise JobError(
                "InvalidFile", f"csv.encoding: {stated.encoding!r} is not known: write utf-8, utf-16, windows-1252 …"
            ) from None
    if stated.decimal and stated.decimal in (stated.thousands, stated.delimiter):
        raise JobError("InvalidFile", "csv.decimal must differ from csv.thousands and csv.delimiter")
