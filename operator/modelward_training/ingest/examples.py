"""Values as examples: what a person sees of data that is not as it should be."""
# ruff: noqa: S608 - names are ours; SQL of others runs behind locked doors

from typing import Any

import duckdb

from .prepare import Table

EXAMPLES = 5
SHOWN = 60
"""Characters of an example."""


def examples_of(con: duckdb.DuckDBPyConnection, table: Table, name: str, where: str, having: str = "") -> str:
    """The most frequent ones."""
    if name in table.unseen:
        return "not shown, as columns.pii names it"
    value = value_of(table, name)
    found = con.execute(
        f"SELECT {value}::VARCHAR, count(*), count(*) OVER () FROM clean WHERE ({where}) AND {value} IS NOT NULL "
        f"GROUP BY {value} {having} ORDER BY 2 DESC, {value} LIMIT {EXAMPLES}"
    ).fetchall()
    plain = table.types[name] in ("integer", "number", "boolean")
    shown = [
        (str(text) if plain else repr(cut(text, SHOWN))) + (f" ({times} rows)" if times > 1 else "")
        for text, times, _ in found
    ]
    return ", ".join(shown) + (f" and {found[0][2] - EXAMPLES} more" if found and found[0][2] > EXAMPLES else "")


def value_of(table: Table, name: str) -> str:
    """The column in `clean`, NULL where it is missing."""
    return f"nullif({table.sql(name)}, '')" if table.types[name] == "string" else table.sql(name)


def cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def one_row(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    found = con.execute(sql).fetchone()
    assert found is not None
    return found
