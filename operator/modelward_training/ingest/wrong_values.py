"""What a Dataset expects of each value by itself, as SQL that is true for those that are otherwise."""

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb

from modelward_contracts.manifests import ColumnType
from modelward_contracts.tasks import Expectation
from modelward_training.outcome import JobError

from .examples import one_row, value_of
from .prepare import Table

SQL_TYPES: dict[ColumnType, str] = {
    "boolean": "BOOLEAN",
    "integer": "BIGINT",
    "number": "DOUBLE",
    "string": "VARCHAR",
    "timestamp": "TIMESTAMP",
}


@dataclass(frozen=True)
class Wrong:
    """Values of `column` for which the SQL `where` is true are not as expected."""

    column: str
    expected: str
    where: str
    how: str
    """What is said of them: `below 0`."""


def wrong_values(
    con: duckdb.DuckDBPyConnection, where: str, each: Expectation, table: Table, present: dict[str, int]
) -> Iterator[Wrong]:
    """What is expected of each value by itself."""
    name = each.column
    if name is None or not present[name]:
        return
    kind, held = table.types[name], value_of(table, name)
    for said, bound, sign, how in (
        ("minimum", each.minimum, "<", "below"),
        ("maximum", each.maximum, ">", "above"),
    ):
        if bound is not None:
            comparable(kind, ("integer", "number"), where, name, said, "numbers")
            shown = plain(bound)
            yield Wrong(name, f"{said}: {shown}", f"{held} {sign} {shown}::DOUBLE", f"{how} {shown}")
    if each.values is not None:
        allowed = ", ".join(_literal(con, where, name, kind, each.values))
        is_in = f"{held} IN ({allowed})" if allowed else "false"
        shown = ", ".join(map(str, each.values))
        yield Wrong(name, f"in: [{shown}]", f"{held} IS NOT NULL AND NOT ({is_in})", "not among them")
    if each.matches is not None:
        comparable(kind, ("string",), where, name, "matches", "text")
        _pattern(con, where, name, each.matches)
        match = f"regexp_full_match({held}, {_text(each.matches)})"
        yield Wrong(name, f"matches: {each.matches!r}", f"NOT {match}", "of another form")


def comparable(kind: ColumnType, kinds: tuple[str, ...], where: str, name: str, said: str, what: str) -> None:
    if kind not in kinds:
        raise JobError(
            "InvalidExpectation",
            f"{where}: {said} is for {what}, and the column {name!r} is of type {kind}: correct the expectation, "
            "prepare.sql or columns.types",
        )


def _literal(
    con: duckdb.DuckDBPyConnection, where: str, name: str, kind: ColumnType, values: list[int | str]
) -> Iterator[str]:
    """The values that a column of that type can have: of integers, no fractions."""
    for value in values:
        text = _text(str(value))
        (found,) = one_row(con, f"SELECT TRY_CAST({text} AS {'DOUBLE' if kind == 'integer' else SQL_TYPES[kind]})")
        if found is None:
            raise JobError(
                "InvalidExpectation",
                f"{where}: in holds {value!r}, which is no {kind} as the column {name!r} is: correct the expectation, "
                "prepare.sql or columns.types",
            )
        if kind != "integer" or (found % 1 == 0 and abs(found) < 2**63):
            yield f"{text}::{SQL_TYPES[kind]}"


def _pattern(con: duckdb.DuckDBPyConnection, where: str, name: str, pattern: str) -> None:
    try:
        con.execute("SELECT regexp_full_match('', $1)", [pattern])
    except duckdb.Error as error:
        said = str(error).removeprefix("Invalid Input Error: ")
        raise JobError(
            "InvalidExpectation",
            f"{where}: matches of the column {name!r} is no regular expression as RE2 knows them: {said}",
        ) from error


def plain(value: float) -> str:
    return str(int(value)) if abs(value) < 2**53 and value == int(value) else repr(value)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
