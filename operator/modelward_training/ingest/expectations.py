"""Is the prepared data what the Dataset expects? All that is not is told at once, with counts and examples.

A value that is missing (none, or empty text) is wrong for `maxMissing` alone, and a column without any value has no
type that could be wrong. An expectation that cannot be checked ends the ingest: it would seem to hold for ever.
"""
# ruff: noqa: S608 - names are ours, texts are quoted by `_text`; SQL of others runs behind locked doors

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import duckdb

from modelward_contracts.manifests import ColumnType
from modelward_contracts.reports import MAX_EXPECTATION, MAX_FAILURE, Failure
from modelward_contracts.tasks import Expectation, IngestTask
from modelward_training.outcome import JobError

from .columns import absent
from .prepare import Table

EXAMPLES = 5
SHOWN = 60
"""Characters of an example."""
_SQL: dict[ColumnType, str] = {
    "boolean": "BOOLEAN",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "string": "VARCHAR",
    "timestamp": "TIMESTAMP",
}
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours"}


@dataclass(frozen=True)
class Wrong:
    """Values of `column` for which the SQL `where` is true are not as expected."""

    column: str
    expected: str
    where: str
    how: str
    """What is said of them: `below 0`."""


def check_columns(task: IngestTask, types: dict[str, ColumnType]) -> None:
    """Before anything is read: the columns that are spoken of are there."""
    for number, each in enumerate(task.expectations):
        for name in (each.column, each.fresh):
            if name is not None and name not in types:
                raise JobError("InvalidExpectation", f"expectations[{number}]: {absent(name, types)}")


def check(con: duckdb.DuckDBPyConnection, task: IngestTask, table: Table, now: datetime) -> list[Failure]:
    """What does not hold of the table `clean`. `now` is in UTC. Drift is told by `drift.check`."""
    about = list(dict.fromkeys(e.column for e in task.expectations if e.column))
    counts = ", ".join(["count(*)", *(f"count({_value(table, name)})" for name in about)])
    rows, *filled = _row(con, f"SELECT {counts} FROM clean")
    present = dict(zip(about, filled, strict=True))
    wrong = [w for n, e in enumerate(task.expectations) for w in _wrong(con, f"expectations[{n}]", e, table, present)]
    bad = _row(con, f"SELECT {', '.join(f'count_if({w.where})' for w in wrong)} FROM clean") if wrong else ()
    failures = [_told(con, table, w, n, present[w.column]) for w, n in zip(wrong, bad, strict=True) if n]
    for number, each in enumerate(task.expectations):
        failures += _of_column(con, task, each, table, rows, present)
        if each.min_rows is not None and rows < each.min_rows:
            failures.append(failure(f"rows: {{minimum: {each.min_rows}}}", f"there are {rows} rows"))
        if each.fresh is not None:
            failures += _fresh(con, f"expectations[{number}]", each, table, now)
    return failures


def count(task: IngestTask) -> int:
    """How many things are checked: one expectation may say several of a column."""
    return sum(len(_stated(each)) if each.column else 1 for each in task.expectations)


def failure(expected: str, found: str, ages: bool = False) -> Failure:
    return Failure(expectation=_cut("{" + expected + "}", MAX_EXPECTATION), message=_cut(found, MAX_FAILURE), ages=ages)


def _stated(each: Expectation) -> list[str]:
    said = {
        "type": each.type,
        "minimum": each.minimum,
        "maximum": each.maximum,
        "in": each.values,
        "matches": each.matches,
        "unique": each.unique or None,
        "maxMissing": each.max_missing,
    }
    return [name for name, value in said.items() if value is not None]


def _wrong(
    con: duckdb.DuckDBPyConnection, where: str, each: Expectation, table: Table, present: dict[str, int]
) -> Iterator[Wrong]:
    """What is expected of each value by itself."""
    name = each.column
    if name is None or not present[name]:
        return
    kind, value = table.types[name], _value(table, name)
    for said, bound, sign, how in (
        ("minimum", each.minimum, "<", "below"),
        ("maximum", each.maximum, ">", "above"),
    ):
        if bound is not None:
            _comparable(kind, ("integer", "number"), where, name, said, "numbers")
            shown = _number(bound)
            yield Wrong(name, f"{said}: {shown}", f"{value} {sign} {shown}::DOUBLE", f"{how} {shown}")
    if each.values is not None:
        allowed = ", ".join(_literal(con, where, name, kind, each.values))
        is_in = f"{value} IN ({allowed})" if allowed else "false"
        shown = ", ".join(map(str, each.values))
        yield Wrong(name, f"in: [{shown}]", f"{value} IS NOT NULL AND NOT ({is_in})", "not among them")
    if each.matches is not None:
        _comparable(kind, ("string",), where, name, "matches", "text")
        _pattern(con, where, name, each.matches)
        match = f"regexp_full_match({value}, {_text(each.matches)})"
        yield Wrong(name, f"matches: {each.matches!r}", f"NOT {match}", "of another form")


def _of_column(
    con: duckdb.DuckDBPyConnection,
    task: IngestTask,
    each: Expectation,
    table: Table,
    rows: int,
    present: dict[str, int],
) -> Iterator[Failure]:
    """What is expected of a column's values together."""
    name = each.column
    if name is None:
        return
    about, kind = f"column: {name}, ", table.types[name]
    if each.type is not None and present[name] and kind != each.type and (kind, each.type) != ("integer", "number"):
        yield failure(
            f"{about}type: {each.type}", f"it is a column of type {kind}{_others(con, table, name, each.type)}"
        )
    if each.max_missing is not None and (missing := rows - present[name]) > each.max_missing * rows:
        share = f"{missing} of {rows} rows without a value: a share of {missing / rows:.3g}"
        yield failure(f"{about}maxMissing: {_number(each.max_missing)}", share)
    if each.unique and name != task.id:  # an id is known to be
        value = _value(table, name)
        (repeated,) = _row(
            con,
            f"SELECT coalesce(sum(n), 0) FROM (SELECT count(*) n FROM clean WHERE {value} IS NOT NULL "
            f"GROUP BY {value} HAVING n > 1)",
        )
        if repeated:
            examples = _examples(con, table, name, "true", "HAVING count(*) > 1")
            yield failure(f"{about}unique: true", f"{repeated} of {present[name]} values repeat: {examples}")


def _fresh(
    con: duckdb.DuckDBPyConnection, where: str, each: Expectation, table: Table, now: datetime
) -> Iterator[Failure]:
    assert each.fresh is not None
    assert each.max_age is not None
    _comparable(table.types[each.fresh], ("timestamp",), where, each.fresh, "fresh", "timestamps")
    (newest,) = _row(con, f"SELECT max({table.sql(each.fresh)}) FROM clean")
    expected = f"fresh: {{column: {each.fresh}, maxAge: {each.max_age}}}"
    if newest is None:
        yield failure(expected, "the column has no value")
    elif (age := now.replace(tzinfo=None) - newest) > _duration(each.max_age):
        yield failure(expected, f"the newest row is of {newest:%Y-%m-%d %H:%M:%S}, {_ago(age)} before the look", True)


def _told(con: duckdb.DuckDBPyConnection, table: Table, wrong: Wrong, bad: int, values: int) -> Failure:
    (first,) = _row(con, f"SELECT min(rowid) + 1 FROM clean WHERE {wrong.where}")
    examples = _examples(con, table, wrong.column, wrong.where)
    found = f"{bad} of {values} values {wrong.how}: {examples}; first in row {first} of the prepared data"
    return failure(f"column: {wrong.column}, {wrong.expected}", found)


def _others(con: duckdb.DuckDBPyConnection, table: Table, name: str, expected: ColumnType) -> str:
    """Of a column that is text: the values that make it so."""
    if table.types[name] != "string":
        return ""
    where = f"{_value(table, name)} IS NOT NULL AND TRY_CAST({table.sql(name)} AS {_SQL[expected]}) IS NULL"
    (bad,) = _row(con, f"SELECT count_if({where}) FROM clean")
    return f": {bad} values are something else: {_examples(con, table, name, where)}" if bad else ""


def _examples(con: duckdb.DuckDBPyConnection, table: Table, name: str, where: str, having: str = "") -> str:
    """The most frequent ones."""
    value = _value(table, name)
    found = con.execute(
        f"SELECT {value}::VARCHAR, count(*), count(*) OVER () FROM clean WHERE ({where}) AND {value} IS NOT NULL "
        f"GROUP BY {value} {having} ORDER BY 2 DESC, {value} LIMIT {EXAMPLES}"
    ).fetchall()
    plain = table.types[name] in ("integer", "number", "boolean")
    shown = [
        (str(text) if plain else repr(_cut(text, SHOWN))) + (f" ({times} rows)" if times > 1 else "")
        for text, times, _ in found
    ]
    return ", ".join(shown) + (f" and {found[0][2] - EXAMPLES} more" if found and found[0][2] > EXAMPLES else "")


def _value(table: Table, name: str) -> str:
    """The column in `clean`, NULL where it is missing."""
    return f"nullif({table.sql(name)}, '')" if table.types[name] == "string" else table.sql(name)


def _comparable(kind: ColumnType, kinds: tuple[str, ...], where: str, name: str, said: str, what: str) -> None:
    if kind not in kinds:
        raise JobError(
            "InvalidExpectation",
            f"{where}: {said} is for {what}, and the column {name!r} is of type {kind}: correct the expectation, "
            "prepare.sql or columns.types",
        )


def _literal(
    con: duckdb.DuckDBPyConnection, where: str, name: str, kind: ColumnType, values: list[int | str]
) -> Iterator[str]:
    """The values that a column of that type can have: of integers, no fractions."""
    for value in values:
        text = _text(str(value))
        (found,) = _row(con, f"SELECT TRY_CAST({text} AS {'DOUBLE' if kind == 'integer' else _SQL[kind]})")
        if found is None:
            raise JobError(
                "InvalidExpectation",
                f"{where}: in holds {value!r}, which is no {kind} as the column {name!r} is: correct the expectation, "
                "prepare.sql or columns.types",
            )
        if kind != "integer" or (found % 1 == 0 and abs(found) < 2**63):
            yield f"{text}::{_SQL[kind]}"


def _pattern(con: duckdb.DuckDBPyConnection, where: str, name: str, pattern: str) -> None:
    try:
        con.execute("SELECT regexp_full_match('', $1)", [pattern])
    except duckdb.Error as error:
        said = str(error).removeprefix("Invalid Input Error: ")
        raise JobError(
            "InvalidExpectation",
            f"{where}: matches of the column {name!r} is no regular expression as RE2 knows them: {said}",
        ) from error


def _duration(text: str) -> timedelta:
    return sum((timedelta(**{_UNITS[u]: int(n)}) for n, u in re.findall(r"([0-9]+)([smh])", text)), timedelta())


def _ago(age: timedelta) -> str:
    hours = age.total_seconds() / 3600
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} hours" if hours >= 1 else f"{hours * 60:.1f} min"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _row(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    row = con.execute(sql).fetchone()
    assert row is not None
    return row
