"""Source files into DuckDB's table `raw` and the table `source` made of it; after that, its doors are closed."""

from pathlib import Path
from typing import Any

import duckdb
import msgspec

from modelward_contracts.store import Store
from modelward_contracts.tasks import IngestTask
from modelward_training import limits
from modelward_training.outcome import JobError

from . import parents, pii, read_csv, read_jsonl, read_parquet
from .bring import Brought
from .columns import Source
from .prepare import quoted
from .source import Found, unchanged

READABLE = "out"
"""The folder of the working volume that SQL may reach."""
FEW = 10
"""Rows that may count by chance."""


def connect(scratch: Path) -> duckdb.DuckDBPyConnection:
    """A database in memory that spills into `scratch` and loads no extensions."""
    memory = limits.memory()
    config: dict[str, Any] = {
        "threads": limits.cpus(),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "temp_directory": str(scratch / "spill"),
    }
    if memory:
        config["memory_limit"] = f"{memory * 6 // 10}B"
    con = duckdb.connect(config=config)
    con.execute("SET TimeZone = 'UTC'")
    return con


def brought(con: duckdb.DuckDBPyConnection, what: Brought, task: IngestTask, store: Store, scratch: Path) -> Source:
    """The source's tables, as SQL or a user's container finds them."""
    if task.source == "datasets":
        return parents.load(con, task, store, scratch / READABLE / "parents")
    read = load(con, what.files, task, scratch)
    unchanged(what.files)
    return read


def answer(con: duckdb.DuckDBPyConnection, what: Brought, task: IngestTask) -> Source:
    """What a user's container made. What is stated of the source's columns, the step before it has done."""
    bare = msgspec.structs.replace(task, types={}, pii={}, missing_as_null=False)
    read = typed(con, read_parquet.read(con, what.files, bare), bare)
    read.csv, read.warnings = what.csv, [*what.warnings, *read.warnings]
    return read


def load(con: duckdb.DuckDBPyConnection, files: list[Found], task: IngestTask, scratch: Path) -> Source:
    try:
        with pii.key(con, task):
            source = _read(con, files, pii.as_text(task), scratch)
        _filled(con, files)
        return typed(con, source, task)
    except duckdb.OutOfMemoryException as error:
        raise JobError("OutOfMemory", f"the source does not fit: give ingest more memory ({error})") from error


def typed(con: duckdb.DuckDBPyConnection, source: Source, task: IngestTask) -> Source:
    """The table `source` of `raw`, which it takes the place of."""
    kept = _kept(con, source, task)
    if not kept:
        raise JobError("InvalidFile", "no column has a name and a value: look at the files' first line")
    columns = ", ".join(f"{source.expressions[n]} AS {quoted(source.names[n])}" for n in kept)
    # It looks for what columns have in common: that is quadratic, and there is nothing.
    con.execute("PRAGMA disable_optimizer")
    con.execute(f"CREATE TABLE source AS SELECT {columns} FROM raw")  # noqa: S608
    con.execute("PRAGMA enable_optimizer")
    con.execute("DROP TABLE raw")
    return source


def _filled(con: duckdb.DuckDBPyConnection, files: list[Found]) -> None:
    if files and con.execute("SELECT count(*) FROM raw").fetchone() == (0,):
        which = f"{files[0].name} has" if len(files) == 1 else f"{files[0].name} and {len(files) - 1} more files have"
        raise JobError("EmptyDataset", f"{which} no rows, only the names of columns")


def _read(con: duckdb.DuckDBPyConnection, files: list[Found], task: IngestTask, scratch: Path) -> Source:
    if task.source == "sql":
        # Imported here because files need no database's driver, which takes 50 MiB.
        from . import query

        return query.read(con, task, scratch)
    match task.format:
        case "csv":
            return read_csv.read(con, files, task, scratch)
        case "jsonl":
            return read_jsonl.read(con, files, task)
        case "parquet":
            return read_parquet.read(con, files, task)


def lock(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """From here on SQL reaches nothing but its tables, and `folder` for the results; no statement can undo it."""
    con.execute(f"SET allowed_directories = ['{folder}/']")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")


def _kept(con: duckdb.DuckDBPyConnection, source: Source, task: IngestTask) -> list[int]:
    """All columns but a saved row index and nameless empty ones, unless the Dataset speaks of them."""
    spoken = {task.label, task.id, task.time, *task.types}
    sql = task.prepare_sql or ""
    kept = []
    for number, name in enumerate(source.names):
        why = None if name in spoken or name in sql else _superfluous(con, source, number)
        if why:
            source.warnings.append(f"the column {name!r} {why}: it is left out; name it in prepare.sql to have it")
        else:
            kept.append(number)
    return kept


def _superfluous(con: duckdb.DuckDBPyConnection, source: Source, number: int) -> str | None:
    name = source.names[number]
    if name in source.index:
        return "is the index that pandas saved"
    if name in source.unnamed:
        found = con.execute(
            f"SELECT count({source.expressions[number]}) FROM raw"  # noqa: S608
        ).fetchone()
        if found == (0,):
            return "has no name and no value"
        if counts(con, source, number):
            return "has no name and counts the rows"
    return None


def counts(con: duckdb.DuckDBPyConnection, source: Source, number: int) -> bool:
    """Whether the column is the number of the row in its file, from any start."""
    value = f"TRY_CAST(({source.expressions[number]}) AS BIGINT)"
    part = " ".join(f"WHEN rowid >= {start} THEN {start}" for start in reversed(source.starts))
    row = con.execute(
        f"SELECT bool_and(low = high AND filled = n), sum(n) FROM (SELECT min({value} - rowid) low, "  # noqa: S608
        f"max({value} - rowid) high, count({value}) filled, count(*) n FROM raw GROUP BY CASE {part} END)"
    ).fetchone()
    return row is not None and row[0] is True and row[1] >= FEW
