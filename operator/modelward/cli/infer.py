"""`python -m modelward infer NAMESPACE/NAME[@VERSION]`: expectations that a version meets, to review and to apply."""

import math
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import yaml

from modelward.api import Dataset, DatasetVersion
from modelward.api.dataset_version import ColumnStatistics, DataColumn
from modelward.decide.observed import parse_time

from . import cluster, versions
from .cluster import Cluster, Story

CATEGORIES = 20
"""More values than that are no list that somebody keeps."""
ENOUGH = 100
"""Rows, from which on it is no chance that nothing repeats."""
SHIFT = 0.25
"""Population stability index that is commonly called a large shift."""
STALE = timedelta(days=90)
"""Data whose newest row was older than that when it was read is not waited for."""


def add(commands: Any) -> None:
    command: ArgumentParser = commands.add_parser(
        "infer", help="propose a Dataset's expectations, from the statistics of a version"
    )
    command.add_argument("resource", metavar="NAMESPACE/NAME", help=versions.HELP)
    cluster.options(command, "yaml", "json")
    command.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    return cluster.answer(arguments, lambda: versions.asking(arguments.resource, _told), text_of)


async def _told(asked: Cluster, version: DatasetVersion) -> Story:
    return story_of(version, await asked.find(Dataset, version.metadata.namespace, version.spec.dataset_name))


def story_of(version: DatasetVersion, dataset: Dataset | None) -> Story:
    pii = set(dataset.spec.columns.pii) if dataset else set()
    expectations = [found for column in version.spec.columns if (found := _of_column(version, column, pii))]
    return {
        "version": f"{version.metadata.namespace}/{version.metadata.name}",
        "rows": version.spec.rows,
        "untold": [column.name for column in version.spec.columns if column.statistics is None],
        "expectations": [*expectations, *_of_all(version)],
    }


def text_of(story: Story) -> str:
    said = [
        f"# Proposed from {story['rows']:,} rows of {story['version']}, all of which meet them: to be reviewed, and",
        "# written into the Dataset's spec. Bounds are wider than what was seen by half of its usual spread.",
    ]
    if story["untold"]:
        said.append("# An earlier release told nothing of: " + ", ".join(story["untold"]))
    items = [
        "  - "
        + yaml.safe_dump(each, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10_000).strip()
        for each in story["expectations"]
    ]
    return "\n".join([*said, "expectations:", *items])


def _of_column(version: DatasetVersion, column: DataColumn, pii: set[str]) -> Story | None:
    spec, found = version.spec, column.statistics
    if found is None:
        return None
    expected: Story = {"column": column.name, "type": column.type}
    if column.name == spec.id:
        return expected  # an id is known to be there, each once
    if column.name == spec.label and spec.classes:
        if column.type != "boolean":
            expected["in"] = spec.classes
    elif found.minimum is not None:
        expected |= _bounds(column, found)
    elif column.type == "string" and _listed(found, spec.rows) and column.name not in pii:
        expected["in"] = sorted(each.value for each in found.top)
    if _unique(column, found, spec.rows):
        expected["unique"] = True
    return expected | {"maxMissing": _missing(found.missing / spec.rows)}


def _bounds(column: DataColumn, found: ColumnStatistics) -> Story:
    """Half of the distance from 1 to 99 % beyond what was seen; shares stay shares, and what has no sign gets none."""
    low, high = found.minimum or 0.0, found.maximum or 0.0
    if column.type == "number" and low >= 0 and high <= 1:
        return {"minimum": 0, "maximum": 1}
    usual = found.quantiles[-1] - found.quantiles[0] if found.quantiles else high - low
    margin = (usual or high - low or abs(high) or 1.0) / 2
    least = 0.0 if 0 <= low < margin else _rounded(low - margin, math.floor)
    most = 0.0 if -margin < high <= 0 else _rounded(high + margin, math.ceil)
    return {"minimum": _plain(least), "maximum": _plain(most)}


def _rounded(value: float, to: Any) -> float:
    """To two digits, outwards."""
    if value == 0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    return float(f"{to(value / unit) * unit:.12g}")


def _plain(value: float) -> int | float:
    return int(value) if value == int(value) and abs(value) < 1 << 53 else value


def _listed(found: ColumnStatistics, rows: int) -> bool:
    """All values are told, each by several rows."""
    whole = sum(each.count for each in found.top) == rows - found.missing
    return 0 < found.distinct <= CATEGORIES and whole


def _unique(column: DataColumn, found: ColumnStatistics, rows: int) -> bool:
    return column.type in ("string", "integer") and not found.missing and found.distinct == rows >= ENOUGH


def _missing(share: float) -> float | int:
    """Twice as much as there is and one of a hundred more; none where there is none."""
    return 0 if share == 0 else _plain(min(1.0, math.ceil(100 * (2 * share + 0.01)) / 100))


def _of_all(version: DatasetVersion) -> Iterator[Story]:
    yield {"rows": {"minimum": max(1, int(_rounded(version.spec.rows / 2, math.floor)))}}
    if fresh := _fresh(version):
        yield {"fresh": fresh}
    yield {"drift": {"maximum": SHIFT}}


def _fresh(version: DatasetVersion) -> Story | None:
    """Twice the age that the newest row had, a day at least."""
    name, made = version.spec.time, version.metadata.creation_timestamp
    found = next((column.statistics for column in version.spec.columns if column.name == name), None)
    if name is None or made is None or found is None or found.latest is None:
        return None
    age = parse_time(made) - datetime.fromisoformat(f"{found.latest[:19]}+00:00")
    if not timedelta(0) <= age <= STALE:
        return None
    return {"column": name, "maxAge": f"{max(24, math.ceil(2 * age / timedelta(hours=1)))}h"}
