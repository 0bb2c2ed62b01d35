"""Whether commas in numbers can be nothing but decimal: some column has only such numbers, and none has points."""
# ruff: noqa: S608 - internal names only; users' texts are quoted by `text`

from .column_type import decide
from .text_values import Counts, Format, Raw, is_marker, stated_null, text, values

_GROUPED = "[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+"
"""Might be thousands as well."""


def decimal_commas(raw: Raw, counted: list[Counts]) -> bool:
    if any(decide(counts, None, False).type == "number" and counts["number"] for counts in counted):
        return False
    likely = [number for number, counts in enumerate(counted) if counts["like"] and not counts["text"]]
    return any(_only(raw, number) for number in likely if raw.task.types.get(raw.names[number]) != "string")


def _only(raw: Raw, number: int) -> bool:
    row = raw.con.execute(
        f"SELECT bool_and(regexp_full_match(v, {text(Format(',').number)}) OR {is_marker('v')}), "
        f"bool_or(contains(v, ',') AND NOT regexp_full_match(v, {text(_GROUPED)})) "
        f"FROM {values(number)} WHERE v <> '' AND NOT {stated_null('v', raw.task)}"
    ).fetchone()
    return row == (True, True)
