"""Where the newest rows begin that are held out: validation before test, and rows of one time on one side."""
# ruff: noqa: S608 - names are ours

from typing import Any

import duckdb

from modelward_contracts.manifests import Boundaries
from modelward_contracts.tasks import IngestTask
from modelward_training.outcome import JobError

from .prepare import Table
from .wrong_values import SQL_TYPES


def boundaries(con: duckdb.DuckDBPyConnection, spec: IngestTask, table: Table) -> Boundaries:
    """The first time of each. Raises JobError where some row has no time, or all together are of fewer than three."""
    assert spec.time is not None
    time, kind = table.sql(spec.time), table.types[spec.time]
    if kind not in ("timestamp", "integer", "number"):
        raise JobError(
            "InvalidTime",
            f"splits.by is time, and the column {spec.time!r} is of type {kind}: turn it into a timestamp in "
            "prepare.sql, or state it in columns.types",
        )
    missing, first, rows, times = _row(
        con,
        f"SELECT count(*) - count({time}), min(rowid) FILTER ({time} IS NULL) + 1, count(*), count(DISTINCT {time}) "
        "FROM clean",
    )
    if missing:
        raise JobError(
            "InvalidTime",
            f"splits.by is time, and {spec.time!r} is missing in {missing} of {rows} rows, first in row {first} of the "
            "prepared data: fill it, or leave them out in prepare.sql",
        )
    if times < 3:
        raise JobError(
            "InvalidTime",
            f"splits.by is time, and all {rows} rows have one of {times} times in {spec.time!r}: train, validation and "
            "test need three; split by id, or add data",
        )
    con.execute(
        f"CREATE TEMP TABLE times AS SELECT {time} AS time, row_number() OVER (ORDER BY {time}) AS nth, "
        f"sum(count(*)) OVER (ORDER BY {time} DESC) AS newer FROM clean GROUP BY {time}"
    )
    test, nth = _nearest(con, rows * spec.test_fraction, 3, times)
    validation, _ = _nearest(con, rows * (spec.test_fraction + spec.validation_fraction), 2, nth - 1)
    con.execute("DROP TABLE times")
    return Boundaries(validation=validation, test=test)


def side(spec: IngestTask, table: Table, found: Boundaries, names: tuple[str, str, str]) -> str:
    """SQL of a row's split. `names`: of train, validation, test."""
    assert spec.time is not None
    time, kind = table.sql(spec.time), SQL_TYPES[table.types[spec.time]]
    train, validation, test = names
    return (
        f"CASE WHEN {time} >= '{found.test}'::{kind} THEN '{test}' "
        f"WHEN {time} >= '{found.validation}'::{kind} THEN '{validation}' ELSE '{train}' END"
    )


def _nearest(con: duckdb.DuckDBPyConnection, rows: float, low: int, high: int) -> tuple[str, int]:
    """Of the times with these numbers, the one from which on there are most nearly so many rows."""
    found: tuple[str, int] = _row(
        con,
        f"SELECT time::VARCHAR, nth FROM times WHERE nth BETWEEN {low} AND {high} "
        f"ORDER BY abs(newer - {rows!r}), nth DESC LIMIT 1",
    )
    return found


def _row(con: duckdb.DuckDBPyConnection, sql: str) -> Any:
    found = con.execute(sql).fetchone()
    assert found is not None
    return found
