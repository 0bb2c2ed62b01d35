"""The prepared data is what the Dataset says it is, or the ingest ends here with what is wrong and where."""
# ruff: noqa: S608 - names are quoted by `quoted`, the rest is ours; the user's own SQL runs behind locked doors

import difflib
from dataclasses import dataclass

import duckdb

from modelward_contracts.manifests import ColumnType, Task
from modelward_contracts.tasks import IngestTask
from modelward_training.outcome import JobError

from .prepare import quoted

ROW_ID = "row_id"
MAX_INTEGER_CLASSES = 20
MAX_CLASSES = 1000
Types = dict[str, ColumnType]


@dataclass(frozen=True)
class Validated:
    task: Task
    classes: list[str]
    rows: int


def check_columns(spec: IngestTask, types: Types) -> None:
    for field, name in (("label", spec.label), ("id", spec.id), ("time", spec.time)):
        if name is not None and name not in types:
            raise JobError("ColumnMissing", f"columns.{field}: there is no column {name!r}{_hint(name, list(types))}")
    for name in spec.forbidden:
        if name in types:
            raise JobError(
                "ForbiddenColumn", f"the data holds the forbidden column {name!r}: leave it out in prepare.sql"
            )
    if spec.id is None and ROW_ID in types:
        raise JobError("InvalidId", f"the data has a column {ROW_ID!r}: write `columns: {{id: {ROW_ID}}}` or rename it")
    if spec.id is not None and types[spec.id] not in ("string", "integer"):
        raise JobError("InvalidId", f"the id {spec.id!r} is a {types[spec.id]}: turn it into text in prepare.sql")
    if not set(types) - {spec.label, spec.id, spec.time}:
        raise JobError("ColumnMissing", "the data has no column to predict from besides label, id and time")


def check_rows(con: duckdb.DuckDBPyConnection, spec: IngestTask, types: Types) -> Validated:
    (rows,) = _row(con, "SELECT count(*) FROM clean")
    if rows == 0:
        raise JobError("EmptyDataset", "the prepared data has no rows: look at the source and at prepare.sql's WHERE")
    _check_id(con, spec.id)
    _check_label_filled(con, spec.label, rows)
    task = spec.task or _guess(con, spec.label, types[spec.label])
    classes = _classes(con, spec.label, types) if task == "classification" else []
    if task == "regression" and types[spec.label] not in ("integer", "number"):
        raise JobError("InvalidLabel", f"the label {spec.label!r} is a {types[spec.label]}, regression needs numbers")
    return Validated(task, classes, rows)


def _check_id(con: duckdb.DuckDBPyConnection, column: str | None) -> None:
    if column is None:
        return
    name = quoted(column)
    empty, first = _row(con, f"SELECT count(*), min(rowid) + 1 FROM clean WHERE {name} IS NULL OR {name}::VARCHAR = ''")
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
        raise JobError(
            "DuplicateId",
            f"the id {column!r} must be unique: {value!r} stands in {count} rows, {first} and {last} of "
            f"the prepared data among them; {values} values repeat",
        )


def _check_label_filled(con: duckdb.DuckDBPyConnection, label: str, rows: int) -> None:
    name = quoted(label)
    empty, first = _row(con, f"SELECT count(*), min(rowid) + 1 FROM clean WHERE {name} IS NULL OR {name}::VARCHAR = ''")
    if empty:
        raise JobError(
            "InvalidLabel",
            f"the label {label!r} is empty in {empty} of {rows} rows, first in row {first} of the "
            f"prepared data: leave them out with `WHERE {name} IS NOT NULL` in prepare.sql",
        )


def _guess(con: duckdb.DuckDBPyConnection, label: str, kind: ColumnType) -> Task:
    if kind in ("string", "boolean"):
        return "classification"
    (values,) = _row(con, f"SELECT count(DISTINCT {quoted(label)}) FROM clean")
    return "classification" if kind == "integer" and values <= MAX_INTEGER_CLASSES else "regression"


def _classes(con: duckdb.DuckDBPyConnection, label: str, types: Types) -> list[str]:
    """The label's values as text, in their own order (2 before 10). Whole numbers stored as floats become integers."""
    name = quoted(label)
    if types[label] == "number":
        (fractions,) = _row(con, f"SELECT count(*) FROM clean WHERE {name} <> floor({name})")
        if fractions:
            raise JobError("InvalidLabel", f"the label {label!r} holds fractions: write `task: regression`")
        con.execute(f"ALTER TABLE clean ALTER {name} TYPE BIGINT")
        types[label] = "integer"
    if types[label] == "timestamp":
        raise JobError("InvalidLabel", f"the label {label!r} is a timestamp: turn it into classes in prepare.sql")
    found = con.execute(f"SELECT DISTINCT {name} v FROM clean ORDER BY v LIMIT {MAX_CLASSES + 1}").fetchall()
    if not 2 <= len(found) <= MAX_CLASSES:
        count = "one class" if len(found) == 1 else f"more than {MAX_CLASSES} classes"
        raise JobError("InvalidLabel", f"the label {label!r} has {count}: classification needs 2 to {MAX_CLASSES}")
    return [str(value).lower() if types[label] == "boolean" else str(value) for (value,) in found]


def _hint(name: str, names: list[str]) -> str:
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    meant = f"; did you mean {close[0]!r}?" if close else ""
    return f"{meant} The columns are {', '.join(names[:40])}" + (" …" if len(names) > 40 else "")


def _row(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[int, ...]:
    row = con.execute(sql).fetchone()
    assert row is not None
    return row
