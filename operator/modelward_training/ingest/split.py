"""Which rows are for training, validation and test, and the Parquet files of each.

A row's side is decided by a hash of salt and id, so that it never changes sides when data is added. Where there is no
id, by a hash of its inputs, never its label, and of how many rows like it came before. Rows are sorted by id: the same
data gives the same bytes, whatever the number of threads.
"""
# ruff: noqa: S608 - names are quoted by `quoted`, the rest is ours; the user's own SQL runs behind locked doors

from dataclasses import dataclass
from pathlib import Path

import duckdb

from modelward_contracts.tasks import IngestTask
from modelward_training.outcome import JobError

from .names import held, quoted
from .validate import Types

TRAIN, VALIDATION, TEST = "train", "validation", "test"
ROW_ID = "row_id"
"""The id that is added where the Dataset names none; `row_id_1` where the data has one of that name."""
_BITS = 52
_WRITE = "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)"


@dataclass(frozen=True)
class SplitFiles:
    rows: int
    data: Path
    labels: Path | None


def assign(con: duckdb.DuckDBPyConnection, spec: IngestTask, types: Types) -> str:
    """Make the table `rows`: `clean` with the columns row and split, in the order of the ids. Returns the id's name."""
    numbered = f"SELECT *, {held(spec.id)}::VARCHAR AS key FROM clean" if spec.id else _numbered(spec.label, types)
    order = held(spec.id) if spec.id else "row"
    test = round(spec.test_fraction * 2**_BITS)
    held_out = test + round(spec.validation_fraction * 2**_BITS)
    con.execute(
        f"CREATE TABLE rows AS SELECT * EXCLUDE (key, place), CASE WHEN place < {test} THEN '{TEST}' "
        f"WHEN place < {held_out} THEN '{VALIDATION}' ELSE '{TRAIN}' END AS split FROM "
        f"(SELECT *, ('0x' || sha256($1 || chr(0) || key)[:{_BITS // 4}])::BIGINT AS place FROM ({numbered})) "
        f"ORDER BY {order}",
        [spec.salt],
    )
    con.execute("DROP TABLE clean")
    if spec.id:
        return spec.id
    name = _free(ROW_ID, types)
    con.execute(f"ALTER TABLE rows RENAME COLUMN row TO {held(name)}")
    types[name] = "integer"
    return name


def _numbered(label: str, types: Types) -> str:
    """SQL: rows with a key that their label does not enter. Rows alike in all columns are counted, so any may be first.

    Counting within the label as well moves no row when one with another label is added.
    """
    hashed = f"sha256({_content([name for name in types if name != label])})"
    counted = f"row_number() OVER (PARTITION BY inputs, {held(label)}) AS nth"
    return (
        f"SELECT * EXCLUDE (inputs, nth), inputs || chr(0) || nth AS key, "
        f"row_number() OVER (ORDER BY inputs, {held(label)}, nth) AS row "
        f"FROM (SELECT *, {counted} FROM (SELECT *, {hashed} AS inputs FROM clean))"
    )


def _free(name: str, types: Types) -> str:
    taken, number = {each.lower() for each in types}, 1
    while name.lower() in taken:
        name, number = f"{ROW_ID}_{number}", number + 1
    return name


def write(
    con: duckdb.DuckDBPyConnection, split: str, label: str, id_column: str, types: Types, folder: Path
) -> SplitFiles:
    """Write the split's Parquet: with the label for training, labels apart for the others."""
    counted = con.execute("SELECT count(*) FROM rows WHERE split = $1", [split]).fetchone()
    rows = counted[0] if counted else 0
    if rows == 0:
        raise JobError("EmptyDataset", f"no row falls into the {split} split: more rows are needed, or another share")
    data = folder / f"{split}.parquet"
    names = [name for name in types if split == TRAIN or name != label]
    _copy(con, names, split, id_column, data)
    if split == TRAIN:
        return SplitFiles(rows, data, None)
    labels = folder / f"{split}-labels.parquet"
    _copy(con, [id_column, label], split, id_column, labels)
    return SplitFiles(rows, data, labels)


def _copy(con: duckdb.DuckDBPyConnection, names: list[str], split: str, id_column: str, path: Path) -> None:
    columns = ", ".join(f"{held(name)} AS {quoted(name)}" for name in names)
    con.execute(
        f"COPY (SELECT {columns} FROM (FROM rows WHERE split = '{split}' ORDER BY {held(id_column)})) "
        f"TO '{path}' {_WRITE}"
    )


def _content(columns: list[str]) -> str:
    """The row as one text; every value is followed by a separator and nulls differ from empty text."""
    values = ", ".join(f"coalesce({held(name)}::VARCHAR, chr(1)), chr(0)" for name in sorted(columns))
    return f"concat({values})"
