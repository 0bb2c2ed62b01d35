"""CSV files into the table `source`: dialect, proof that no record is lost, types, and what is to be told."""
# ruff: noqa: S608 - our own column names, and texts quoted by `text`

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from modelward_contracts.dialect import CsvDialect
from modelward_contracts.tasks import IngestTask
from modelward_training.outcome import JobError

from .dialect import dialect
from .names import quoted
from .odd import drop_unnamed
from .records import plain, records
from .same_columns import same_columns
from .settle import settle
from .source import Found
from .values import Kind, Values, text, trimmed


@dataclass(frozen=True)
class Read:
    """How files were read."""

    csv: CsvDialect | None = None
    guessed: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    rows: tuple[int, ...] = ()
    """Of each file."""


class CsvFiles:
    """All files of a source, with one list of columns; a column is called c0, c1 … in SQL."""

    def __init__(self, con: duckdb.DuckDBPyConnection, files: list[Found], task: IngestTask, scratch: Path) -> None:
        self.con, self.files, self.task, self.scratch = con, files, task, scratch
        self.dialects = [dialect(file, task.csv) for file in files]
        self.names = self.dialects[0].names
        same_columns(files, [each.names for each in self.dialects])
        self.records = [records(file, each, scratch) for file, each in zip(files, self.dialects, strict=True)]
        stated = task.csv
        self.values = Values(
            stated.decimal or ".",
            stated.thousands or "",
            tuple(stated.null_values or ()),
        )

    def reader(self, number: int) -> str:
        """SQL: one file's records as text."""
        file = self.records[number]
        columns = ", ".join(f"'c{self.names.index(name)}': 'VARCHAR'" for name in file.dialect.names)
        return (
            f"read_csv({text(str(file.path))}, auto_detect = false, header = {str(file.dialect.header).lower()}, "
            f"delim = {text(file.dialect.delimiter)}, quote = {text(file.dialect.quote)}, "
            f"escape = {text(file.dialect.quote)}, comment = '', new_line = '{file.line_end}', "
            "strict_mode = true, hive_partitioning = false, "
            f"max_line_size = {64 << 20}, columns = {{{columns}}})"
        )

    def bare(self, number: int) -> str:
        """SQL: one file's records as text, without the blanks around values; once, for it costs more than a pattern."""
        columns = ", ".join(f"{trimmed(f'c{place}')} AS c{place}" for place in range(len(self.names)))
        return f"(SELECT {columns} FROM {self.reader(number)})"

    def above(self, number: int) -> int:
        """Rows of a file before its first record."""
        return int(self.dialects[number].header)

    def tallies(self) -> list[Counter[Kind]]:
        """How many values of each kind each column has, in all files; proves the number of records of each."""
        found: list[Counter[Kind]] = [Counter() for _ in self.names]
        for number in range(len(self.files)):
            counts = self._proven(number)
            for column, of_column in zip(found, counts, strict=True):
                column.update(dict(zip(Kind, of_column, strict=True)))
        return found

    def _proven(self, number: int) -> list[list[int]]:
        """Where DuckDB does not read what was counted, a plain copy of the file is read instead."""
        try:
            rows, counts = self._tally(number)
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error:
            rows, counts = -1, []
        expected = self.records[number].rows
        if rows != expected:
            self.records[number] = plain(self.files[number], self.dialects[number], self.scratch)
            expected = self.records[number].rows
            try:
                rows, counts = self._tally(number)
            except duckdb.InvalidInputException as error:
                raise self._unreadable(number, error) from error
        if rows != expected:
            raise JobError(
                "InvalidFile",
                f"{self.files[number].name} holds {expected} records, but {rows} rows were read of it: "
                "say how it is written with `csv: {delimiter, quote, encoding}`",
            )
        return counts

    def _unreadable(self, number: int, error: duckdb.Error) -> JobError:
        return JobError("InvalidFile", f"{self.files[number].name} cannot be read as CSV: {str(error).splitlines()[0]}")

    def _tally(self, number: int) -> tuple[int, list[list[int]]]:
        places = range(len(self.names))
        kinds = ", ".join(f"{self.values.kind(f'c{place}')}::UTINYINT AS k{place}" for place in places)
        counts = ", ".join(f"[{', '.join(f'count_if(k{place} = {kind:d})' for kind in Kind)}]" for place in places)
        row = self.con.execute(f"SELECT count(*), {counts} FROM (SELECT {kinds} FROM {self.bare(number)})").fetchone()
        assert row is not None
        return row[0], list(row[1:])


def read_csv(con: duckdb.DuckDBPyConnection, files: list[Found], task: IngestTask, scratch: Path) -> Read:
    source = CsvFiles(con, files, task, scratch)
    tallies = source.tallies()
    guessed_decimal = _decimal_comma(source, tallies)
    if guessed_decimal:
        source.values = replace(source.values, decimal=",")
        tallies = source.tallies()
    types, warnings = settle(source, tallies)
    casts = ", ".join(
        f"{source.values.cast(f'c{place}', types[name])} AS {quoted(name)}" for place, name in enumerate(source.names)
    )
    for number in range(len(files)):
        how = "INSERT INTO source" if number else "CREATE TABLE source AS"
        con.execute(f"{how} SELECT {casts} FROM {source.bare(number)}")
    wanted = {task.label, task.id, task.time, *task.types}
    warnings += drop_unnamed(con, source.dialects[0].unnamed, wanted, len(files))
    used = _used(source)
    guessed = tuple(name for name in ("header", "delimiter", "quote", "encoding") if getattr(task.csv, name) is None)
    return Read(
        used,
        guessed + ("decimal",) * guessed_decimal,
        (*_several(source), *warnings),
        tuple(r.rows for r in source.records),
    )


def _decimal_comma(source: CsvFiles, tallies: list[Counter[Kind]]) -> bool:
    """3,5 in files that something else divides, where no number has a point: the comma is the decimal sign."""
    stated = source.task.csv
    if stated.decimal or stated.thousands or any(each.delimiter == "," for each in source.dialects):
        return False
    commas = sum(tally[Kind.COMMA] for tally in tallies)
    return commas > 0 and not any(tally[Kind.NUMBER] for tally in tallies)


def _used(source: CsvFiles) -> CsvDialect:
    first, stated = source.dialects[0], source.task.csv
    return CsvDialect(
        header=first.header,
        delimiter=first.delimiter,
        quote=first.quote,
        encoding=first.encoding,
        decimal=source.values.decimal,
        thousands=stated.thousands,
        null_values=stated.null_values,
        skip_lines=stated.skip_lines,
        comment=stated.comment,
    )


def _several(source: CsvFiles) -> list[str]:
    """Files that are written in another way than the first."""
    first, told = source.dialects[0], []
    for field in ("delimiter", "encoding"):
        others = [
            f.name
            for f, d in zip(source.files, source.dialects, strict=True)
            if getattr(d, field) != getattr(first, field)
        ]
        if others:
            index = [f.name for f in source.files].index(others[0])
            told.append(
                f"{others[0]} has the {field} {getattr(source.dialects[index], field)!r} where {source.files[0].name} "
                f"has {getattr(first, field)!r}" + (f", as {len(others) - 1} more have" if len(others) > 1 else "")
            )
    return told
