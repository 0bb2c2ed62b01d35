"""Source files into DuckDB's table `source`; after that, its doors are closed."""

from pathlib import Path
from typing import Any

import duckdb

from modelward_contracts.tasks import IngestTask
from modelward_training import limits
from modelward_training.outcome import JobError

from .csv_files import Read, read_csv
from .parquet_files import read_parquet
from .source import Found


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


def load(con: duckdb.DuckDBPyConnection, files: list[Found], task: IngestTask, scratch: Path) -> Read:
    try:
        if task.format == "csv":
            return read_csv(con, files, task, scratch)
        return Read(warnings=tuple(read_parquet(con, files, task)))
    except duckdb.OutOfMemoryException as error:
        raise JobError("OutOfMemory", f"the source does not fit: give ingest more memory ({error})") from error


def lock(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """From here on SQL reaches nothing but its tables, and `folder` for the results; no statement can undo it."""
    con.execute(f"SET allowed_directories = ['{folder}/']")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")
