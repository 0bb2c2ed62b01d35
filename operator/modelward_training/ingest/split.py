"""Which rows are for training, validation and test, and the Parquet files of each.

A row's side is decided by a hash of salt and id, so that it never changes sides when data is added. Without an id the
inputs stand for it, with the number of the occurrence where several rows have the same: never the label, for equal
inputs with one label would all go to one side, and a test of them measures nothing. Rows are sorted by id: the same
data gives the same bytes, whatever the number of threads.

By group, the hash is of the group, so that its rows stay together. By time, the newest rows are held out, and all are
sorted by it.
"""
# ruff: noqa: S608 - names are ours or quoted by `quoted`

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from modelward_contracts.manifests import Boundaries
from modelward_contracts.tasks import IngestTask
from modelward_training.outcome import JobError

from .boundaries import boundaries
from .boundaries import side as by_time
from .prepare import Table, quoted

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SPLITS = (TRAIN, VALIDATION, TEST)
ROW_ID = "row_id"
OFF = 1 / 3
"""Of what was asked: a share further off is told."""
_BITS = 52
_WHY = {
    "id": "rows are few",
    "group": "groups are few, or some are large",
    "time": "many rows are of one time",
}
_WRITE = "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)"


def names(spec: IngestTask) -> tuple[str, ...]:
    """Of the splits that there are: without a label, no row is held out."""
    return SPLITS if spec.label else (TRAIN,)


@dataclass(frozen=True)
class SplitFiles:
    rows: int
    data: Path
    labels: Path | None


def assign(con: duckdb.DuckDBPyConnection, spec: IngestTask, table: Table) -> tuple[str, Boundaries | None]:
    """Make the table `rows`: `clean` with `split` and, where there is no id, one of ours. Returns the id's name, and
    where the held-out rows begin if they are the newest.

    `clean` has columns c0, c1, … only, so that the names used here are free.
    """
    found = boundaries(con, spec, table) if spec.split_by == "time" else None
    side = by_time(spec, table, found, (TRAIN, VALIDATION, TEST)) if found else _by_hash(spec)
    if spec.id:
        name, query = spec.id, f"SELECT *, {_hash(spec, table, table.sql(spec.id))} AS hash FROM clean"
        con.execute(
            f"CREATE TABLE rows AS SELECT * EXCLUDE (hash), {side} AS split FROM ({query})",
            [spec.salt],
        )
    else:
        name, number = _free(table), len(table.types)
        inputs = _content([table.sql(each) for each in sorted(table.types) if each != spec.label])
        label = f"ORDER BY {table.sql(spec.label)}" if spec.label else ""
        keyed = f"SELECT *, sha256({inputs}) AS inputs FROM clean"
        counted = f"SELECT *, row_number() OVER (PARTITION BY inputs {label}) AS nth FROM ({keyed})"
        hashed = f"SELECT *, {_hash(spec, table, 'inputs || nth')} AS hash FROM ({counted})"
        con.execute(
            f"CREATE TABLE rows AS SELECT * EXCLUDE (hash, inputs, nth), {side} AS split, "
            f"row_number() OVER (ORDER BY inputs, nth) AS c{number} FROM ({hashed})",
            [spec.salt],
        )
        table.types[name] = "integer"
    con.execute("DROP TABLE clean")
    return name, found


def _by_hash(spec: IngestTask) -> str:
    if spec.label is None:
        return f"'{TRAIN}'"
    test = round(spec.test_fraction * 2**_BITS)
    held_out = test + round(spec.validation_fraction * 2**_BITS)
    return f"CASE WHEN hash < {test} THEN '{TEST}' WHEN hash < {held_out} THEN '{VALIDATION}' ELSE '{TRAIN}' END"


def unbalanced(con: duckdb.DuckDBPyConnection, spec: IngestTask, table: Table, classes: list[str]) -> Iterator[str]:
    """What the shares and classes of the splits are not that one would expect."""
    if spec.label is None:
        return
    label = table.sql(spec.label)
    found = dict(con.execute("SELECT split, count(*) FROM rows GROUP BY 1").fetchall())
    rows = sum(found.values())
    if spec.split_by == "group" and spec.group:
        (alone,) = con.execute(f"SELECT count(*) FROM rows WHERE {_group(spec, table)} IS NULL").fetchall()[0]
        if alone:
            yield f"{alone} of {rows} rows have no value of the group {spec.group!r}: each is a group of its own"
    asked = {VALIDATION: spec.validation_fraction, TEST: spec.test_fraction}
    asked[TRAIN] = 1 - sum(asked.values())
    for split in SPLITS:
        share = found.get(split, 0) / rows
        if abs(share - asked[split]) > OFF * asked[split]:
            yield f"{share:.0%} of the rows are for {split}, where {asked[split]:.0%} were asked: {_WHY[spec.split_by]}"
        if classes:
            there = con.execute(f"SELECT DISTINCT {label}::VARCHAR FROM rows WHERE split = $1", [split]).fetchall()
            lacking = sorted(set(classes) - {value for (value,) in there})
            if lacking:
                shown = ", ".join(lacking[:5]) + (" …" if len(lacking) > 5 else "")
                have = "has" if len(lacking) == 1 else "have"
                yield f"{len(lacking)} of {len(classes)} classes of {spec.label!r} {have} no row for {split}: {shown}"


def write(
    con: duckdb.DuckDBPyConnection, split: str, spec: IngestTask, id_column: str, table: Table, folder: Path
) -> SplitFiles:
    """Write the split's Parquet: with the label for training, labels apart for the others."""
    counted = con.execute("SELECT count(*) FROM rows WHERE split = $1", [split]).fetchone()
    rows = counted[0] if counted else 0
    if rows == 0:
        raise JobError("EmptyDataset", f"no row falls into the {split} split: more rows are needed, or another share")
    data = folder / f"{split}.parquet"
    names = [name for name in table.types if split == TRAIN or name != spec.label]
    order = [table.sql(name) for name in (spec.time if spec.split_by == "time" else None, id_column) if name]
    _copy(con, names, split, order, table, data)
    if split == TRAIN or spec.label is None:
        return SplitFiles(rows, data, None)
    labels = folder / f"{split}-labels.parquet"
    _copy(con, [id_column, spec.label], split, order, table, labels)
    return SplitFiles(rows, data, labels)


def _copy(
    con: duckdb.DuckDBPyConnection, names: list[str], split: str, order: list[str], table: Table, path: Path
) -> None:
    columns = ", ".join(f"{table.sql(name)} AS {quoted(name)}" for name in names)
    con.execute(
        f"COPY (SELECT {columns} FROM rows WHERE split = '{split}' ORDER BY {', '.join(order)}) TO '{path}' {_WRITE}"
    )


def _free(table: Table) -> str:
    """A name for our row number that no column has, in any case."""
    taken = {name.lower() for name in table.types}
    name = ROW_ID
    while name in taken:
        name = "_" + name
    return name


def _group(spec: IngestTask, table: Table) -> str:
    assert spec.group is not None
    return f"nullif({table.sql(spec.group)}::VARCHAR, '')"


def _hash(spec: IngestTask, table: Table, row: str) -> str:
    """An integer of `_BITS` bits out of the salt ($1) and what is to stay together: the group, or the row by itself."""
    key = f"({row})::VARCHAR"
    if spec.split_by == "group":
        key = f"coalesce({_group(spec, table)}, {key})"
    return f"('0x' || sha256($1 || chr(0) || {key})[:{_BITS // 4}])::BIGINT"


def _content(columns: list[str]) -> str:
    """The values as one text; every one is followed by a separator and nulls differ from empty text."""
    values = ", ".join(f"coalesce({column}::VARCHAR, chr(1)), chr(0)" for column in columns)
    return f"concat({values})"
