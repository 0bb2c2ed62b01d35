"""Parquet files into the table `raw`. Types are the file's own; an index that pandas saved is no column."""
# ruff: noqa: S608 - names are quoted by `quoted`; paths are parameters

import json
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from modelward_contracts.manifests import ColumnType
from modelward_contracts.tasks import IngestTask
from modelward_training.outcome import JobError

from . import pii
from .columns import Source, absent, together, unique
from .packed import HEAD, other_kind
from .prepare import quoted
from .source import Found

_CASTS: dict[ColumnType, str] = {
    "string": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP",
}

_NESTED = ("STRUCT", "MAP", "UNION")
_NOTHING = '"NULL"'
"""The type of a column that has no value."""


def read(con: duckdb.DuckDBPyConnection, files: list[Found], task: IngestTask) -> Source:
    schemas = [_schema(file) for file in files]
    headers = [schema.names for schema in schemas]
    for file, header in zip(files, headers, strict=True):
        unique(file.name, header)
        if "" in header:
            raise JobError("InvalidFile", f"{file.name}: column {header.index('') + 1} has no name: give it one")
    pii.check(task, files, headers)
    union, lacking = together(files, headers, task.missing_as_null)
    names = pii.names(task, union)
    kinds = [_kinds(con, file) for file in files]
    for name in names:
        _alike(files, [found.get(name) for found in kinds], name, task)
    for name in task.types:
        if name not in names:
            raise JobError("ColumnMissing", f"columns.types: {absent(name, names)}")
    starts = _load(con, files, names, kinds, task)
    index = [name for name in names if any(name in _index(schema) for schema in schemas)]
    return Source(
        names=names,
        expressions=[_stated(con, number, name, task) for number, name in enumerate(names)],
        starts=starts,
        unnamed=[name for name in names if name.startswith("Unnamed: ")],
        index=index,
        warnings=[*lacking, *_said_by_arrow(schemas)],
    )


def _load(
    con: duckdb.DuckDBPyConnection, files: list[Found], names: list[str], kinds: list[dict[str, str]], task: IngestTask
) -> list[int]:
    starts, rows = [], 0
    types = {name: _joined([found[name] for found in kinds if name in found]) for name in names}
    columns = ", ".join(
        f"c{number} {'VARCHAR' if name in task.types else types[name]}" for number, name in enumerate(names)
    )
    con.execute(f"CREATE TABLE raw ({columns})")
    for file, found in zip(files, kinds, strict=True):
        values = pii.kept(task, {name: quoted(name) if name in found else "NULL" for name in names})
        selected = ", ".join(
            f"{_text(value, found.get(name))}" if name in task.types else f"{value}::{types[name]}"
            for name, value in values.items()
        )
        statement = f"INSERT INTO raw SELECT {selected} FROM read_parquet($1, hive_partitioning = false)"
        starts.append(rows)
        try:
            con.execute(statement, [str(file.path)])
        except duckdb.OutOfMemoryException:
            raise
        except duckdb.Error as error:
            raise JobError("InvalidFile", f"{file.name} cannot be read: {_said(error, file)}") from error
        counted = con.execute("SELECT count(*) FROM raw").fetchone()
        assert counted is not None
        if counted[0] - rows != pq.read_metadata(file.path).num_rows:
            raise JobError(
                "InvalidFile", f"{file.name}: {counted[0] - rows} rows could be read, its footer says otherwise"
            )
        rows = counted[0]
    return starts


def _text(value: str, kind: str | None) -> str:
    nested = kind is not None and (kind.startswith(_NESTED) or kind.endswith("]"))
    return f"to_json({value})::VARCHAR" if nested else f"{value}::VARCHAR"


def _said_by_arrow(schemas: list[pa.Schema]) -> list[str]:
    """What Parquet itself has no type for, and so nobody but Arrow reads as what it is."""
    found = {
        field.name: field.type
        for schema in schemas
        for field in schema
        if pa.types.is_duration(field.type) or isinstance(field.type, pa.BaseExtensionType)
    }
    return [f"column {name!r} is {kind} to Arrow; what Parquet holds of it is read" for name, kind in found.items()]


def _schema(file: Found) -> pa.Schema:
    try:
        return pq.read_schema(file.path)
    except (pa.ArrowException, OSError) as error:
        with file.path.open("rb") as stream:
            head = stream.read(HEAD)
        said = f"is not readable as Parquet: {str(error).splitlines()[0]}"
        other = None if head.startswith(b"PAR1") else other_kind(head)
        raise JobError("InvalidFile", f"{file.name} {other or said}") from error


def _kinds(con: duckdb.DuckDBPyConnection, file: Found) -> dict[str, str]:
    try:
        found = con.execute("DESCRIBE SELECT * FROM read_parquet($1, hive_partitioning = false)", [str(file.path)])
        return {name: kind for name, kind, *_ in found.fetchall()}
    except duckdb.Error as error:
        raise JobError("InvalidFile", f"{file.name} is not readable as Parquet: {_said(error, file)}") from error


def _alike(files: list[Found], kinds: list[str | None], name: str, task: IngestTask) -> None:
    """`kinds`: of the column in each file; None where it lacks it. A column without any value has no type."""
    known = [(file.name, kind) for file, kind in zip(files, kinds, strict=True) if kind and kind != _NOTHING]
    for file, kind in known:
        first, one = known[0]
        if name not in task.types and one != kind and _family(one) != _family(kind):
            raise JobError(
                "InvalidFile",
                f"the column {name!r} is {one} in {first} and {kind} in {file}: write "
                f"`columns: {{types: {{{name}: string}}}}` or another type, or make the files alike",
            )


def _family(kind: str) -> str:
    base = kind.split("(")[0]
    if base == "DATE" or base.startswith("TIMESTAMP"):
        return "timestamp"
    numeric = base.removeprefix("U") in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
    return "number" if numeric or base in ("FLOAT", "DOUBLE", "DECIMAL") else kind


def _joined(kinds: list[str]) -> str:
    """The type that holds the values of all files."""
    known = list(dict.fromkeys(kind for kind in kinds if kind != _NOTHING)) or ["DOUBLE"]
    if len(known) == 1:
        return known[0]
    if _family(known[0]) == "timestamp":
        return "TIMESTAMP"
    return "DOUBLE" if any(kind.split("(")[0] in ("FLOAT", "DOUBLE", "DECIMAL") for kind in known) else "HUGEINT"


def _index(schema: pa.Schema) -> list[str]:
    """Of the table that pandas saved: columns by name; a range is no column."""
    try:
        saved: Any = json.loads((schema.metadata or {}).get(b"pandas", b"{}"))
        return [name for name in saved.get("index_columns", []) if isinstance(name, str)]
    except (ValueError, AttributeError):
        return []


def _stated(con: duckdb.DuckDBPyConnection, number: int, name: str, task: IngestTask) -> str:
    kind = task.types.get(name)
    if kind is None:
        return f"c{number}"
    typed = f"TRY_CAST(c{number} AS {_CASTS[kind]})"
    bad = con.execute(
        f"SELECT c{number}, count(*) OVER () FROM raw WHERE c{number} IS NOT NULL AND {typed} IS NULL LIMIT 1"
    ).fetchone()
    if bad is not None:
        raise JobError(
            "InvalidColumn",
            f"column {name!r}: {bad[1]} values are no {kind}, {bad[0]!r} among them: correct columns.types",
        )
    return typed


def _said(error: duckdb.Error, file: Found) -> str:
    return str(error).splitlines()[0].replace(str(file.path), file.name)
