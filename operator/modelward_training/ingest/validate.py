"""The prepared data is what the Dataset says it is, or the ingest ends here with what is wrong and where."""
# ruff: noqa: S608 - names are quoted by `quoted`, the rest is ours; the user's own SQL runs behind locked doors

from dataclasses import dataclass

import duckdb

from modelward_contracts.manifests import ColumnType, Task
from modelward_contracts.tasks import IngestTask
from modelward_training.outcome import JobError

from .columns import absent
from .prepare import Table, quoted

MAX_INTEGER_CLASSES = 20
MAX_CLASSES = 1000
MAX_COLUMNS, MAX_NAME = 999, 256
"""What a DatasetVersion holds, beside an id of ours."""


@dataclass(frozen=True)
class Validated:
    task: Task
    classes: list[str]
    rows: int


def check_columns(spec: IngestTask, types: dict[str, ColumnType]) -> None:
    for field, name in (("label", spec.label), ("id", spec.id), ("time", spec.time), ("group", spec.group)):
        if name is not None and name not in types:
            raise JobError("ColumnMissing", f"columns.{field}: {absent(name, types)}")
    _check_size(types)
    for name in spec.forbidden:
        if name in types:
            raise JobError(
                "ForbiddenColumn", f"the data holds the forbidden column {name!r}: leave it out in prepare.sql"
            )
    if spec.id is not None and types[spec.id] not in ("string", "integer"):
        raise JobError("InvalidId", f"the id {spec.id!r} is a {types[spec.id]}: turn it into text in prepare.sql")
    if spec.group is not None and types[spec.group] not in ("string", "integer"):
        raise JobError(
            "InvalidGroup", f"the group {spec.group!r} is a {types[spec.group]}: turn it into text in prepare.sql"
        )
    if spec.label and not set(types) - {spec.label, spec.id, spec.time, spec.group}:
        raise JobError("ColumnMissing", "the data has no column to predict from besides label, id, group and time")


def _check_size(types: dict[str, ColumnType]) -> None:
    if len(types) > MAX_COLUMNS:
        raise JobError(
            "InvalidColumn", f"there are {len(types)} columns, of which {MAX_COLUMNS} fit: choose them in prepare.sql"
        )
    for name in types:
        if len(name) > MAX_NAME:
            raise JobError(
                "InvalidColumn", f"the name {name[:40]!r}… has {len(name)} characters: rename the column in prepare.sql"
            )


def check_rows(con: duckdb.DuckDBPyConnection, spec: IngestTask, table: Table) -> Validated:
    (rows,) = _row(con, "SELECT count(*) FROM clean")
    if rows == 0:
        raise JobError("EmptyDataset", "the prepared data has no rows: look at the source and at prepare.sql's WHERE")
    _check_id(con, spec.id, table)
    if spec.label is None:
        return Validated("regression", [], rows)
    _check_label_filled(con, spec.label, table, rows)
    kind = table.types[spec.label]
    task = spec.task or _guess(con, table.sql(spec.label), kind)
    classes = _classes(con, spec.label, table) if task == "classification" else []
    if task == "regression" and kind not in ("integer", "number"):
        raise JobError("InvalidLabel", f"the label {spec.label!r} is a {kind}, regression needs numbers")
    return Validated(task, classes, rows)


def _check_id(con: duckdb.DuckDBPyConnection, column: str | None, table: Table) -> None:
    if column is None:
        return
    name = table.sql(column)
    empty, first = _empty(con, name)
    if empty:
        raise JobError(
            "MissingId",
            f"the id {column!r} is empty in {empty} rows, first in row {first} of the prepared data: "
            "fill it, or leave columns.id out",
        )
    twice = con.execute(
        f"SELECT {name}, count(*), min(rowid) + 1, max(rowid) + 1, count(*) OVER () FROM clean "
        f"GROUP BY {name} HAVING count(*) > 1 ORDER BY 3 LIMIT 1"
    ).fetchone()
    if twice is not None:
        value, count, first, last, values = twice
        what = "a value" if column in table.unseen else repr(value)
        raise JobError(
            "DuplicateId",
            f"the id {column!r} must be unique: {what} stands in {count} rows, {first} and {last} of "
            f"the prepared data among them; {values} values repeat",
        )


def _check_label_filled(con: duckdb.DuckDBPyConnection, label: str, table: Table, rows: int) -> None:
    empty, first = _empty(con, table.sql(label))
    if empty:
        raise JobError(
            "InvalidLabel",
            f"the label {label!r} is missing in {empty} of {rows} rows, first in row {first} of the "
            f"prepared data: leave them out with `WHERE {quoted(label)} IS NOT NULL` in prepare.sql",
        )


def _empty(con: duckdb.DuckDBPyConnection, column: str) -> tuple[int, ...]:
    """Rows without a value, and the first of them."""
    return _row(con, f"SELECT count(*), min(rowid) + 1 FROM clean WHERE {column} IS NULL OR {column}::VARCHAR = ''")


def _guess(con: duckdb.DuckDBPyConnection, label: str, kind: ColumnType) -> Task:
    """Whole numbers are counted as such however they are stored: pandas makes floats of integers with gaps."""
    if kind in ("string", "boolean"):
        return "classification"
    if kind == "timestamp":
        return "regression"
    values, fractions = _row(con, f"SELECT count(DISTINCT {label}), count(*) FILTER ({label} % 1 <> 0) FROM clean")
    return "classification" if values <= MAX_INTEGER_CLASSES and not fractions else "regression"


def _classes(con: duckdb.DuckDBPyConnection, label: str, table: Table) -> list[str]:
    """The label's values as text, in their own order (2 before 10). Whole numbers stored as floats become integers."""
    name, kind = table.sql(label), table.types[label]
    if kind == "number":
        (fractions,) = _row(con, f"SELECT count(*) FROM clean WHERE {name} <> floor({name})")
        if fractions:
            raise JobError("InvalidLabel", f"the label {label!r} holds fractions: write `task: regression`")
        con.execute(f"ALTER TABLE clean ALTER {name} TYPE BIGINT")
        table.types[label] = "integer"
    if kind == "timestamp":
        raise JobError("InvalidLabel", f"the label {label!r} is a timestamp: turn it into classes in prepare.sql")
    found = con.execute(f"SELECT DISTINCT {name} v FROM clean ORDER BY v LIMIT {MAX_CLASSES + 1}").fetchall()
    if not 2 <= len(found) <= MAX_CLASSES:
        count = "one class" if len(found) == 1 else f"more than {MAX_CLASSES} classes"
        raise JobError("InvalidLabel", f"the label {label!r} has {count}: classification needs 2 to {MAX_CLASSES}")
    return [str(value).lower() if kind == "boolean" else str(value) for (value,) in found]


def _row(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[int, ...]:
    row = con.execute(sql).fetchone()
    assert row is not None
    return row
