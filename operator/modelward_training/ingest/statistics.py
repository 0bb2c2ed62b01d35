"""Per column what a person or a later check wants to know, exact, so that the same data gives the same digest."""
# ruff: noqa: S608 - names are quoted by `quoted`, the rest is ours; the user's own SQL runs behind locked doors

from collections.abc import Iterable
from typing import Any

import duckdb
from msgspec.structs import replace

from modelward_contracts.reports import (
    FEW_ROWS,
    MAX_STATISTICS,
    MAX_VALUE,
    QUANTILES,
    ColumnStatistics,
    TopValue,
)
from modelward_contracts.wire import canonical

from .prepare import Table

DECILES = tuple(tenths / 10 for tenths in range(1, 10))
"""Between bins of equal frequency; a value that fills several makes one of them."""
TOP = 20
COUNTING = 10
"""Rows that may count by chance."""


def statistics(con: duckdb.DuckDBPyConnection, table: Table) -> dict[str, Any]:
    return {
        name: _column(con, table.sql(name), kind, name not in table.unseen)
        for name, kind in sorted(table.types.items())
    }


def _column(con: duckdb.DuckDBPyConnection, name: str, kind: str, shown: bool) -> dict[str, Any]:
    has_top = shown and kind in ("string", "boolean", "integer")
    count, nulls, distinct, top = _values(con, name, has_top)
    found: dict[str, Any] = {"type": kind, "count": count, "nulls": nulls, "distinct": distinct}
    if not shown:
        return found
    if kind in ("integer", "number"):
        found |= _numeric(con, name)
    elif kind == "timestamp":
        low, high = _one(con, f"min({name})::VARCHAR, max({name})::VARCHAR")
        found |= {"minimum": low, "maximum": high}
    if has_top:
        found["top"] = [{"value": value, "count": -times} for times, value in top or []]
    return found


def _values(con: duckdb.DuckDBPyConnection, name: str, has_top: bool) -> tuple[Any, ...]:
    """Rows, those without a value, different values, and the most frequent ones with -count; grouped only once."""
    top = f"min((-n, v::VARCHAR), {TOP}) FILTER (v IS NOT NULL)" if has_top else "NULL"
    return _row(
        con,
        f"SELECT sum(n), coalesce(sum(n) FILTER (v IS NULL), 0), count(v), {top} "
        f"FROM (SELECT {name} AS v, count(*) AS n FROM rows GROUP BY v)",
    )


def _numeric(con: duckdb.DuckDBPyConnection, name: str) -> dict[str, Any]:
    points = ", ".join(map(str, (*QUANTILES, *DECILES)))
    low, high, mean, deviation, found = _one(
        con, f"min({name}), max({name}), avg({name}), stddev_samp({name}), quantile_disc({name}, [{points}])"
    )
    rounded = {"mean": _rounded(mean), "deviation": _rounded(deviation)}
    quantiles = dict(zip(map(str, QUANTILES), found or [], strict=False))
    numeric = {"minimum": low, "maximum": high, **rounded, "quantiles": quantiles}
    if not found:
        return numeric
    cuts = sorted(set(found[len(QUANTILES) :]))
    return numeric | {"bins": {"cuts": cuts, "counts": binned(con, name, cuts)}}


def binned(con: duckdb.DuckDBPyConnection, name: str, cuts: list[float]) -> list[int]:
    """Bin i holds the values above `cuts[i - 1]` up to `cuts[i]`; what the next version is compared with."""
    upto = list(_one(con, ", ".join([*(f"count_if({name} <= {cut!r}::DOUBLE)" for cut in cuts), f"count({name})"])))
    return [high - low for low, high in zip([0, *upto], upto, strict=False)]


def _one(con: duckdb.DuckDBPyConnection, columns: str) -> tuple[Any, ...]:
    return _row(con, f"SELECT {columns} FROM rows")


def _row(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    row = con.execute(sql).fetchone()
    assert row is not None
    return row


def _rounded(value: float | None) -> float | None:
    """Sums of floats depend on their order in the last digits; what is stored must not."""
    return None if value is None else float(f"{value:.9g}")


def counters(described: dict[str, Any]) -> list[str]:
    """Columns that only number the rows: a model learns the order in which rows were saved."""
    return [
        f"the column {name!r} only counts: {found['minimum']} to {found['maximum']}, each once. If it numbers the "
        "rows, write it as columns.id or leave it out in prepare.sql, or the model learns the order of the rows"
        for name, found in described.items()
        if found["type"] in ("integer", "number")
        and found["nulls"] == 0
        and found["distinct"] == found["count"] >= COUNTING
        and found["maximum"] - found["minimum"] == found["count"] - 1
    ]


def shortened(described: dict[str, Any], order: Iterable[str]) -> dict[str, ColumnStatistics]:
    """For the report, in which at most `MAX_STATISTICS` bytes of it have room: the columns in this order."""
    left, found = MAX_STATISTICS, {}
    for name in order:
        whole = _short(described[name])
        left -= len(canonical(whole))
        short = ColumnStatistics(missing=whole.missing, distinct=whole.distinct)
        found[name] = whole if left >= 0 else short
    return found


def _short(column: dict[str, Any]) -> ColumnStatistics:
    counted = ColumnStatistics(missing=column["nulls"], distinct=column["distinct"])
    top = [
        TopValue(value=each["value"], count=each["count"])
        for each in column.get("top", [])
        if each["count"] >= FEW_ROWS and len(each["value"]) <= MAX_VALUE
    ]
    if column["type"] == "timestamp":
        return replace(counted, earliest=column.get("minimum"), latest=column.get("maximum"))
    if "bins" not in column:
        return replace(counted, top=top)
    numbers = {name: column[name] for name in ("minimum", "maximum", "mean", "deviation")}
    return replace(
        counted,
        **{name: None if value is None else float(value) for name, value in numbers.items()},
        quantiles=[float(column["quantiles"][str(point)]) for point in QUANTILES],
        cuts=[float(cut) for cut in column["bins"]["cuts"]],
        counts=column["bins"]["counts"],
        top=top,
    )
