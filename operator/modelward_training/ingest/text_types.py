"""Which type a column of text has: one rule over all rows of all files (docs/data.md states it for users).

Every value falls into one class, counted by a full scan in SQL; what the counts mean is decided by `decide`, which is
pure. Text that is text stays text; a column of numbers, dates or booleans with a few other values is refused with the
values and where they stand, for nobody can know whether they mean missing, a typing error or text.
"""
# ruff: noqa: S608 - internal names only; users' texts are quoted by `text`

import re
from collections.abc import Callable
from dataclasses import dataclass

import duckdb

from modelward_contracts.manifests import ColumnType
from modelward_contracts.tasks import IngestTask
from modelward_training.outcome import JobError

from .columns import absent

MARKERS = (
    *(
        "na",
        "n/a",
        "n.a.",
        "#n/a",
        "#na",
        "#n/a n/a",
        "<na>",
        "nan",
        "-nan",
        "1.#qnan",
        "-1.#ind",
        "null",
        "none",
        "nil",
    ),
    *("?", "-", "--", ".", "\\n"),
)
"""Missing where the rest are numbers, dates or booleans, in any case; text elsewhere."""
MOSTLY = 0.9
"""From this share of numbers (dates, booleans) on a column is one of them, and the rest are faults to be told."""
WORTH_A_WORD = 0.1
CLASSES = ("missing", "integer", "long", "code", "number", "marker", "boolean", "infinite", "date", "like", "text")
_INTEGER = r"[+-]?(0|[1-9][0-9]*)"
_CODE = r"[+-]?0[0-9]+"
_DATE = (
    r"[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}"
    r"([ T][0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?( ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2})?))?)?"
)
_LIKE = r"[-+(]{0,2}[$€£¥]?\s?[-+]?[0-9]+([., '\x{00a0}][0-9]+)*\s?[%€$£¥)]?"
_NOT_LIKE = r"[0-9]+([. ][0-9]+){2,}|[0-9]+ [0-9 ]+"
_SPACE = "' ' || chr(9) || chr(10) || chr(13) || chr(160)"


@dataclass(frozen=True)
class Format:
    decimal: str = "."
    thousands: str = ""

    @property
    def number(self) -> str:
        point = re.escape(self.decimal)
        plain = rf"[0-9]+({point}[0-9]*)?|{point}[0-9]+"
        if self.thousands:
            plain += rf"|[0-9]{{1,3}}({re.escape(self.thousands)}[0-9]{{3}})+({point}[0-9]*)?"
        return rf"[+-]?({plain})([eE][+-]?[0-9]+)?"


@dataclass(frozen=True)
class Decision:
    type: ColumnType
    note: str | None = None
    fault: str | None = None
    """What it nearly is: numbers, dates; None: nothing is wrong."""


@dataclass(frozen=True)
class Typed:
    expressions: list[str]
    guessed: set[str]
    format: Format
    format_guessed: bool
    warnings: list[str]


Counts = dict[str, int]
Place = Callable[[int], str]


def decide(counts: Counts, stated: ColumnType | None, is_label: bool) -> Decision:
    """Pure: from the number of values of each class to the column's type."""
    present = sum(counts.values()) - counts["missing"]
    if stated == "string":
        return Decision("string")
    if stated is not None:
        return Decision(stated, fault=stated if present - counts["marker"] > _fitting(counts, stated) else None)
    valued = present - counts["marker"]
    if valued == 0:
        what = "has no value at all" if present == 0 else "holds nothing but markers of missing values"
        return Decision("number", f"{what}: every row is missing")
    numbers = counts["integer"] + counts["number"] + counts["long"] + counts["infinite"]
    numeric = numbers + counts["code"]
    if numeric == valued:
        return _numeric(counts)
    if counts["date"] == valued:
        return Decision("timestamp")
    if counts["boolean"] == valued:
        return Decision("boolean")
    return _mixed(counts, valued, numbers, is_label)


def _fitting(counts: Counts, stated: ColumnType) -> int:
    """Values that can be of the stated type; integers are checked one by one when they are cast."""
    numbers = counts["integer"] + counts["number"] + counts["code"]
    match stated:
        case "integer":
            return numbers
        case "number":
            return numbers + counts["long"] + counts["infinite"]
        case "timestamp":
            return counts["date"]
        case "boolean":
            return sum(counts.values())
    return sum(counts.values())


def _numeric(counts: Counts) -> Decision:
    if counts["code"]:
        return Decision("string", f"{counts['code']} values begin with 0, so it is taken for codes and not for numbers")
    if counts["number"] == 0 and counts["long"]:
        return Decision("string", f"{counts['long']} whole numbers take more than 64 bits, so it is taken for text")
    return Decision("number" if counts["number"] or counts["infinite"] else "integer")


def _mixed(counts: Counts, valued: int, numbers: int, is_label: bool) -> Decision:
    like, dates = counts["like"], counts["date"]
    enough = 0.5 if is_label else MOSTLY
    if counts["code"] == 0 and numbers and (numbers + like) / valued >= enough:
        return Decision("string", fault="numbers")
    if dates / valued >= enough:
        return Decision("string", fault="dates")
    if numbers == 0 and like / valued >= MOSTLY:
        note = f"{like} values look like numbers with signs or separators, and it is taken for text"
        return Decision("string", note, fault="numbers" if is_label else None)
    for share, what in ((numbers + counts["code"]) / valued, "numbers"), (dates / valued, "dates"):
        if share >= WORTH_A_WORD:
            return Decision(
                "string", f"{share:.0%} of its values are {what} and the others are not: it is taken for text"
            )
    return Decision("string")


def choose(con: duckdb.DuckDBPyConnection, names: list[str], task: IngestTask, place: Place) -> Typed:
    unknown = [name for name in task.types if name not in names]
    if unknown:
        raise JobError("ColumnMissing", f"columns.types: {absent(unknown[0], names)}")
    format_ = Format(task.csv.decimal or ".", task.csv.thousands or "")
    counted = _counted(con, len(names), task, format_)
    guessed = False
    if task.csv.decimal is None and task.csv.thousands is None and _commas(con, names, counted, task):
        format_, guessed = Format(","), True
        counted = _counted(con, len(names), task, format_)
    decided = [
        decide(counts, task.types.get(name), name == task.label) for name, counts in zip(names, counted, strict=True)
    ]
    faults = [number for number, each in enumerate(decided) if each.fault]
    expressions = [_typed(number, each.type, task, format_) for number, each in enumerate(decided)]
    for number, each in enumerate(decided):
        cast = task.types.get(names[number]) in ("integer", "boolean") and number not in faults
        if cast and _leftovers(con, number, each, task, format_):
            faults.append(number)
    if faults:
        told = [_fault(con, number, names, decided, counted, task, format_, place) for number in faults[:3]]
        more = f"; {len(faults) - 3} more columns are alike" if len(faults) > 3 else ""
        raise JobError("InvalidColumn", "; ".join(told) + more)
    return Typed(
        expressions,
        {name for name in names if name not in task.types},
        format_,
        guessed,
        _warnings(names, decided, counted, guessed),
    )


def _counted(con: duckdb.DuckDBPyConnection, width: int, task: IngestTask, format_: Format) -> list[Counts]:
    """One query a column: planning them as one takes longer than reading."""
    kind = _class(task, format_)
    found = []
    for number in range(width):
        rows = con.execute(f"SELECT {kind} AS kind, count(*) FROM {_values(number)} GROUP BY 1").fetchall()
        found.append(dict.fromkeys(CLASSES, 0) | {CLASSES[code]: count for code, count in rows})
    return found


def _values(number: int) -> str:
    """A column's fields as they are (c) and without space around them (v)."""
    return f"(SELECT rowid AS place, c{number} AS c, trim(c{number}, {_SPACE}) AS v FROM raw)"


def _class(task: IngestTask, format_: Format) -> str:
    """The class of `_values`, by its number in CLASSES."""
    cases = (
        (f"v IS NULL OR v = ''{_null('v', task)}", "missing"),
        (f"regexp_full_match(v, {text(_INTEGER)})", None),
        (f"regexp_full_match(v, {text(format_.number)})", "number"),
        (f"lower(v) IN ({', '.join(map(text, MARKERS))})", "marker"),
        ("lower(v) IN ('true', 'false')", "boolean"),
        ("regexp_full_match(lower(v), '[+-]?inf(inity)?')", "infinite"),
        (f"regexp_full_match(v, {text(_DATE)}) AND TRY_CAST(v AS TIMESTAMPTZ) IS NOT NULL", "date"),
        (f"regexp_full_match(v, {text(_LIKE)}) AND NOT regexp_full_match(v, {text(_NOT_LIKE)})", "like"),
    )
    long = f"CASE WHEN TRY_CAST(v AS BIGINT) IS NULL THEN {_code('long')} ELSE {_code('integer')} END"
    # A number that is no integer and yet has digits only begins with 0.
    plain = f"CASE WHEN regexp_full_match(v, {text(_CODE)}) THEN {_code('code')} ELSE {_code('number')} END"
    then = {None: long, "number": plain}
    whens = " ".join(f"WHEN {condition} THEN {then.get(name) or _code(name or '')}" for condition, name in cases)
    return f"CASE {whens} ELSE {_code('text')} END"


def _code(name: str) -> int:
    return CLASSES.index(name)


def _null(value: str, task: IngestTask) -> str:
    nulls = task.csv.null_values
    return f" OR {value} IN ({', '.join(text(null.strip()) for null in nulls)})" if nulls else ""


def _commas(con: duckdb.DuckDBPyConnection, names: list[str], counted: list[Counts], task: IngestTask) -> bool:
    """Whether commas can be nothing but decimal: some column has only such numbers, and none has points."""
    if any(decide(counts, None, False).type == "number" and counts["number"] for counts in counted):
        return False
    columns = [n for n, counts in enumerate(counted) if counts["like"] and not counts["text"]]
    for number in columns:
        if task.types.get(names[number]) == "string":
            continue
        grouped = "[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+"
        comma = f"regexp_full_match(v, {text(Format(',').number)})"
        row = con.execute(
            f"SELECT bool_and({comma} OR lower(v) IN ({', '.join(map(text, MARKERS))})), "
            f"bool_or(contains(v, ',') AND NOT regexp_full_match(v, {text(grouped)})) "
            f"FROM {_values(number)} WHERE v <> '' AND NOT (false{_null('v', task)})"
        ).fetchone()
        if row == (True, True):
            return True
    return False


def _typed(number: int, kind: ColumnType, task: IngestTask, format_: Format) -> str:
    """SQL over `raw` for the column's values. What is no such value (a marker, for numbers) is NULL."""
    value = f"trim(c{number}, {_SPACE})"
    plain = value
    if format_.thousands:
        plain = f"replace({plain}, {text(format_.thousands)}, '')"
    if format_.decimal != ".":
        plain = f"replace({plain}, {text(format_.decimal)}, '.')"
    truth = "('true', 'yes', 'y', 't', 'on', '1')", "('false', 'no', 'n', 'f', 'off', '0')"
    typed = {
        "integer": f"CASE WHEN TRY_CAST({plain} AS DOUBLE) % 1 = 0 THEN TRY_CAST({plain} AS BIGINT) END",
        "number": f"CASE WHEN lower({value}) NOT IN ('nan', '-nan') THEN TRY_CAST({plain} AS DOUBLE) END",
        "boolean": f"CASE WHEN lower({value}) IN {truth[0]} THEN true WHEN lower({value}) IN {truth[1]} THEN false END",
        "timestamp": f"TRY_CAST({value} AS TIMESTAMPTZ)::TIMESTAMP",
        "string": f"CASE WHEN {value} <> '' THEN c{number} END",
    }[kind]
    return f"CASE WHEN NOT (false{_null(value, task)}) THEN {typed} END" if task.csv.null_values else typed


def _leftovers(
    con: duckdb.DuckDBPyConnection, number: int, decision: Decision, task: IngestTask, format_: Format
) -> list[tuple[str, int, int, int, int]]:
    """The usual values that are neither missing nor of the column's kind: value, count, first row; and how many such
    values there are, and how many rows have one."""
    wanted: ColumnType = {"numbers": "number", "dates": "timestamp"}.get(decision.fault or "", decision.type)  # type: ignore[assignment]
    allowed = [_code("missing"), _code("marker")]
    if wanted == "number":
        allowed += [_code(name) for name in ("integer", "long", "number", "infinite", "code")]
    elif wanted == "timestamp":
        allowed.append(_code("date"))
    typed = _typed(number, wanted, task, format_)
    query = f"SELECT rowid AS place, c{number} AS c, trim(c{number}, {_SPACE}) AS v, {typed} AS typed FROM raw"
    uncast = "typed IS NULL AND" if wanted in ("integer", "boolean") else ""
    return con.execute(
        f"SELECT c, count(*), min(place), count(*) OVER (), sum(count(*)) OVER () FROM ({query}) "
        f"WHERE {uncast} {_class(task, format_)} NOT IN ({', '.join(map(str, allowed))}) "
        "GROUP BY 1 ORDER BY 2 DESC, 3 LIMIT 3"
    ).fetchall()


def _fault(
    con: duckdb.DuckDBPyConnection,
    number: int,
    names: list[str],
    decided: list[Decision],
    counted: list[Counts],
    task: IngestTask,
    format_: Format,
    place: Place,
) -> str:
    name, decision = names[number], decided[number]
    found = _leftovers(con, number, decision, task, format_)
    present = sum(counted[number].values()) - counted[number]["missing"]
    value, count, first, *_ = found[0]
    others = "".join(f", {_shown(each[0])} ({each[1]}×)" for each in found[1:]) + (" …" if found[0][3] > 3 else "")
    rest, what = found[0][4], decision.fault or decision.type
    advice = [f"csv.nullValues: [{_shown(value)}] if missing"]
    if what in ("numbers", "number", "integer"):
        if re.search(r"\d,\d", value):
            advice.insert(0, "csv.thousands or csv.decimal: ',' if it is one")
        elif format_.decimal == "," and re.search(r"\d\.\d", value):
            advice.insert(0, "csv.thousands or csv.decimal: '.' if it is one")
    if task.types.get(name) is None:
        advice.append(f"columns.types: {{{name}: string}} if it is text")
    kinds = {"number": "numbers", "integer": "whole numbers", "timestamp": "dates", "boolean": "booleans"}.get(
        what, what
    )
    return (
        f"column {name!r}: {rest} of {present} values are not {kinds}: {_shown(value)} ({count}×, first in "
        f"{place(first)}){others}; write {', or '.join(advice)}, or mend the file"
    )


def _warnings(names: list[str], decided: list[Decision], counted: list[Counts], commas: bool) -> list[str]:
    found = [
        f"column {name!r}: {each.note}; columns.types says otherwise"
        for name, each in zip(names, decided, strict=True)
        if each.note
    ]
    marked = [
        f"{name} ({counts['marker']})"
        for name, counts, each in zip(names, counted, decided, strict=True)
        if counts["marker"] and each.type != "string" and not each.note
    ]
    if marked:
        shown = ", ".join(marked[:10]) + (f" and {len(marked) - 10} more" if len(marked) > 10 else "")
        found.insert(0, f"NA, ? and the like are read as missing in {shown}")
    if commas:
        found.insert(0, "numbers are read with a decimal comma; `csv: {decimal: …}` says otherwise")
    return found


def text(value: str) -> str:
    """As a literal of SQL."""
    return "'" + value.replace("'", "''") + "'"


def _shown(value: str) -> str:
    return repr(value if len(value) <= 40 else value[:40] + "…")
