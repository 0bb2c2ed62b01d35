"""What is odd about data that is taken all the same: columns that only count, shares and classes that a split lacks."""
# ruff: noqa: S608 - names are quoted by `quoted` and `held`, the rest is ours

from collections.abc import Iterable

import duckdb

from modelward_contracts.tasks import IngestTask

from .names import held, quoted
from .validate import Types, Validated

FIRST = 100
FAR = 1 / 3
MAX_NAMED = 5


def drop_unnamed(
    con: duckdb.DuckDBPyConnection, unnamed: Iterable[str], wanted: set[str | None], files: int
) -> list[str]:
    """Columns of `source` without a name that hold nothing, or a saved row number, are none. Returns what is told."""
    told, types = [], {name: kind for name, kind, *_ in con.execute("DESCRIBE source").fetchall()}
    for name in unnamed:
        if name in wanted or len(types) == 1:
            continue
        (filled,) = con.execute(f"SELECT count({quoted(name)}) FROM source").fetchone() or (0,)
        counts = types[name] == "BIGINT" and _counts(con, "source", quoted(name), files)
        if filled and not counts:
            continue
        con.execute(f"ALTER TABLE source DROP COLUMN {quoted(name)}")
        if counts:
            told.append(f"column {name!r} is left out: it has no name of its own and only counts the rows")
    return told


def counting(con: duckdb.DuckDBPyConnection, task: IngestTask, types: Types) -> list[str]:
    return [
        f"column {name!r} only counts the rows, as a saved row number does, and is an input of the model: "
        "leave it out in prepare.sql, or write `columns: {id: …}` if it identifies the row"
        for name, kind in types.items()
        if kind == "integer" and name not in (task.label, task.id, task.time) and _counts(con, "clean", held(name), 1)
    ]


def _counts(con: duckdb.DuckDBPyConnection, table: str, name: str, files: int) -> bool:
    """Whether each value is its predecessor's plus one, but for new starts where a file begins."""
    one = con.execute(
        f"SELECT count(*) > 2 AND count(*) = count({name}) AND count(DISTINCT {name} - rowid) = 1 "
        f"FROM (SELECT {name}, rowid FROM {table} LIMIT {FIRST})"
    ).fetchone()
    if files == 1 and (not one or not one[0]):
        return False
    all_rows = con.execute(
        f"SELECT count(*) > 2 AND count(*) = count({name}) AND count(DISTINCT {name} - rowid) <= {files} FROM {table}"
    ).fetchone()
    return bool(all_rows and all_rows[0])


def splits(con: duckdb.DuckDBPyConnection, task: IngestTask, valid: Validated) -> list[str]:
    """Shares far from what was asked, and classes that a split has no row of."""
    asked = {"validation": task.validation_fraction, "test": task.test_fraction}
    asked["train"] = 1 - sum(asked.values())
    rows = dict(con.execute("SELECT split, count(*) FROM rows GROUP BY 1").fetchall())
    told = [
        f"the {name} split has {rows.get(name, 0) / valid.rows:.1%} of the rows where {share:.0%} were asked for"
        for name, share in asked.items()
        if abs(rows.get(name, 0) / valid.rows - share) > FAR * share
    ]
    if not valid.classes:
        return told
    there = set(con.execute(f"SELECT DISTINCT split, {held(task.label)}::VARCHAR FROM rows").fetchall())
    for name in ("train", "validation", "test"):
        lacks = [each for each in valid.classes if (name, each) not in there]
        if lacks:
            shown = ", ".join(map(repr, lacks[:MAX_NAMED])) + (" …" if len(lacks) > MAX_NAMED else "")
            told.append(f"the {name} split has no row of {len(lacks)} of {len(valid.classes)} classes: {shown}")
    return told
