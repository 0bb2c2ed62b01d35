"""`python -m modelward data NAMESPACE/NAME[@VERSION]`: what a version of the data is: rows, splits, columns."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from typing import Any

from modelward.api import DatasetVersion
from modelward.api.dataset_version import ColumnStatistics, DataColumn

from . import cluster, versions
from .cluster import Cluster, Story
from .in_words import listed, when

SHOWN = 5
"""Of a column's most frequent values, and of the files that a version was read from."""
ROLES = {"label": "label", "id": "id", "time": "time", "group": "group"}


def add(commands: Any) -> None:
    command: ArgumentParser = commands.add_parser("data", help="what a version of the data is: rows, splits, columns")
    command.add_argument("resource", metavar="NAMESPACE/NAME", help=versions.HELP)
    cluster.options(command, "text", "json")
    command.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    return cluster.answer(arguments, lambda: versions.asking(arguments.resource, _told), text_of)


async def _told(_: Cluster, version: DatasetVersion) -> Story:
    return story_of(version)


def story_of(version: DatasetVersion) -> Story:
    metadata, status = version.metadata, version.status
    valid = status.condition("Valid")
    return {
        "namespace": metadata.namespace,
        "name": metadata.name,
        "made": metadata.creation_timestamp,
        **version.spec.wire(),
        "valid": {"status": valid.status, "message": valid.message} if valid else None,
        "failures": [failure.wire() for failure in status.check.failures] if status.check else [],
    }


def text_of(story: Story) -> str:
    return "\n".join(_lines(story))


def _lines(story: Story) -> Iterator[str]:
    yield f"{story['namespace']}/{story['name']}: {story['rows']:,} rows, made {when(story['made'])}"
    if story.get("parent"):
        yield f"  {story.get('newRows', 0):+,} rows since {story['parent']}"
    yield f"  {_splits(story)}"
    yield from (f"  from {line}" for line in _origin(story))
    if valid := story["valid"]:
        yield f"  {'valid' if valid['status'] == 'True' else 'not valid'}: {valid['message']}"
    yield from (f"    {each['expectation']}: {each['message']}" for each in story["failures"])
    yield from (f"  look at: {warning}" for warning in story["warnings"])
    yield ""
    yield from table(("COLUMN", "TYPE", "", "MISSING", "DISTINCT", "VALUES"), list(_columns(story)))


def _splits(story: Story) -> str:
    if not story.get("label"):
        return "no label: no row is held out"
    rows, bounds = story["splitRows"], story.get("splitBoundaries")
    said = f"{story['task']} of {story['label']}"
    if classes := story["classes"]:
        said += f" ({listed(classes, SHOWN)})"
    shares = f"train {rows['train']:,}, validation {rows['validation']:,}, test {rows['test']:,}"
    if bounds:
        shares += f"; validation from {bounds['validation']}, test from {bounds['test']} on"
    return f"{said}: {shares}"


def _origin(story: Story) -> Iterator[str]:
    yield from (f"version {parent['version']} of {parent['dataset']}" for parent in story["parents"])
    for source in story["sources"][:SHOWN]:
        yield f"{source['path']}, {source['bytes']:,} bytes, {source['digest'][:19]}…"
    if story["sourceFiles"] > SHOWN:
        yield f"{story['sourceFiles'] - SHOWN:,} files more"


def _columns(story: Story) -> Iterator[tuple[str, ...]]:
    roles = {story.get(field): role for field, role in ROLES.items()}
    for raw in story["columns"]:
        column = DataColumn.model_validate(raw)
        found, role = column.statistics, roles.get(column.name, "")
        if found is None:
            yield column.name, column.type, role, "?", "?", ""
        else:
            yield (
                column.name,
                column.type,
                role,
                share(found.missing, story["rows"]),
                f"{found.distinct:,}",
                values(column, found),
            )


def values(column: DataColumn, found: ColumnStatistics) -> str:
    """Smallest, median and largest of numbers, first and last of times, else the most frequent."""
    if found.minimum is not None and found.quantiles:
        spread = f"{found.minimum:g} … {found.quantiles[3]:g} … {found.maximum:g}, mean {found.mean or 0:.4g}"
        few = column.type == "integer" and found.distinct <= SHOWN and found.top
        return frequent(found) if few else spread
    if found.earliest is not None:
        return f"{found.earliest} … {found.latest}"
    return frequent(found)


def frequent(found: ColumnStatistics) -> str:
    said = ", ".join(f"{each.value or repr('')} {each.count:,}" for each in found.top[:SHOWN])
    return said + (f", {found.distinct - SHOWN:,} more" if found.top and found.distinct > SHOWN else "")


def share(part: int, of: int) -> str:
    """`0`, or both count and percentage."""
    return f"{part:,} ({100 * part / of:.2g} %)" if part and of else "0"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as their widest cell; the last one as it is."""
    widths = [max(len(row[n]) for row in (head, *rows)) for n in range(len(head))]
    for row in (head, *rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True) if width]
        yield "  ".join(cells).rstrip()
