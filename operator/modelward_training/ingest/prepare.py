"""The user's one SELECT over `source`, and a clean table `clean` of five column types.

The columns of `clean` are c0, c1, … whatever the users call theirs: SQL has words of its own (rowid among them), knows
no upper case, and our helper columns need names too.
"""
# ruff: noqa: S608 - names are quoted by `quoted`, the rest is ours; the user's own SQL runs behind locked doors

from dataclasses import dataclass, field

import duckdb

from modelward_contracts.manifests import ColumnType
from modelward_contracts.tasks import IngestTask
from modelward_training.outcome import JobError

from .columns import SOURCE, Source, listed

_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
_TYPES: dict[str, ColumnType] = {
    "BOOLEAN": "boolean",
    **dict.fromkeys((*_INTEGERS, *(f"U{name}" for name in _INTEGERS)), "integer"),
    **dict.fromkeys(("FLOAT", "DOUBLE", "DECIMAL"), "number"),
    **dict.fromkeys(("VARCHAR", "ENUM", "UUID"), "string"),
    **dict.fromkeys(
        ("DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMP WITH TIME ZONE"), "timestamp"
    ),
    '"NULL"': "number",
}
_CASTS: dict[ColumnType, str] = {
    "boolean": "{}",
    "integer": "{}::BIGINT",
    "number": "CASE WHEN isfinite({}::DOUBLE) THEN {}::DOUBLE END",
    "string": "{}::VARCHAR",
    "timestamp": "{}::TIMESTAMP",
}


@dataclass
class Table:
    """The prepared columns by the users' names, in order."""

    types: dict[str, ColumnType]
    warnings: list[str] = field(default_factory=list)
    unseen: frozenset[str] = frozenset()
    """Columns of which no value is shown, hashed as they are."""

    def sql(self, name: str) -> str:
        """The column in `clean` and `rows`."""
        return f"c{list(self.types).index(name)}"


def prepare(con: duckdb.DuckDBPyConnection, task: IngestTask, source: Source) -> Table:
    """Make the table `clean`, and say its columns and their types."""
    relation = SOURCE if task.prepare_sql is None else _select(con, task.prepare_sql, source)
    described = con.execute(f"DESCRIBE {relation}").fetchall()
    table = Table({name: _type(name, kind) for name, kind, *_ in described}, unseen=frozenset(task.pii))
    casts = ", ".join(
        f"{_CASTS[kind].replace('{}', quoted(name))} AS c{n}" for n, (name, kind) in enumerate(table.types.items())
    )
    _infinite(con, relation, table)
    try:
        con.execute(f"CREATE TABLE clean AS SELECT {casts} FROM {relation}")
    except duckdb.ConversionException as error:
        raise JobError(
            "InvalidColumn",
            f"a whole number does not fit into 64 bits ({_said(error)}): make it text or DOUBLE in prepare.sql or "
            "columns.types",
        ) from error
    if task.prepare_sql is None:
        _drop(con, source)
    else:
        con.execute(f"DROP TABLE {relation}")
    return table


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _select(con: duckdb.DuckDBPyConnection, sql: str, source: Source) -> str:
    try:
        statements = con.extract_statements(sql)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise JobError("InvalidSQL", f"prepare.sql must be one SELECT over {_tables(source)}, and nothing else")
        con.execute(f"CREATE TABLE main.prepared AS {statements[0].query}")
    except duckdb.OutOfMemoryException as error:
        raise JobError("OutOfMemory", f"prepare.sql does not fit into memory: {_said(error)}") from error
    except duckdb.Error as error:
        raise JobError("InvalidSQL", f"prepare.sql failed: {_said(error)}{_there(con, error, source)}") from error
    _drop(con, source)
    return "prepared"


def _drop(con: duckdb.DuckDBPyConnection, source: Source) -> None:
    for name, kind in source.tables.items():
        con.execute(f"DROP {kind} {quoted(name)}")


def _tables(source: Source) -> str:
    names = [f"`{name}`" for name in source.tables]
    return f"the table {names[0]}" if len(names) == 1 else f"the tables {', '.join(names)}"


def _infinite(con: duckdb.DuckDBPyConnection, relation: str, table: Table) -> None:
    numbers = [name for name, kind in table.types.items() if kind == "number"]
    if not numbers:
        return
    row = con.execute(
        "SELECT " + ", ".join(f"count_if(isinf({quoted(name)}::DOUBLE))" for name in numbers) + f" FROM {relation}"
    ).fetchone()
    assert row is not None
    table.warnings += [
        f"column {name!r}: {count} infinite numbers are taken as missing"
        for name, count in zip(numbers, row, strict=True)
        if count
    ]


def _there(con: duckdb.DuckDBPyConnection, error: duckdb.Error, source: Source) -> str:
    """The tables, or their columns, where one was meant that is not there."""
    if isinstance(error, duckdb.CatalogException) and "Table with name" in str(error):
        return f"; it reads {_tables(source)}"
    if not isinstance(error, duckdb.BinderException):
        return ""
    described = {name: con.execute(f"DESCRIBE {quoted(name)}").fetchall() for name in source.tables}
    return "".join(f"; in `{name}`, {listed([row[0] for row in rows])}" for name, rows in described.items())


def _type(name: str, kind: str) -> ColumnType:
    known = None if kind.endswith("]") else _TYPES.get(kind.split("(")[0])
    if known is None:
        raise JobError(
            "InvalidColumn",
            f"column {name!r} holds {kind[:80]}: turn it into numbers, text or timestamps in prepare.sql, or "
            "leave it out",
        )
    return known


def _said(error: duckdb.Error) -> str:
    """DuckDB's message without the quoted statement and its advice."""
    return str(error).split("\n\n")[0].split("\nLINE ")[0].strip()
