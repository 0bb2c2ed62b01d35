"""Is the prepared data what the Dataset expects? All that is not is told at once, with counts and examples.

A value that is missing (none, or empty text) is wrong for `maxMissing` alone, and a column without any value has no
type that could be wrong. An expectation that cannot be checked ends the ingest: it would seem to hold for ever.
"""
# ruff: noqa: S608 - names are ours; SQL of others runs behind locked doors

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import duckdb

from modelward_contracts.manifests import ColumnType
from modelward_contracts.reports import MAX_EXPECTATION, MAX_FAILURE, Failure
from modelward_contracts.tasks import Expectation, IngestTask
from modelward_training.outcome import JobError

from .columns import absent
from .examples import cut, examples_of, one_row, value_of
from .prepare import Table
from .wrong_values import SQL_TYPES, Wrong, comparable, plain, wrong_values

FOR_EVER = 10**9
"""More hours than there are; as much as Python can count."""
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours"}


def check_columns(task: IngestTask, types: dict[str, ColumnType]) -> None:
    """Before any row is looked at: the columns that are spoken of are there."""
    for number, each in enumerate(task.expectations):
        for name in (each.column, each.fresh):
            if name is not None and name not in types:
                raise JobError("InvalidExpectation", f"expectations[{number}]: {absent(name, types)}")


def check(con: duckdb.DuckDBPyConnection, task: IngestTask, table: Table, now: datetime) -> list[Failure]:
    """What does not hold of the table `clean`. `now` is in UTC. Drift is told by `drift.check`."""
    about = list(dict.fromkeys(e.column for e in task.expectations if e.column))
    counts = ", ".join(["count(*)", *(f"count({value_of(table, name)})" for name in about)])
    rows, *filled = one_row(con, f"SELECT {counts} FROM clean")
    present = dict(zip(about, filled, strict=True))
    wrong = [
        w for n, e in enumerate(task.expectations) for w in wrong_values(con, f"expectations[{n}]", e, table, present)
    ]
    bad = one_row(con, f"SELECT {', '.join(f'count_if({w.where})' for w in wrong)} FROM clean") if wrong else ()
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
    return Failure(expectation=cut("{" + expected + "}", MAX_EXPECTATION), message=cut(found, MAX_FAILURE), ages=ages)


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


def _told(con: duckdb.DuckDBPyConnection, table: Table, wrong: Wrong, bad: int, values: int) -> Failure:
    (first,) = one_row(con, f"SELECT min(rowid) + 1 FROM clean WHERE {wrong.where}")
    examples = examples_of(con, table, wrong.column, wrong.where)
    found = f"{bad} of {values} values {wrong.how}: {examples}; first in row {first} of the prepared data"
    return failure(f"column: {wrong.column}, {wrong.expected}", found)


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
    if each.max_missing is not None and (missing := rows - present[name]) / rows > each.max_missing:
        share = f"{missing} of {rows} rows without a value: a share of {missing / rows:.3g}"
        yield failure(f"{about}maxMissing: {plain(each.max_missing)}", share)
    if each.unique and name != task.id:  # an id is known to be
        value = value_of(table, name)
        (repeated,) = one_row(
            con,
            f"SELECT coalesce(sum(n), 0) FROM (SELECT count(*) n FROM clean WHERE {value} IS NOT NULL "
            f"GROUP BY {value} HAVING n > 1)",
        )
        if repeated:
            examples = examples_of(con, table, name, "true", "HAVING count(*) > 1")
            yield failure(f"{about}unique: true", f"{repeated} of {present[name]} values repeat: {examples}")


def _fresh(
    con: duckdb.DuckDBPyConnection, where: str, each: Expectation, table: Table, now: datetime
) -> Iterator[Failure]:
    assert each.fresh is not None
    assert each.max_age is not None
    (newest,) = one_row(con, f"SELECT max({table.sql(each.fresh)}) FROM clean")
    expected = f"fresh: {{column: {each.fresh}, maxAge: {each.max_age}}}"
    if newest is None:
        yield failure(expected, "the column has no value")
        return
    comparable(table.types[each.fresh], ("timestamp",), where, each.fresh, "fresh", "timestamps")
    if now.replace(tzinfo=None) - newest > _duration(each.max_age):
        # Its age would make every look tell something new.
        yield failure(expected, f"the newest row is of {newest:%Y-%m-%d %H:%M:%S} UTC", ages=True)


def _others(con: duckdb.DuckDBPyConnection, table: Table, name: str, expected: ColumnType) -> str:
    """Of a column that is text: the values that make it so."""
    if table.types[name] != "string":
        return ""
    where = f"{value_of(table, name)} IS NOT NULL AND TRY_CAST({table.sql(name)} AS {SQL_TYPES[expected]}) IS NULL"
    (bad,) = one_row(con, f"SELECT count_if({where}) FROM clean")
    return f": {bad} values are something else: {examples_of(con, table, name, where)}" if bad else ""


def _duration(text: str) -> timedelta:
    parts = re.findall(r"([0-9]+)([smh])", text)
    return sum((timedelta(**{_UNITS[unit]: min(int(n), FOR_EVER)}) for n, unit in parts), timedelta())
