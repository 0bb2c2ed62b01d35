"""What each field of the table `raw` looks like, in classes; counted by a full scan in SQL."""
# ruff: noqa: S608 - internal names only; users' texts are quoted by `text`

import re
from dataclasses import dataclass

import duckdb

from modelward_contracts.tasks import IngestTask

MARKERS = (
    *("na", "n/a", "n.a.", "#n/a", "#na", "#n/a n/a", "<na>", "nan", "-nan", "1.#qnan", "-1.#ind"),
    *("null", "none", "nil", "?", "-", "--", ".", "\\n"),
)
"""Missing where the rest are numbers, dates or booleans, in any case; text elsewhere."""
CLASSES = (
    *("missing", "integer", "wide", "long", "code", "number", "marker"),
    *("boolean", "infinite", "date", "dated", "like", "text"),
)
"""Of whole numbers, `wide` are those that lose digits as a number with a fraction, `long` need more than 64 bits;
`dated` is a date that one reads so and another otherwise."""
_INTEGER = r"[+-]?(0|[1-9][0-9]*)"
_CODE = r"[+-]?0[0-9]+"
_DATE = (
    r"[0-9]{4}[-/][0-9]{1,2}[-/][0-9]{1,2}"
    r"([ T][0-9]{1,2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?( ?(Z|UTC|[+-][0-9]{2}(:?[0-9]{2})?))?)?"
)
_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DATED = (
    r"[0-9]{1,2}[./-][0-9]{1,2}[./-][0-9]{4}([ T,].*)?|[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{1,2}:[0-9]{2}.*|"
    rf"(?i:([a-z]+,? )?[0-9]{{1,2}}[- ]({_MONTHS})[a-z]*[-, ]+[0-9]{{2,4}}.*)|[0-9]{{8}}T[0-9]{{4,6}}Z?"
)
_LIKE = r"[-+(−]{0,2}[$€£¥]?\s?[-+−]?[0-9]+([., '\x{00a0}\x{2009}\x{202f}][0-9]+)*\s?[%€$£¥)]?"
_NOT_LIKE = r"[0-9]+([. ][0-9]+){2,}|[0-9]+ [0-9 ]+"
EXACT = 2**53
"""Whole numbers up to here are exact as floating point numbers."""
_SPACE = " \t\n\r\u00a0"

Counts = dict[str, int]


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
class Raw:
    """The table `raw`, the names of its columns c0, c1, …, and how numbers are written in it."""

    con: duckdb.DuckDBPyConnection
    names: list[str]
    task: IngestTask
    format: Format


def counted(raw: Raw) -> list[Counts]:
    """Per column how many values there are of each class. One query each: planning them as one takes longer."""
    kind = class_of(raw)
    found = []
    for number in range(len(raw.names)):
        rows = raw.con.execute(f"SELECT {kind} AS kind, count(*) FROM {values(number)} GROUP BY 1").fetchall()
        found.append(dict.fromkeys(CLASSES, 0) | {CLASSES[code]: count for code, count in rows})
    return found


def values(number: int) -> str:
    """A column's fields as they are (c) and without space around them (v), with their row's number."""
    return f"(SELECT rowid AS place, c{number} AS c, {trimmed(number)} AS v FROM raw)"


def trimmed(number: int) -> str:
    return trim(f"c{number}")


def trim(value: str) -> str:
    """Without space around it. `trim` itself takes many times as long as to see that there is none."""
    ends = " OR ".join(f"prefix({value}, '{each}') OR suffix({value}, '{each}')" for each in _SPACE)
    return f"CASE WHEN {ends} THEN trim({value}, '{_SPACE}') ELSE {value} END"


def class_of(raw: Raw) -> str:
    """SQL for the class of `values`, by its number in CLASSES."""
    cases = (
        (f"v IS NULL OR v = '' OR {stated_null('v', raw.task)}", "missing"),
        (f"regexp_full_match(v, {text(_INTEGER)})", None),
        (f"regexp_full_match(v, {text(raw.format.number)})", "number"),
        (_if_short(is_marker("v")), "marker"),
        (_if_short("lower(v) IN ('true', 'false')"), "boolean"),
        (_if_short("regexp_full_match(lower(v), '[+-]?inf(inity)?')"), "infinite"),
        (f"regexp_full_match(v, {text(_DATE)}) AND TRY_CAST(v AS TIMESTAMPTZ) IS NOT NULL", "date"),
        (f"strlen(v) BETWEEN 8 AND 40 AND regexp_full_match(v, {text(_DATED)})", "dated"),
        (f"regexp_full_match(v, {text(_LIKE)}) AND NOT regexp_full_match(v, {text(_NOT_LIKE)})", "like"),
    )
    wide = f"CASE WHEN abs(v::HUGEINT) > {EXACT} THEN {code('wide')} ELSE {code('integer')} END"
    long = f"CASE WHEN TRY_CAST(v AS BIGINT) IS NULL THEN {code('long')} ELSE {wide} END"
    # A number that is no integer and yet has digits only begins with 0.
    plain = f"CASE WHEN regexp_full_match(v, {text(_CODE)}) THEN {code('code')} ELSE {code('number')} END"
    then = {None: long, "number": plain}
    whens = " ".join(f"WHEN {condition} THEN {then.get(name) or code(name or '')}" for condition, name in cases)
    return f"CASE {whens} ELSE {code('text')} END"


def _if_short(condition: str) -> str:
    """For words of at most 9 bytes: in long texts they need not be looked for."""
    return f"CASE WHEN strlen(v) <= 9 THEN {condition} ELSE false END"


def code(name: str) -> int:
    return CLASSES.index(name)


def is_marker(value: str) -> str:
    return f"lower({value}) IN ({', '.join(map(text, MARKERS))})"


def stated_null(value: str, task: IngestTask) -> str:
    nulls = task.csv.null_values
    return f"{value} IN ({', '.join(text(null.strip()) for null in nulls)})" if nulls else "false"


def text(value: str) -> str:
    """As a literal of SQL."""
    return "'" + value.replace("'", "''") + "'"
