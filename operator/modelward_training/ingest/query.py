"""What a query of a PostgreSQL database answers, as one Parquet file on the work volume and then the table `raw`.

One statement, in a transaction that may only read. Rows go from the server's binary COPY to the file batch by batch, so
that memory does not grow with them. Their order is the server's whim: the digest is of the rows as a bag.
"""
# ruff: noqa: S608 - names are ours; the user's query is run by the server, with the rights of the Secret's role

import os
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
from adbc_driver_manager import Error
from adbc_driver_postgresql import StatementOptions, dbapi

from modelward_contracts.manifests import SourceFile
from modelward_contracts.tasks import IngestTask
from modelward_contracts.wire import canonical, sha256
from modelward_training.outcome import JobError, progress

from . import query_errors, read_parquet
from .columns import Source, unique
from .database import conninfo
from .prepare import quoted
from .remote.credentials import Credentials
from .source import Found

NAME = "source.sql"
SECONDS = 3600
"""For the whole query."""
_BATCH = 8 << 20
_KINDS = (
    *("bool", "int2", "int4", "int8", "oid", "float4", "float8", "numeric"),
    *("text", "varchar", "bpchar", "name", "char", "uuid", "json", "jsonb", "date", "time", "timestamp", "timestamptz"),
)
_DIGITS = 15
"""That a number of 64 bits keeps, whatever they are."""
_WHOLE_DIGITS = 18
"""That an integer of 64 bits holds."""
# The driver moves PostgreSQL's epoch to 1970; what PostgreSQL calls infinity wraps around.
_INFINITE_MICROSECONDS = (-9222425352054775808, -9222425352054775809)
_INFINITE_DAYS = (-2147472691, -2147472692)


def read(con: duckdb.DuckDBPyConnection, task: IngestTask, scratch: Path) -> Source:
    path = scratch / "query.parquet"
    schema = fetch(task, scratch, path)
    stat = path.stat()
    found = Found(NAME, path, stat.st_size, stat.st_mtime_ns)
    source = read_parquet.read(con, [found], task)
    fields = [schema.field(name) for name in source.names]
    for number, field in enumerate(fields):
        if field.name not in task.types:
            source.expressions[number] = _typed(con, source, number, field)
    source.answers.append(_answered(con, source, fields))
    path.unlink()
    return source


def fetch(task: IngestTask, scratch: Path, path: Path) -> pa.Schema:
    """Write what the query answers to `path`. Returns its columns with the database's own types in their metadata."""
    reached = conninfo(Credentials(task.secret, os.environ), scratch, local=task.local_addresses)
    try:
        connection = dbapi.connect(reached)
    except Error as error:
        raise query_errors.connecting(error, task.secret) from None
    # A final semicolon would stand within the driver's COPY, and a comment would swallow its end.
    query = (task.query or "").strip().removesuffix(";") + "\n"
    with closing(connection), closing(connection.cursor()) as cursor:
        try:
            cursor.execute("SET TRANSACTION READ ONLY")
            cursor.execute(f"SET LOCAL statement_timeout = '{SECONDS}s'")
            cursor.execute("SET LOCAL TIME ZONE 'UTC'")
            schema = cursor.adbc_execute_schema(query)
            _check(schema)
            cursor.adbc_statement.set_options(**{StatementOptions.BATCH_SIZE_HINT_BYTES.value: str(_BATCH)})
            cursor.execute(query)
            # The public reader loses the error's code.
            _write(cursor._results.reader, schema, path)
        except Error as error:
            raise query_errors.running(error, query, SECONDS, bool(task.pii)) from None
    return schema


def _check(schema: pa.Schema) -> None:
    if not len(schema):
        raise JobError("InvalidSQL", "source.sql.query answers no columns: write one SELECT, and nothing else")
    unique(NAME, schema.names)
    for field in schema:
        kind = _kind(field)
        # Enums are any other type that comes as text.
        if kind not in _KINDS and field.type != pa.string():
            raise JobError(
                "InvalidColumn",
                f"column {field.name!r} of source.sql is {_spoken(kind)}: make it text (`::text`), or what you "
                "need of it, or leave it out",
            )


def _write(batches: Any, schema: pa.Schema, path: Path) -> None:
    stored = pa.schema([pa.field(field.name, _stored(field.type)) for field in schema])
    # It is read once: what makes it small takes longer than it saves.
    with pq.ParquetWriter(path, stored, compression="none", use_dictionary=False, write_statistics=False) as file:
        rows = 0
        for batch in batches:
            columns = [_storage(column, field.type) for column, field in zip(batch.columns, stored, strict=True)]
            file.write_batch(pa.RecordBatch.from_arrays(columns, schema=stored))
            rows += batch.num_rows
    progress(f"{rows} rows came from the database", 0.3)


def _stored(kind: pa.DataType) -> pa.DataType:
    keeps = not isinstance(kind, pa.BaseExtensionType) or isinstance(kind, pa.UuidType)
    return kind if keeps else kind.storage_type


def _storage(column: pa.Array, kind: pa.DataType) -> pa.Array:
    return column if column.type == kind else column.storage


def _typed(con: duckdb.DuckDBPyConnection, source: Source, number: int, field: pa.Field) -> str:
    """SQL of the column with its type; what a number or a timestamp cannot say is told."""
    column = f"c{number}"
    match _kind(field):
        case "numeric":
            precision, scale = _precision(field)
            if scale == 0 and 0 < precision <= _WHOLE_DIGITS:
                return f"TRY_CAST({column} AS BIGINT)"
            long = f"length(ltrim(regexp_replace({column}, '[^0-9]', '', 'g'), '0')) > {_DIGITS}"
            if count := _count(con, long):
                source.warnings.append(
                    f"column {field.name!r}: {count} values of numeric have more than {_DIGITS} digits, of which a "
                    f"number keeps about that many; write {quoted(field.name)}::text to keep all"
                )
            return f"{column}::DOUBLE"
        case "time":
            return f"{column}::VARCHAR"
        case "timestamp" | "timestamptz":
            return _finite(con, source, number, field.name, f"epoch_us({column})", _INFINITE_MICROSECONDS)
        case "date":
            return _finite(con, source, number, field.name, f"({column} - DATE '1970-01-01')", _INFINITE_DAYS)
    return column


def _finite(
    con: duckdb.DuckDBPyConnection, source: Source, number: int, name: str, value: str, infinite: tuple[int, int]
) -> str:
    condition = f"{value} IN {infinite}"
    count = _count(con, condition)
    if not count:
        return f"c{number}"
    source.warnings.append(f"column {name!r}: {count} infinite moments are taken as missing")
    return f"CASE WHEN NOT {condition} THEN c{number} END"


def _answered(con: duckdb.DuckDBPyConnection, source: Source, fields: list[pa.Field]) -> SourceFile:
    """The same rows in another order have the same digest; each repetition counts."""
    row = con.execute(
        f"SELECT count(*), coalesce(sum(hash({', '.join(source.expressions)})), 0)::VARCHAR FROM raw"
    ).fetchone()
    assert row is not None
    content = [[[field.name, _kind(field)] for field in fields], *row]
    return SourceFile(path=NAME, bytes=_bytes(con, fields, row[0]), digest=sha256(canonical(content)))


def _bytes(con: duckdb.DuckDBPyConnection, fields: list[pa.Field], rows: int) -> int:
    """Of the values: text as it is, 8 of every other one."""
    text = [n for n, field in enumerate(fields) if _stored(field.type) == pa.string()]
    lengths = " + ".join(["0", *(f"coalesce(sum(strlen(c{n}::VARCHAR)), 0)" for n in text)])
    row = con.execute(f"SELECT {lengths} FROM raw").fetchone()
    assert row is not None
    return int(row[0]) + 8 * rows * (len(fields) - len(text))


def _count(con: duckdb.DuckDBPyConnection, condition: str) -> int:
    row = con.execute(f"SELECT count(*) FROM raw WHERE {condition}").fetchone()
    assert row is not None
    return int(row[0])


def _kind(field: pa.Field) -> str:
    """As PostgreSQL calls it; an array's name begins with `_`."""
    said: bytes = (field.metadata or {}).get(b"POSTGRESQL:type", b"")
    return said.decode()


def _spoken(kind: str) -> str:
    if kind.startswith("unnamed") or not kind:
        return "of a type that is not known here"
    return f"an array of {kind[1:]}" if kind.startswith("_") else kind


def _precision(field: pa.Field) -> tuple[int, int]:
    """Of numeric(precision, scale); (0, 0) where it says nothing. Source: numeric_in of PostgreSQL."""
    modifier = int((field.metadata or {}).get(b"POSTGRESQL:typmod", b"-1"))
    return (0, 0) if modifier < 4 else ((modifier - 4) >> 16 & 0xFFFF, (((modifier - 4) & 0x7FF) ^ 1024) - 1024)
