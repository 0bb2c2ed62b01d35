"""Which type a column of JSON lines has: JSON says of each value whether it is text, a number or a boolean, and one
rule over all lines of all files says what the column is (docs/data.md states it for users).

Text is text, and dates where all of it is. A column that holds numbers here and text there is refused with the values
and where they stand, until `columns.types` says what it is; then the rules of text decide about each value.
"""
# ruff: noqa: S608 - internal names only; users' texts are quoted by `text`

from dataclasses import dataclass

import duckdb

from modelward_contracts.tasks import IngestTask
from modelward_training.outcome import JobError

from .column_type import Decision, decide
from .columns import absent
from .misfits import Place, misfits, shown, told
from .text_cast import cast
from .text_types import some, warnings
from .text_values import CLASSES, Counts, Format, Raw, class_of, trimmed

BARE, QUOTED, NESTED = 0, 1, 2
"""How a value stands in the file."""
_NUMBERS = ("integer", "wide", "long", "number", "infinite")


@dataclass(frozen=True)
class Typed:
    expressions: list[str]
    guessed: set[str]
    """Columns of text that are read as dates."""
    warnings: list[str]


@dataclass(frozen=True)
class Group:
    """Values of a column that stand alike and are of one class (`text_values`)."""

    stood: int | None
    kind: str
    count: int
    first: int
    """rowid"""
    example: str


def choose(con: duckdb.DuckDBPyConnection, names: list[str], task: IngestTask, place: Place) -> Typed:
    for name in task.types:
        if name not in names:
            raise JobError("ColumnMissing", f"columns.types: {absent(name, names)}")
    raw = Raw(con, names, task, Format())
    groups = [_groups(raw, number) for number in range(len(names))]
    faults = [fault for number, found in enumerate(groups) if (fault := _fault(raw, number, found, place)) is not None]
    decided = [] if faults else [_decided(raw, number, found) for number, found in enumerate(groups)]
    for number, (decision, counts) in enumerate(decided):
        if decision.fault or task.types.get(names[number]) in ("integer", "boolean"):
            found = misfits(raw, number, decision)
            if found:
                faults.append(told(raw, number, decision, counts, found, place))
    if faults:
        more = f"; {len(faults) - 3} more columns are alike" if len(faults) > 3 else ""
        raise JobError("InvalidColumn", "; ".join(faults[:3]) + more)
    return Typed(
        [_expression(raw, number, decision) for number, (decision, _) in enumerate(decided)],
        {n for n, (each, _) in zip(names, decided, strict=True) if each.type == "timestamp" and n not in task.types},
        _warnings(raw, decided, groups),
    )


def _groups(raw: Raw, number: int) -> list[Group]:
    rows = raw.con.execute(
        f"SELECT q, {class_of(raw)} AS kind, count(*), min(place), arg_min(c, place) FROM (SELECT rowid AS place, "
        f"c{number} AS c, {trimmed(number)} AS v, CASE WHEN c{number} IS NOT NULL THEN q{number} END AS q FROM raw) "
        "GROUP BY 1, 2 ORDER BY 4"
    ).fetchall()
    return [Group(stood, CLASSES[kind], *rest) for stood, kind, *rest in rows]


def _fault(raw: Raw, number: int, groups: list[Group], place: Place) -> str | None:
    """What only the Dataset can decide."""
    name = raw.names[number]
    stated, key = raw.task.types.get(name), name if name.isidentifier() else repr(name)
    nested = next((each for each in groups if each.stood == NESTED), None)
    if nested and stated != "string":
        return (
            f"column {name!r} holds objects or lists, first in {place(nested.first)}: write "
            f"`columns: {{types: {{{key}: string}}}}` to have them as JSON text, of which prepare.sql takes what it "
            f"needs: {key}->>'$.name'"
        )
    families = {
        "numbers": [each for each in groups if each.stood == BARE and each.kind in _NUMBERS],
        "booleans": [each for each in groups if each.stood == BARE and each.kind == "boolean"],
        "texts": [each for each in groups if each.stood == QUOTED],
    }
    mixed = {what: found for what, found in families.items() if found}
    if stated or len(mixed) < 2:
        return None
    return (
        f"column {name!r} mixes "
        + " and ".join(_some(what, found, place) for what, found in mixed.items())
        + ": write "
        f"`columns: {{types: {{{key}: string}}}}` if it is text, or another type; empty text, NA and the like are "
        "missing then"
    )


def _some(what: str, groups: list[Group], place: Place) -> str:
    first = min(groups, key=lambda each: each.first)
    example = shown(first.example) if what == "texts" else first.example[:40]
    count = sum(each.count for each in groups)
    return f"{count} {what if count > 1 else what[:-1]} ({example} is the first, in {place(first.first)})"


def _decided(raw: Raw, number: int, groups: list[Group]) -> tuple[Decision, Counts]:
    name, counts = raw.names[number], dict.fromkeys(CLASSES, 0)
    stated = raw.task.types.get(name)
    as_text = stated is None and any(each.stood == QUOTED for each in groups)
    for each in groups:
        text = as_text and each.stood == QUOTED and each.kind not in ("missing", "marker", "date")
        counts["text" if text else each.kind] += each.count
    if as_text and not counts["date"]:
        return Decision("string"), counts
    return decide(counts, stated, name == raw.task.label), counts


def _expression(raw: Raw, number: int, decision: Decision) -> str:
    """Text stays as it is, the empty one too."""
    return f"c{number}" if decision.type == "string" else cast(raw, number, decision.type)


def _warnings(raw: Raw, decided: list[tuple[Decision, Counts]], groups: list[list[Group]]) -> list[str]:
    found = warnings(raw.names, [each for each, _ in decided], [counts for _, counts in decided])
    spoken = {raw.task.id, raw.task.label, raw.task.time, raw.task.group, *raw.task.types}
    in_quotes = [
        repr(name)
        for name, each in zip(raw.names, groups, strict=True)
        if name not in spoken and (there := [group for group in each if group.stood == QUOTED])
        if all(group.kind in ("integer", "number") for group in there)
    ]
    if in_quotes:
        found.append(
            f"numbers in quotes are text, as all are of {some(in_quotes)}: columns.types makes numbers of them"
        )
    return found
