"""Parquet files into the table `source`. A saved pandas index is no column; types that differ are refused."""
# ruff: noqa: S608 - names are quoted by `quoted`

import json
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from modelward_contracts.tasks import IngestTask
from modelward_training.outcome import JobError

from .names import quoted
from .same_columns import same_columns
from .source import Found

_WHOLE = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "HUGEINT"}
_FRACTIONS = {"FLOAT", "DOUBLE", "DECIMAL"}


def read_parquet(con: duckdb.DuckDBPyConnection, files: list[Found], task: IngestTask) -> list[str]:
    """Returns what is to be told."""
    metadata = [_metadata(file) for file in files]
    described = [_described(con, file) for file in files]
    for file in files:
        _distinct(file)
    same_columns(files, [list(types) for types in described])
    for name in described[0]:
        _alike(files, name, [types[name] for types in described])
    wanted = {task.label, task.id, task.time}
    index = sorted({name for each in metadata for name in _index(each)} & set(described[0]) - wanted)
    columns = ", ".join(quoted(name) for name in described[0] if name not in index)
    if not columns:
        raise JobError("ColumnMissing", f"{files[0].name} holds no column besides a saved pandas index")
    try:
        con.execute(
            f"CREATE TABLE source AS SELECT {columns} FROM "
            "read_parquet($1, union_by_name = true, hive_partitioning = false)",
            [[str(file.path) for file in files]],
        )
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        raise JobError("InvalidFile", f"the files cannot be read together: {str(error).splitlines()[0]}") from error
    _proven(con, sum(each.num_rows for each in metadata))
    return [
        f"column {name!r} is left out: it is a saved pandas index; name it in `columns` to use it" for name in index
    ]


def _metadata(file: Found) -> Any:
    try:
        return pq.read_metadata(file.path)
    except (pa.ArrowException, OSError) as error:
        reason = str(error).replace(str(file.path), file.name).splitlines()[0]
        raise JobError("InvalidFile", f"{file.name} is not readable as Parquet: {reason}") from error


def _index(metadata: Any) -> list[str]:
    """Columns that pandas wrote for an index (a plain range of numbers is written as none)."""
    try:
        pandas = json.loads((metadata.metadata or {}).get(b"pandas", b"{}"))
        return [name for name in pandas.get("index_columns", []) if isinstance(name, str)]
    except (ValueError, AttributeError):
        return []


def _described(con: duckdb.DuckDBPyConnection, file: Found) -> dict[str, str]:
    try:
        rows = con.execute("DESCRIBE FROM read_parquet($1, hive_partitioning = false)", [str(file.path)]).fetchall()
    except duckdb.Error as error:
        reason = str(error).splitlines()[0].replace(str(file.path), file.name)
        raise JobError("InvalidFile", f"{file.name} is not readable as Parquet: {reason}") from error
    return {row[0]: row[1] for row in rows}


def _distinct(file: Found) -> None:
    lower: dict[str, str] = {}
    for name in pq.read_schema(file.path).names:
        if name.lower() in lower:
            raise JobError(
                "InvalidFile",
                f"{file.name} has the columns {lower[name.lower()]!r} and {name!r}, which differ at most by case: "
                "rename one",
            )
        lower[name.lower()] = name


def _alike(files: list[Found], name: str, types: list[str]) -> None:
    """Whole numbers and fractions go together; anything else that differs would be turned into text."""
    first = types[0]
    for file, kind in zip(files, types, strict=True):
        base = {kind.split("(")[0], first.split("(")[0]}
        if len(base) > 1 and not base <= _WHOLE | _FRACTIONS and not all("TIME" in b or b == "DATE" for b in base):
            raise JobError(
                "InvalidFile",
                f"column {name!r} is {first} in {files[0].name} and {kind} in {file.name}: write the files alike",
            )


def _proven(con: duckdb.DuckDBPyConnection, expected: int) -> None:
    row = con.execute("SELECT count(*) FROM source").fetchone()
    if row is None or row[0] != expected:
        raise JobError("InvalidFile", f"the files' footers tell of {expected} rows, but {row and row[0]} were read")
