"""Each CSV column's type, by one rule over all values of all files (docs/data.md has it in words).

All values of one kind give that type; the usual markers of missing values are set aside. A column that is numbers but
for a few values (a tenth at most) is refused with the value, its place and the fields that settle it: as text it would
be lost to the model, as gaps the values would be. Other columns are text, and what is odd about them is told.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from .values import Kind

NEARLY = 0.9
NUMBERS: tuple[Kind, ...] = (Kind.INTEGER, Kind.NUMBER, Kind.INFINITE)


@dataclass(frozen=True)
class Choice:
    """A ColumnType, or the form of a date; with what is to be told, and the kinds of values that it would lose."""

    type: str
    told: str = ""
    lost: tuple[Kind, ...] = ()


def choose(tally: Counter[Kind], day: int = 0, month: int = 0) -> Choice:
    """`day` and `month`: the largest first and second part of the dates like 1/2/2013."""
    tally = Counter({kind: count for kind, count in tally.items() if count and kind != Kind.MISSING})
    values: Counter[Kind] = Counter({kind: count for kind, count in tally.items() if kind != Kind.MARKER})
    filled = values.total()
    if not filled:
        return Choice("string", "has no value but markers of missing ones" if tally else "has no value at all")
    if _only(values, NUMBERS):
        return _number(values)
    if _only(values, (Kind.BOOLEAN,)):
        return Choice("boolean")
    if _only(values, (Kind.ISO,)):
        return Choice("timestamp")
    if _only(values, (Kind.DAY,)):
        return _date(day, month)
    if _only(values, (*NUMBERS, Kind.CODE, Kind.LONG)):
        why = "leading zeros, as codes have" if values[Kind.CODE] else "more than 64 bits, as identifiers have"
        return Choice("string", f"is text: some of its numbers have {why}; `types` takes them as numbers")
    if _share(values, (*NUMBERS, Kind.COMMA, Kind.SEPARATED)) >= NEARLY:
        return Choice("number", lost=_others(values, NUMBERS))
    if _share(values, (Kind.ISO,)) >= NEARLY:
        return Choice("timestamp", lost=_others(values, (Kind.ISO,)))
    if _share(values, (Kind.DAY,)) >= NEARLY:
        return Choice("timestamp", lost=_others(values, (Kind.DAY,)))
    share = _share(values, (*NUMBERS, Kind.COMMA, Kind.SEPARATED))
    odd = f"is text, though {share:.0%} of its values are numbers" if share >= 0.5 else ""
    return Choice("string", odd)


def _number(values: Counter[Kind]) -> Choice:
    return Choice("integer" if _only(values, (Kind.INTEGER,)) else "number")


def _date(day: int, month: int) -> Choice:
    if day > 12 >= month:
        return Choice("day", "holds dates with the day first, by the rows with days above 12")
    if month > 12 >= day:
        return Choice("month", "holds dates with the month first, by the rows with days above 12")
    return Choice("string", "is text: no row tells day from month; write its form in `types`, '%d/%m/%Y' or '%m/%d/%Y'")


def _only(values: Counter[Kind], kinds: Iterable[Kind]) -> bool:
    return set(values) <= set(kinds)


def _share(values: Counter[Kind], kinds: Iterable[Kind]) -> float:
    return sum(values[kind] for kind in set(kinds)) / values.total()


def _others(values: Counter[Kind], kinds: Iterable[Kind]) -> tuple[Kind, ...]:
    return tuple(sorted(set(values) - set(kinds)))
