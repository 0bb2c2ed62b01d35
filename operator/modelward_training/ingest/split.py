"""Which rows are for training, validation and test, and the Parquet files of each.

A row's side is decided by a hash of salt and id (of the row's content where there is no id), so that it never changes
sides when data is added. Rows are sorted by id: the same data gives the same bytes, whatever the number of threads.
"""
# ruff: noqa: S608 - names are quoted by `quoted`, the rest is ours; the user's own SQL runs behind locked doors

from dataclasses import dataclass
from pathlib import Path

import duckdb

from modelward_contracts.tasks import IngestTask
from modelward_training.outcome import JobError

from .prepare import quoted
from .validate import ROW_ID, Types

TRAIN, VALIDATION, TEST = "train", "validation", "test"
_BITS = 52
_WRITE = "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)"


@dataclass(frozen=True)
class SplitFiles:
    rows: int
    data: Path
    labels: Path | None


def assign(con: duckdb.DuckDBPyConnection, spec: IngestTask, types: Types) -> str:
    """Make the table `rows`: `clean` with an id and the column "~split", in the order of the ids. Returns the id."""
    key = f"{quoted(spec.id)}::VARCHAR" if spec.id else _content(list(types))
    select = "*" if spec.id else f"row_number() OVER (ORDER BY {key}) AS {ROW_ID}, *"
    order = quoted(spec.id or ROW_ID)
    test = round(spec.test_fraction * 2**_BITS)
    held_out = test + round(spec.validation_fraction * 2**_BITS)
    con.execute(
        f'CREATE TABLE rows AS SELECT * EXCLUDE ("~hash"), CASE WHEN "~hash" < {test} THEN \'{TEST}\' '
        f"WHEN \"~hash\" < {held_out} THEN '{VALIDATION}' ELSE '{TRAIN}' END AS \"~split\" FROM "
        f"(SELECT {select}, ('0x' || sha256($1 || chr(0) || {key})[:{_BITS // 4}])::BIGINT AS \"~hash\" FROM clean) "
        f"ORDER BY {order}",
        [spec.salt],
    )
    con.execute("DROP TABLE clean")
    if not spec.id:
        types[ROW_ID] = "integer"
    return spec.id or ROW_ID


def write(con: duckdb.DuckDBPyConnection, split: str, label: str, id_column: str, folder: Path) -> SplitFiles:
    """Write the split's Parquet: with the label for training, labels apart for the others."""
    counted = con.execute('SELECT count(*) FROM rows WHERE "~split" = $1', [split]).fetchone()
    rows = counted[0] if counted else 0
    if rows == 0:
        raise JobError("EmptyDataset", f"no row falls into the {split} split: more rows are needed, or another share")
    data = folder / f"{split}.parquet"
    dropped = '"~split"' if split == TRAIN else f'"~split", {quoted(label)}'
    _copy(con, f"* EXCLUDE ({dropped})", split, id_column, data)
    if split == TRAIN:
        return SplitFiles(rows, data, None)
    labels = folder / f"{split}-labels.parquet"
    _copy(con, f"{quoted(id_column)}, {quoted(label)}", split, id_column, labels)
    return SplitFiles(rows, data, labels)


def _copy(con: duckdb.DuckDBPyConnection, columns: str, split: str, id_column: str, path: Path) -> None:
    con.execute(
        f"COPY (SELECT {columns} FROM rows WHERE \"~split\" = '{split}' ORDER BY {quoted(id_column)}) "
        f"TO '{path}' {_WRITE}"
    )


def _content(columns: list[str]) -> str:
    """The row as one text; every value is followed by a separator and nulls differ from empty text."""
    values = ", ".join(f"coalesce({quoted(name)}::VARCHAR, chr(1)), chr(0)" for name in sorted(columns))
    return f"concat({values})"
