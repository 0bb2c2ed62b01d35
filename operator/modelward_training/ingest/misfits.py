"""Values that are not of their column's type: which they are, how many, where the first one stands, what to write."""
# ruff: noqa: S608 - internal names only; users' texts are quoted by `text`

import re
from collections.abc import Callable
from dataclasses import dataclass

from modelward_contracts.manifests import ColumnType

from .column_type import Decision
from .text_cast import cast
from .text_values import Counts, Raw, class_of, code, trimmed

Place = Callable[[int], str]
"""Where a row of `raw` stands in the files."""
_CALLED = {"number": "numbers", "integer": "whole numbers", "timestamp": "dates", "boolean": "booleans"}
_NUMBERS = ("integer", "wide", "long", "number", "infinite", "code")


@dataclass(frozen=True)
class Misfits:
    usual: list[tuple[str, int, int]]
    """The three most frequent ones: value, count, first row."""
    different: int
    rows: int


def misfits(raw: Raw, number: int, decision: Decision) -> Misfits | None:
    wanted = _wanted(decision)
    allowed = ["missing", "marker", *(_NUMBERS if wanted == "number" else ["date"] if wanted == "timestamp" else [])]
    query = (
        f"SELECT rowid AS place, c{number} AS c, {trimmed(number)} AS v, {cast(raw, number, wanted)} AS typed FROM raw"
    )
    uncast = "typed IS NULL AND" if wanted in ("integer", "boolean") else ""
    found = raw.con.execute(
        f"SELECT c, count(*), min(place), count(*) OVER (), sum(count(*)) OVER () FROM ({query}) "
        f"WHERE {uncast} {class_of(raw)} NOT IN ({', '.join(str(code(name)) for name in allowed)}) "
        "GROUP BY 1 ORDER BY 2 DESC, 3 LIMIT 3"
    ).fetchall()
    return Misfits([each[:3] for each in found], *found[0][3:]) if found else None


def told(raw: Raw, number: int, decision: Decision, counts: Counts, found: Misfits, place: Place) -> str:
    name, what = raw.names[number], decision.fault or decision.type
    value, count, first = found.usual[0]
    present = sum(counts.values()) - counts["missing"]
    others = "".join(f", {shown(other)} ({times}×)" for other, times, _ in found.usual[1:])
    others += " …" if found.different > len(found.usual) else ""
    advice = []
    if raw.task.format == "csv":
        advice += [*_separators(raw, what, value), f"csv.nullValues: [{shown(value)}] if missing"]
    if raw.task.types.get(name) is None:
        key = name if name.isidentifier() else repr(name)
        advice.append(f"columns.types: {{{key}: string}} if it is text")
    write = f"write {', or '.join(advice)}" if advice else "correct columns.types"
    return (
        f"column {name!r}: {found.rows} of {present} values are not {_CALLED.get(what, what)}: {shown(value)} "
        f"({count}×, first in {place(first)}){others}; {write}, or mend the file"
    )


def _wanted(decision: Decision) -> ColumnType:
    match decision.fault:
        case "numbers":
            return "number"
        case "dates":
            return "timestamp"
    return decision.type


def _separators(raw: Raw, what: str, value: str) -> list[str]:
    if what not in ("numbers", "number", "integer"):
        return []
    if re.search(r"\d,\d", value):
        return ["csv.thousands or csv.decimal: ',' if it is one"]
    if raw.format.decimal == "," and re.search(r"\d\.\d", value):
        return ["csv.thousands or csv.decimal: '.' if it is one"]
    return []


def shown(value: str) -> str:
    return repr(value if len(value) <= 40 else value[:40] + "…")
