"""How far the columns moved since the version before: population stability index over its bins or values.

The bins are its deciles; of text and booleans its most frequent values, all others together. What is missing is a bin
of its own. The id and the time move by nature and are left out.
"""
# ruff: noqa: S608 - names are ours

from dataclasses import dataclass
from typing import Any

import duckdb

from modelward_contracts.manifests import DatasetManifest
from modelward_contracts.psi import psi
from modelward_contracts.reports import Failure
from modelward_contracts.store import BlobMissing, Store
from modelward_contracts.tasks import IngestTask

from .expectations import failure
from .prepare import Table
from .statistics import binned

SHOWN = 5
_NUMBERS = {"integer", "number"}


@dataclass(frozen=True)
class Before:
    """The version that is compared with."""

    manifest: DatasetManifest
    statistics: dict[str, Any]


def before(store: Store, task: IngestTask, digest: str) -> Before | None:
    """The newest version in use that is not `digest`; None: there is none. Raises BlobMissing."""
    other = next((each for each in task.before if each != digest), None)
    if other is None:
        return None
    manifest = store.get_json(other, DatasetManifest)
    return Before(manifest, store.get_json(manifest.statistics.digest, dict))


def compare(
    con: duckdb.DuckDBPyConnection, task: IngestTask, store: Store, table: Table, digest: str
) -> tuple[list[Failure], list[str]]:
    """What moved too far, and what could not be compared, in sentences. `digest`: of the version that is made."""
    if not any(each.max_drift is not None for each in task.expectations):
        return [], []
    try:
        against = before(store, task, digest)
    except BlobMissing:
        return [], ["drift is not checked: the version before is not in this store any more"]
    if against is None:
        return [], []
    changed = [
        f"drift of {name!r} is not checked: it is of type {kind}, and was of type {then['type']}"
        for name, kind in table.types.items()
        if (then := against.statistics.get(name)) and kind != then["type"] and not {kind, then["type"]} <= _NUMBERS
    ]
    return check(con, task, table, against), changed


def check(con: duckdb.DuckDBPyConnection, task: IngestTask, table: Table, against: Before) -> list[Failure]:
    """What moved further than expected, told of the table `rows`."""
    limits = [each.max_drift for each in task.expectations if each.max_drift is not None]
    moved = {name: psi(*counts) for name in table.types if (counts := _counts(con, table, name, against, task))}
    ranked = sorted(moved.items(), key=lambda item: -item[1])
    failures = []
    for limit in limits:
        over = [f"{name!r} {value:.2f}" for name, value in ranked if value > limit]
        if over:
            more = f" and {len(over) - SHOWN} more" if len(over) > SHOWN else ""
            found = f"{len(over)} of {len(ranked)} columns moved further: {', '.join(over[:SHOWN])}{more}"
            failures.append(failure(f"drift: {{maximum: {limit:g}}}", found))
    return failures


def _counts(
    con: duckdb.DuckDBPyConnection, table: Table, name: str, against: Before, task: IngestTask
) -> tuple[list[int], list[int]] | None:
    """Rows in each bin, of the version before and now; None where there is nothing to compare."""
    then, kind = against.statistics.get(name), table.types[name]
    if name in (task.id, task.time, task.group, against.manifest.id) or name in table.unseen or then is None:
        return None
    column = table.sql(name)
    row = con.execute(f"SELECT count(*) - count({column}) FROM rows").fetchone()
    assert row is not None
    (missing,) = row
    if kind in _NUMBERS and then["type"] in _NUMBERS and "bins" in then:
        bins = then["bins"]
        return [*bins["counts"], then["nulls"]], [*binned(con, column, bins["cuts"]), missing]
    if kind == then["type"] and kind in ("string", "boolean") and "top" in then:
        top = {entry["value"]: entry["count"] for entry in then["top"]}
        found: dict[str, int] = dict(
            con.execute(
                f"SELECT {column}::VARCHAR, count(*) FROM rows WHERE {column}::VARCHAR IN "
                "(SELECT unnest($1::VARCHAR[])) GROUP BY 1",
                [list(top)],
            ).fetchall()
        )
        now = [found.get(value, 0) for value in top]
        row = con.execute(f"SELECT count({column}) FROM rows").fetchone()
        assert row is not None
        others = then["count"] - then["nulls"] - sum(top.values()), row[0] - sum(now)
        return [*top.values(), others[0], then["nulls"]], [*now, others[1], missing]
    return None
