"""JSON lines into the table `raw`: a column c0, c1, … of text for each key, and beside it in q0, q1, … how it stood in
the file (bare, in quotes, nested). What type a column has is for `json_types` to say, over all files.
"""
# ruff: noqa: S608 - internal names only

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import duckdb
import pyarrow as pa

from modelward_contracts.tasks import IngestTask
from modelward_training.outcome import JobError

from . import json_types, pii
from .columns import Source, together, unique
from .json_lines import Nested, Number, line_of, objects
from .json_types import BARE, NESTED, QUOTED
from .source import Found

BATCH = 20_000
"""Objects at a time, or those of so many bytes."""
BATCH_BYTES = 1 << 24
MAX_KEYS, MAX_KEY = 2000, 1000
"""How many, and characters of one."""


@dataclass(frozen=True)
class Part:
    """One file's rows in `raw`: those from `first` (a rowid) on."""

    file: Found
    names: list[str]
    first: int
    rows: int


def read(con: duckdb.DuckDBPyConnection, files: list[Found], task: IngestTask) -> Source:
    numbers: dict[str, int] = {}
    parts: list[Part] = []
    for file in files:
        parts.append(_insert(con, file, task, numbers, parts[-1].first + parts[-1].rows if parts else 0))
    headers = [part.names for part in parts]
    for file, header in zip(files, headers, strict=True):
        unique(file.name, header)
    pii.check(task, files, headers)
    _, lacking = together(files, headers, task.missing_as_null)
    names = list(numbers)
    typed = json_types.choose(con, names, task, lambda rowid: _place(parts, rowid))
    return Source(
        names=names,
        starts=[part.first for part in parts],
        expressions=typed.expressions,
        guessed=typed.guessed,
        warnings=[*lacking, *typed.warnings],
    )


def _insert(con: duckdb.DuckDBPyConnection, file: Found, task: IngestTask, numbers: dict[str, int], first: int) -> Part:
    """One file's rows into `raw`; keys that no file before had get the next of the columns' `numbers`."""
    rows, own = 0, dict[str, None]()
    for batch in _batches(file):
        own |= dict.fromkeys(chain.from_iterable(batch))
        there = pii.names(task, own)
        _widen(con, file, [name for name in there if name not in numbers], numbers, first + rows == 0)
        columns = {"nothing": pa.nulls(len(batch), pa.string())}
        for name in there:
            text, stood = _column([each.get(name) for each in batch])
            columns |= {f"c{numbers[name]}": text, f"q{numbers[name]}": stood}
        values = pii.kept(task, {name: f"c{numbers[name]}" for name in there})
        changed = [f"{value} AS c{numbers[name]}" for name, value in values.items() if name in task.pii]
        con.register("batch", pa.table(columns))
        con.execute(f"INSERT INTO raw BY NAME SELECT * {_replacing(changed)} FROM batch")
        con.unregister("batch")
        rows += len(batch)
    if not rows:
        raise JobError("InvalidFile", f"{file.name} holds no line: remove it, or write its rows, one object a line")
    ((counted,),) = con.execute("SELECT count(*) FROM raw").fetchall()
    if counted != first + rows:
        raise JobError("InvalidFile", f"{file.name} holds {rows} objects, of which not all could be read")
    return Part(file, list(own), first, rows)


def _replacing(columns: list[str]) -> str:
    return f"REPLACE ({', '.join(columns)})" if columns else ""


def _batches(file: Found) -> Iterator[list[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    size = 0
    for length, each in objects(file):
        batch.append(each)
        size += length
        if len(batch) == BATCH or size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _widen(
    con: duckdb.DuckDBPyConnection, file: Found, names: list[str], numbers: dict[str, int], is_new: bool
) -> None:
    """Give `raw` columns for these keys. Added one by one to a table that is there, they would take long."""
    for name in names:
        if not name.strip() or "\0" in name or len(name) > MAX_KEY:
            raise JobError("InvalidFile", f"{file.name}: the key {name[:40]!r} is no name for a column: rename it")
        if len(numbers) == MAX_KEYS:
            raise JobError(
                "InvalidFile",
                f"{file.name} holds more than {MAX_KEYS} keys, {name[:40]!r} among them: if keys are values, write "
                "them as values",
            )
        numbers[name] = len(numbers)
    columns = [each for name in names for each in (f"c{numbers[name]} VARCHAR", f"q{numbers[name]} UTINYINT")]
    if is_new:
        con.execute(f"CREATE TABLE raw ({', '.join(['nothing VARCHAR', *columns])})")
    else:
        for column in columns:
            con.execute(f"ALTER TABLE raw ADD COLUMN {column}")


def _column(values: list[Any]) -> tuple[pa.Array, pa.Array]:
    """Values as text, and how each stood."""
    kinds = set(map(type, values)) - {type(None)}
    if kinds == {str}:
        return pa.array(values, pa.string()), _all(QUOTED, len(values))
    if kinds <= {Number}:
        return pa.array(values, pa.string()), _all(BARE, len(values))
    text = [value if value is None or isinstance(value, str) else _bare(value) for value in values]
    stood = [QUOTED if type(value) is str else NESTED if type(value) is Nested else BARE for value in values]
    return pa.array(text, pa.string()), pa.array(stood, pa.uint8())


def _all(stood: int, rows: int) -> pa.Array:
    return pa.repeat(pa.scalar(stood, pa.uint8()), rows)


def _bare(value: int | bool) -> str:
    return str(value).lower()


def _place(parts: list[Part], rowid: int) -> str:
    part = next(part for part in reversed(parts) if part.first <= rowid)
    return f"line {line_of(part.file, rowid - part.first)} of {part.file.name}"
