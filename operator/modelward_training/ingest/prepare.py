"""The user's one SELECT over `source`, and a clean table `clean` of five column types."""
# ruff: noqa: S608 - names are quoted by `quoted`, the rest is ours; the user's own SQL runs behind locked doors

import duckdb

from modelward_contracts.manifests import ColumnType
from modelward_training.outcome import JobError

_TYPES: dict[str, ColumnType] = {
    "BOOLEAN": "boolean",
    **dict.fromkeys(
        (
            "TINYINT",
            "SMALLINT",
            "INTEGER",
            "BIGINT",
            "UTINYINT",
            "USMALLINT",
            "UINTEGER",
            "UBIGINT",
            "HUGEINT",
            "UHUGEINT",
        ),
        "integer",
    ),
    **dict.fromkeys(("FLOAT", "DOUBLE", "DECIMAL"), "number"),
    **dict.fromkeys(("VARCHAR", "ENUM", "UUID"), "string"),
    **dict.fromkeys(
        ("DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE"), "timestamp"
    ),
}
_CASTS: dict[ColumnType, str] = {
    "boolean": "{}",
    "integer": "{}::BIGINT",
    "number": "CASE WHEN isfinite({}::DOUBLE) THEN {}::DOUBLE END",
    "string": "{}::VARCHAR",
    "timestamp": "{}::TIMESTAMP",
}


def prepare(con: duckdb.DuckDBPyConnection, sql: str | None) -> dict[str, ColumnType]:
    """Make the table `clean`, and say its columns and their types."""
    con.execute("DROP TABLE IF EXISTS prepared")
    if sql is None:
        con.execute("ALTER TABLE source RENAME TO prepared")
    else:
        _select(con, sql)
    types = {name: _type(name, kind) for name, kind, *_ in con.execute("DESCRIBE prepared").fetchall()}
    casts = ", ".join(f"{_cast(name, kind)} AS {quoted(name)}" for name, kind in types.items())
    try:
        con.execute(f"CREATE TABLE clean AS SELECT {casts} FROM prepared")
    except duckdb.ConversionException as error:
        raise JobError("InvalidColumn", f"a whole number does not fit into 64 bits: {_said(error)}") from error
    con.execute("DROP TABLE prepared")
    return types


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _select(con: duckdb.DuckDBPyConnection, sql: str) -> None:
    try:
        statements = con.extract_statements(sql)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise JobError("InvalidSQL", "prepare.sql must be one SELECT over the table `source`, and nothing else")
        con.execute(f"CREATE TABLE prepared AS {statements[0].query}")
        con.execute("DROP TABLE source")
    except duckdb.OutOfMemoryException as error:
        raise JobError("OutOfMemory", f"prepare.sql does not fit into memory: {_said(error)}") from error
    except duckdb.Error as error:
        raise JobError("InvalidSQL", f"prepare.sql failed: {_said(error)}{_columns(con, error)}") from error


def _columns(con: duckdb.DuckDBPyConnection, error: duckdb.Error) -> str:
    if not isinstance(error, duckdb.BinderException):
        return ""
    names = [row[0] for row in con.execute("DESCRIBE source").fetchall()]
    return f"; the source's columns are {', '.join(names[:40])}"


def _type(name: str, kind: str) -> ColumnType:
    known = _TYPES.get(kind.split("(")[0])
    if known is None:
        raise JobError(
            "InvalidColumn", f"column {name!r} holds {kind}: turn it into numbers, text or timestamps in prepare.sql"
        )
    return known


def _cast(name: str, kind: ColumnType) -> str:
    return _CASTS[kind].replace("{}", quoted(name))


def _said(error: duckdb.Error) -> str:
    """DuckDB's message without the quoted statement and its advice."""
    return str(error).split("\n\n")[0].split("\nLINE ")[0].strip()
