"""Which rows are for training, validation and test, and the Parquet files of each.

A row's side is decided by a hash of salt and id, so that it never changes sides when data is added. Without an id the
inputs stand for it, with the number of the occurrence where several rows have the same: never the label, for equal
inputs with one label would all go to one side, and a test of them measures nothing. Rows are sorted by id: the same
data gives the same bytes, whatever the number of threads.
"""
# ruff: noqa: S608 - names are ours or quoted by `quoted`

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from modelward_contracts.tasks import IngestTask
from modelward_training.outcome import JobError

from .prepare import Table, quoted

TRAIN, VALIDATION, TEST = "train", "validation", "test"
SPLITS = (TRAIN, VALIDATION, TEST)
ROW_ID = "row_id"
OFF = 1 / 3
"""Of what was asked: a share further off is told."""
_BITS = 52
_WRITE = "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)"


@dataclass(frozen=True)
class SplitFiles:
    rows: int
    data: Path
    labels: Path | None


def assign(con: duckdb.DuckDBPyConnection, spec: IngestTask, table: Table) -> str:
    """Make the table `rows`: `clean` with `split` and, where there is no id, one of ours. Returns the id's name.

    `clean` has columns c0, c1, … only, so that the names used here are free.
    """
    test = round(spec.test_fraction * 2**_BITS)
    held_out = test + round(spec.validation_fraction * 2**_BITS)
    side = f"CASE WHEN hash < {test} THEN '{TEST}' WHEN hash < {held_out} THEN '{VALIDATION}' ELSE '{TRAIN}' END"
    if spec.id:
        name, query = spec.id, f"SELECT *, {_hash(f'{table.sql(spec.id)}::VARCHAR')} AS hash FROM clean"
        con.execute(
            f"CREATE TABLE rows AS SELECT * EXCLUDE (hash), {side} AS split FROM ({query}) ORDER BY {table.sql(name)}",
            [spec.salt],
        )
    else:
        name, label, number = _free(table), table.sql(spec.label), len(table.types)
        inputs = _content([table.sql(each) for each in sorted(table.types) if each != spec.label])
        keyed = f"SELECT *, sha256({inputs}) AS inputs FROM clean"
        counted = f"SELECT *, row_number() OVER (PARTITION BY inputs ORDER BY {label}) AS nth FROM ({keyed})"
        hashed = f"SELECT *, {_hash('inputs || nth')} AS hash FROM ({counted})"
        con.execute(
            f"CREATE TABLE rows AS SELECT * EXCLUDE (hash, inputs, nth), {side} AS split, "
            f"row_number() OVER (ORDER BY inputs, nth) AS c{number} FROM ({hashed}) ORDER BY c{number}",
            [spec.salt],
        )
        table.types[name] = "integer"
    con.execute("DROP TABLE clean")
    return name


def unbalanced(con: duckdb.DuckDBPyConnection, spec: IngestTask, table: Table, classes: list[str]) -> Iterator[str]:
    """What the shares and classes of the splits are not that one would expect."""
    label = table.sql(spec.label)
    found = dict(con.execute("SELECT split, count(*) FROM rows GROUP BY 1").fetchall())
    rows = sum(found.values())
    asked = {VALIDATION: spec.validation_fraction, TEST: spec.test_fraction}
    asked[TRAIN] = 1 - sum(asked.values())
    for split in SPLITS:
        share = found.get(split, 0) / rows
        if abs(share - asked[split]) > OFF * asked[split]:
            yield f"{share:.0%} of the rows are for {split}, where {asked[split]:.0%} were asked: rows are few"
        if classes:
            there = con.execute(f"SELECT DISTINCT {label}::VARCHAR FROM rows WHERE split = $1", [split]).fetchall()
            lacking = sorted(set(classes) - {value for (value,) in there})
            if lacking:
                shown = ", ".join(lacking[:5]) + (" …" if len(lacking) > 5 else "")
                have = "has" if len(lacking) == 1 else "have"
                yield f"{len(lacking)} of {len(classes)} classes of {spec.label!r} {have} no row for {split}: {shown}"


def write(
    con: duckdb.DuckDBPyConnection, split: str, label: str, id_column: str, table: Table, folder: Path
) -> SplitFiles:
    """Write the split's Parquet: with the label for training, labels apart for the others."""
    counted = con.execute("SELECT count(*) FROM rows WHERE split = $1", [split]).fetchone()
    rows = counted[0] if counted else 0
    if rows == 0:
        raise JobError("EmptyDataset", f"no row falls into the {split} split: more rows are needed, or another share")
    data = folder / f"{split}.parquet"
    names = [name for name in table.types if split == TRAIN or name != label]
    _copy(con, names, split, id_column, table, data)
    if split == TRAIN:
        return SplitFiles(rows, data, None)
    labels = folder / f"{split}-labels.parquet"
    _copy(con, [id_column, label], split, id_column, table, labels)
    return SplitFiles(rows, data, labels)


def _copy(
    con: duckdb.DuckDBPyConnection, names: list[str], split: str, id_column: str, table: Table, path: Path
) -> None:
    columns = ", ".join(f"{table.sql(name)} AS {quoted(name)}" for name in names)
    con.execute(
        f"COPY (SELECT {columns} FROM rows WHERE split = '{split}' ORDER BY {table.sql(id_column)}) "
        f"TO '{path}' {_WRITE}"
    )


def _free(table: Table) -> str:
    """A name for our row number that no column has, in any case."""
    taken = {name.lower() for name in table.types}
    name = ROW_ID
    while name in taken:
        name = "_" + name
    return name


def _hash(key: str) -> str:
    """An integer of `_BITS` bits out of the salt ($1) and the key."""
    return f"('0x' || sha256($1 || chr(0) || {key})[:{_BITS // 4}])::BIGINT"


def _content(columns: list[str]) -> str:
    """The values as one text; every one is followed by a separator and nulls differ from empty text."""
    values = ", ".join(f"coalesce({column}::VARCHAR, chr(1)), chr(0)" for column in columns)
    return f"concat({values})"
