"""From the number of values of each class to the type of a column, or to what is wrong with it. Pure."""

from dataclasses import dataclass

from modelward_contracts.manifests import ColumnType

from .text_values import Counts

MOSTLY = 0.9
"""From this share of numbers (dates, booleans) on a column is one of them, and the rest are faults to be told."""
WORTH_A_WORD = 0.1


@dataclass(frozen=True)
class Decision:
    type: ColumnType
    note: str | None = None
    otherwise: str = "columns.types says otherwise"
    """Beside the note: what to write if it is wrong."""
    fault: str | None = None
    """What it nearly is: numbers, dates; None: nothing is wrong."""


def decide(counts: Counts, stated: ColumnType | None, is_label: bool) -> Decision:
    """`stated`: the type that the Dataset states."""
    present = sum(counts.values()) - counts["missing"]
    if stated == "string":
        return Decision("string")
    if stated is not None:
        return Decision(stated, fault=stated if present - counts["marker"] > _fitting(counts, stated) else None)
    valued = present - counts["marker"]
    if valued == 0:
        what = "has no value at all" if present == 0 else "holds nothing but markers of missing values"
        return Decision("number", f"{what}: every row is missing")
    numbers = counts["integer"] + counts["wide"] + counts["number"] + counts["long"] + counts["infinite"]
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
    numbers = counts["integer"] + counts["wide"] + counts["number"] + counts["code"]
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
    if counts["number"] == counts["infinite"] == 0:
        return Decision("integer")
    rounded = counts["wide"] + counts["long"]
    note = f"{rounded} whole numbers of more than 15 digits are rounded, as others have fractions" if rounded else None
    return Decision("number", note)


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
    if counts["dated"] / valued >= MOSTLY:
        note = "its dates are in a form that is not read, for it may mean several, and it is taken for text"
        return Decision("string", note, "strptime in prepare.sql makes timestamps of it")
    for count, what in (
        (numbers + counts["code"], "numbers"),
        (dates, "dates"),
        (counts["boolean"], "true or false"),
    ):
        share = count / valued
        if share >= WORTH_A_WORD:
            return Decision(
                "string", f"{share:.0%} of its values are {what} and the others are not: it is taken for text"
            )
    return Decision("string")
