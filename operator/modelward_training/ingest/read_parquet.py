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

from .columns import Source, absent, same_columns, unique
from .prepare import quoted
from .source import Found

_CASTS: dict[ColumnType, str] = {
    "string": "VARCHAR",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "timestamp": "TIMESTAMP",
}


def read(con: duckdb.DuckDBPyConnection, files: list[Found], task: IngestTask) -> Source:
    schemas = [_schema(file) for file in files]
    headers = [schema.names for schema in schemas]
    for file, header in zip(files, headers, strict=True):
        unique(file.name, header)
    same_columns(files, headers)
    names = headers[0]
    kinds = [_kinds(con, file) for file in files]
    for file, found in zip(files, kinds, strict=True):
        for name in names:
            _alike(files[0].name, kinds[0][name], file.name, found[name], name, task)
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
    )


def _load(
    con: duckdb.DuckDBPyConnection, files: list[Found], names: list[str], kinds: list[dict[str, str]], task: IngestTask
) -> list[int]:
    starts, rows = [], 0
    for number, file in enumerate(files):
        columns = ", ".join(
            f"{quoted(name)}{'::VARCHAR' if name in task.types else ''} AS c{n}" for n, name in enumerate(names)
        )
        query = f"SELECT {columns} FROM read_parquet($1, hive_partitioning = false)"
        if number == 0:
            joined = {name: _joined([found[name] for found in kinds]) for name in names if name not in task.types}
            cast = ", ".join(
                f"c{n}" if joined.get(name) is None else f"c{n}::{joined[name]} AS c{n}" for n, name in enumerate(names)
            )
            statement = f"CREATE TABLE raw AS SELECT {cast} FROM ({query})"
        else:
            statement = f"INSERT INTO raw {query}"
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


def _schema(file: Found) -> pa.Schema:
    try:
        return pq.read_schema(file.path)
    except (pa.ArrowException, OSError) as error:
        raise JobError(
            "InvalidFile", f"{file.name} is not readable as Parquet: {str(error).splitlines()[0]}"
        ) from error


def _kinds(con: duckdb.DuckDBPyConnection, file: Found) -> dict[str, str]:
    try:
        found = con.execute("DESCRIBE SELECT * FROM read_parquet($1, hive_partitioning = false)", [str(file.path)])
        return {name: kind for name, kind, *_ in found.fetchall()}
    except duckdb.Error as error:
        raise JobError("InvalidFile", f"{file.name} is not readable as Parquet: {_said(error, file)}") from error


def _alike(first: str, one: str, file: str, other: str, name: str, task: IngestTask) -> None:
    if name not in task.types and one != other and not {_family(one), _family(other)} <= {"number"}:
        raise JobError(
            "InvalidFile",
            f"the column {name!r} is {one} in {first} and {other} in {file}: write "
            f"`columns: {{types: {{{name}: string}}}}` or another type, or make the files alike",
        )


def _family(kind: str) -> str:
    base = kind.split("(")[0]
    numeric = base.removeprefix("U") in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
    return "number" if numeric or base in ("FLOAT", "DOUBLE", "DECIMAL") else kind


def _joined(kinds: list[str]) -> str | None:
    """The type that holds the numbers of all files; None where they agree."""
    if len(set(kinds)) == 1:
        return None
    return "DOUBLE" if any(kind.split("(")[0] in ("FLOAT", "DOUBLE", "DECIMAL") for kind in kinds) else "HUGEINT"


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
