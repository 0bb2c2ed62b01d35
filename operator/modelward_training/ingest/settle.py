"""Which type each CSV column gets: stated, or chosen; what a type would lose is refused, what was guessed is told."""
# ruff: noqa: S608 - our own column names, and texts quoted by `text`

import difflib
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

import duckdb

from modelward_contracts.tasks import IngestTask
from modelward_training.outcome import JobError

from .choice import Choice, choose
from .source import Found
from .values import Kind, Values, trimmed


class Source(Protocol):
    """`csv_files.CsvFiles`, as far as it is needed here."""

    con: duckdb.DuckDBPyConnection
    files: list[Found]
    task: IngestTask
    names: tuple[str, ...]
    values: Values

    def reader(self, number: int) -> str: ...

    def above(self, number: int) -> int: ...


def settle(source: Source, tallies: Sequence[Counter[Kind]]) -> tuple[dict[str, str], list[str]]:
    """What `Values.cast` takes for each column, and what a person should be told."""
    stated, types, told = _stated(source), {}, []
    for place, name in enumerate(source.names):
        tally = tallies[place]
        if name in stated:
            types[name] = stated[name]
            _refuse(source, place, stated[name], f"NOT k IN (0, 1) AND {source.values.cast('c', stated[name])} IS NULL")
            continue
        choice = choose(tally, *_parts(source, place, tally))
        types[name] = choice.type
        if choice.lost:
            _refuse(source, place, choice.type, f"k IN ({', '.join(f'{kind:d}' for kind in choice.lost)})")
        if choice.type in ("day", "month"):
            _refuse(source, place, "timestamp", f"NOT k IN (0, 1) AND {source.values.cast('c', choice.type)} IS NULL")
        told += [f"column {name!r} {choice.told}"] if choice.told else []
        told += _marked(source, place, choice, tally)
    return types, told


def _stated(source: Source) -> dict[str, str]:
    for name in source.task.types:
        if name not in source.names:
            close = difflib.get_close_matches(name, source.names, n=1)
            meant = f"; did you mean {close[0]!r}?" if close else ""
            raise JobError(
                "ColumnMissing",
                f"columns.types: there is no column {name!r}{meant} The columns are {', '.join(source.names[:40])}",
            )
    return source.task.types


def _parts(source: Source, place: int, tally: Counter[Kind]) -> tuple[int, int]:
    """The largest first and second number of dates like 1/2/2013."""
    if not tally[Kind.DAY]:
        return 0, 0
    parts = [f"max(regexp_extract(c, '(\\d+)[./-](\\d+)', {part})::INTEGER)" for part in (1, 2)]
    found = [row for row in _asked(source, place, ", ".join(parts), f"k = {Kind.DAY:d}") if row[0] is not None]
    return max(row[0] for row in found), max(row[1] for row in found)


def _marked(source: Source, place: int, choice: Choice, tally: Counter[Kind]) -> list[str]:
    """Markers of missing values: which, and what they were taken for."""
    if not tally[Kind.MARKER]:
        return []
    found = _asked(source, place, "list(DISTINCT trim(c))", f"k = {Kind.MARKER:d}")
    shown = ", ".join(sorted({repr(value) for row in found for value in row[0] or []})[:4])
    count, name = tally[Kind.MARKER], source.names[place]
    if choice.type == "string":
        return [
            f"column {name!r} is text and keeps {shown} ({count} values) as text: `csv.nullValues` makes it missing"
        ]
    return [f"column {name!r}: {shown} is taken as missing in {count} values"]


def _refuse(source: Source, place: int, kind: str, lost: str) -> None:
    """Raise if there are values that the type would lose, with the first of them and the fields that settle it."""
    found = _asked(source, place, "count(*), min(r), arg_min(trim(c), r), arg_min(k, r)", lost)
    total = sum(row[0] for row in found)
    if total:
        number = next(number for number, row in enumerate(found) if row[0])
        _, row, value, first = found[number]
        raise _error(source, place, kind, total, f"{source.files[number].name}, row {row}", value, Kind(first))


def _error(source: Source, place: int, kind: str, total: int, where: str, value: str, first: Kind) -> JobError:
    name = source.names[place]
    others = "" if name in source.task.types else ", as nearly all others are"
    count = "1 such value" if total == 1 else f"{total} such values"
    return JobError(
        "InvalidColumn",
        f"column {name!r}: {value!r} in {where}, is no {_said(kind)}{others} ({count}). {_advice(name, value, first)}",
    )


def _advice(name: str, value: str, kind: Kind) -> str:
    column, missing = json.dumps(name, ensure_ascii=False), json.dumps(value, ensure_ascii=False)
    keep = f"`columns: {{types: {{{column}: string}}}}` to keep the column as text"
    if kind in (Kind.COMMA, Kind.SEPARATED):
        return f'Write `csv: {{thousands: ","}}` or `csv: {{decimal: ","}}`, whichever the sign is, or {keep}'
    return f"Write `csv: {{nullValues: [{missing}]}}` to take it as missing, or {keep}"


def _said(kind: str) -> str:
    return {"integer": "whole number", "number": "number", "boolean": "true or false", "timestamp": "date"}.get(
        kind, f"date of the form {kind!r}"
    )


def _asked(source: Source, place: int, select: str, where: str) -> list[tuple[Any, ...]]:
    """One row a file, over a column's values c, their kinds k and their rows r (the header is row 1)."""
    found = []
    for number in range(len(source.files)):
        rows = f"SELECT {trimmed(f'c{place}')} AS c, row_number() OVER () + {source.above(number)} AS r "
        rows += f"FROM {source.reader(number)}"
        kinds = f"SELECT c, r, {source.values.kind('c')} AS k FROM ({rows})"
        row = source.con.execute(f"SELECT {select} FROM ({kinds}) WHERE {where}").fetchone()
        assert row is not None
        found.append(row)
    return found
