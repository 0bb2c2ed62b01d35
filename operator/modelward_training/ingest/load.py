"""Source files into DuckDB's table `source`; after that, its doors are closed."""

import csv
import gzip
import re
from pathlib import Path
from typing import Any

import duckdb

from modelward_training import limits
from modelward_training.outcome import JobError

from .source import Found

DELIMITERS = ",;\t|"
_LINE = re.compile(r"CSV Error on Line: (\d+)")


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
    return duckdb.connect(config=config)


def load(con: duckdb.DuckDBPyConnection, files: list[Found], kind: str) -> None:
    reader = _read_csv if kind == "csv" else _read_parquet
    try:
        reader(con, files)
    except duckdb.OutOfMemoryException as error:
        raise JobError("OutOfMemory", f"the source does not fit: give ingest more memory ({error})") from error


def lock(con: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """From here on SQL reaches nothing but its tables, and `folder` for the results; no statement can undo it."""
    con.execute(f"SET allowed_directories = ['{folder}/']")
    con.execute("SET enable_external_access = false")
    con.execute("SET lock_configuration = true")


def _read_csv(con: duckdb.DuckDBPyConnection, files: list[Found]) -> None:
    headers = [_header(file) for file in files]
    _same_columns(files, [names for names, _ in headers])
    paths, delimiter = [str(file.path) for file in files], headers[0][1]
    try:
        con.execute(
            "CREATE TABLE source AS SELECT * FROM read_csv($1, header = true, skip = 0, delim = $2, quote = '\"', "
            "escape = '\"', union_by_name = true, sample_size = -1)",
            [paths, delimiter],
        )
    except duckdb.Error as error:
        if isinstance(error, duckdb.OutOfMemoryException):
            raise
        raise _bad_row(files, headers, error) from error


def _header(file: Found) -> tuple[list[str], str]:
    """Column names and delimiter of the first line."""
    opener: Any = gzip.open if file.path.suffix == ".gz" else open
    try:
        with opener(file.path, "rb") as source:
            line = source.readline().decode("utf-8-sig")
        delimiter = max(DELIMITERS, key=line.count)
        return next(csv.reader([line], delimiter=delimiter)), delimiter
    except (UnicodeDecodeError, OSError, csv.Error, StopIteration) as error:
        raise JobError(
            "InvalidFile", f"{file.name}, row 1: the header is not readable as UTF-8 CSV: {error}"
        ) from error


def _same_columns(files: list[Found], headers: list[list[str]]) -> None:
    first = set(headers[0])
    for file, header in zip(files, headers, strict=True):
        for name in first.symmetric_difference(header):
            has, lacks = (file.name, files[0].name) if name in header else (files[0].name, file.name)
            raise JobError("InvalidFile", f"{lacks} lacks the column {name!r} that {has} has: make the files alike")


def _bad_row(files: list[Found], headers: list[tuple[list[str], str]], error: duckdb.Error) -> JobError:
    """Some errors say where. The sniffer names a file but no row; reading each file as plain text names both."""
    for file in files:
        if _LINE.search(str(error)) and f"file = {file.path}\n" in str(error):
            return JobError("InvalidFile", f"{file.name}, {_where(error)}")
    for file, (names, delimiter) in zip(files, headers, strict=True):
        columns = dict.fromkeys(names, "VARCHAR")
        with duckdb.connect() as con:
            try:
                con.execute(
                    "SELECT count(*) FROM read_csv($1, header = true, skip = 0, auto_detect = false, delim = $2, "
                    "quote = '\"', escape = '\"', columns = $3)",
                    [str(file.path), delimiter, columns],
                ).fetchall()
            except duckdb.Error as plain:
                return JobError("InvalidFile", f"{file.name}, {_where(plain)}")
    return JobError("InvalidFile", f"the files cannot be read as CSV: {_first_line(error)}")


def _where(error: duckdb.Error) -> str:
    text = str(error)
    line = _LINE.search(text)
    if line is None:
        return _first_line(error)
    rest = [part for part in text[line.end() :].splitlines() if part and not part.startswith("Original Line")]
    return f"row {line[1]}: {rest[0].rstrip('.') if rest else 'not readable'}"


def _first_line(error: duckdb.Error) -> str:
    return str(error).splitlines()[0]


def _read_parquet(con: duckdb.DuckDBPyConnection, files: list[Found]) -> None:
    headers = []
    for file in files:
        try:
            headers.append(
                [row[0] for row in con.execute("DESCRIBE FROM read_parquet($1)", [str(file.path)]).fetchall()]
            )
        except duckdb.Error as error:
            reason = _first_line(error).replace(str(file.path), file.name)
            raise JobError("InvalidFile", f"{file.name} is not readable as Parquet: {reason}") from error
    _same_columns(files, headers)
    try:
        con.execute(
            "CREATE TABLE source AS SELECT * FROM read_parquet($1, union_by_name = true)",
            [[str(file.path) for file in files]],
        )
    except duckdb.OutOfMemoryException:
        raise
    except duckdb.Error as error:
        raise JobError("InvalidFile", f"the files cannot be read together: {_first_line(error)}") from error
