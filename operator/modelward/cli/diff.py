"""`python -m modelward diff NAMESPACE/NAME [V1 [V2]]`: what changed between two versions of the data."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Sequence
from typing import Any

from modelward.api import DatasetVersion
from modelward.api.dataset_version import DataColumn
from modelward.errors import Refused

from . import cluster, versions
from .cluster import Ask, Cluster, Story, Unusable
from .data import share, table, values
from .in_words import listed, when
from .moved import moved
from .versions import Which, which

MOVED = 10
SMALL = 0.02
"""A population stability index that nobody would call a shift."""


def add(commands: Any) -> None:
    command: ArgumentParser = commands.add_parser("diff", help="what changed between two versions of the data")
    command.add_argument("resource", metavar="NAMESPACE/NAME", help="of a Dataset; or NAMESPACE/NAME@VERSION")
    command.add_argument(
        "versions", metavar="VERSION", nargs="*", help="the older, then the newer; else the newest and the one before"
    )
    cluster.options(command, "text", "json")
    command.set_defaults(run=run)


def run(arguments: Namespace) -> int:
    return cluster.answer(arguments, lambda: _asking(*_two([arguments.resource, *arguments.versions])), text_of)


def _two(words: Sequence[str]) -> tuple[Which | None, Which]:
    """Which is compared with which; None: the version before the other."""
    match words:
        case [after]:
            return None, which(after)
        case [before, after] if "/" in after:
            return which(before), which(after)
        case [of, before] if "@" not in of:
            return which(f"{of}@{before}"), which(of)
        case [of, before, after] if "@" not in of and "/" not in before + after:
            return which(f"{of}@{before}"), which(f"{of}@{after}")
    said = " ".join(words)
    raise Unusable(f"{said} names no two versions: write NAMESPACE/NAME V1 V2, or two of NAMESPACE/NAME@VERSION")


def _asking(before: Which | None, after: Which) -> Ask:
    async def ask(asked: Cluster) -> Story:
        newer = await versions.find(asked, after)
        return story_of(await versions.find(asked, before) if before else await _before(asked, newer), newer)

    return ask


async def _before(asked: Cluster, version: DatasetVersion) -> DatasetVersion:
    parent, name = version.spec.parent, version.metadata.name
    if parent is None:
        raise Refused("NotFound", f"{name} has no version before it")
    found = await asked.find(DatasetVersion, version.metadata.namespace, parent)
    if found is None:
        raise Refused("NotFound", f"the version before {name}, {parent}, is deleted: name another one")
    return found


def story_of(before: DatasetVersion, after: DatasetVersion) -> Story:
    old, new = ({column.name: column for column in each.spec.columns} for each in (before, after))
    rows = before.spec.rows, after.spec.rows
    both = [name for name in new if name in old]
    compared = [found for name in both if (found := moved(old[name], new[name], rows))]
    keys = {each.spec.id for each in (before, after)} | {each.spec.time for each in (before, after)}
    ranked = sorted((each for each in compared if each.column not in keys), key=lambda each: -each.psi)
    return {
        "namespace": after.metadata.namespace,
        "before": _identity(before),
        "after": _identity(after),
        "rows": rows[1] - rows[0],
        "added": [_typed(new[name]) for name in new if name not in old],
        "removed": [_typed(old[name]) for name in old if name not in new],
        "retyped": [
            {"column": name, "before": old[name].type, "after": new[name].type}
            for name in both
            if old[name].type != new[name].type
        ],
        "classes": {
            "added": [name for name in after.spec.classes if name not in before.spec.classes],
            "removed": [name for name in before.spec.classes if name not in after.spec.classes],
        },
        "files": _files(before, after),
        "moved": [
            {
                "column": each.column,
                "psi": round(each.psi, 4),
                "before": _told(each.before, rows[0]),
                "after": _told(each.after, rows[1]),
            }
            for each in ranked
        ],
        "notCompared": [name for name in both if name not in {each.column for each in compared}],
    }


def _identity(version: DatasetVersion) -> Story:
    metadata, spec = version.metadata, version.spec
    return {"name": metadata.name, "digest": spec.digest, "rows": spec.rows, "made": metadata.creation_timestamp}


def _typed(column: DataColumn) -> Story:
    return {"column": column.name, "type": column.type}


def _files(before: DatasetVersion, after: DatasetVersion) -> Story:
    old, new = ({file.path: file.digest for file in each.spec.sources} for each in (before, after))
    return {
        "added": [path for path in new if path not in old],
        "removed": [path for path in old if path not in new],
        "changed": [path for path in new if path in old and new[path] != old[path]],
    }


def _told(column: DataColumn, rows: int) -> Story:
    found = column.statistics
    assert found is not None
    return {"missing": share(found.missing, rows), "values": values(column, found)}


def text_of(story: Story) -> str:
    return "\n".join(_lines(story))


def _lines(story: Story) -> Iterator[str]:
    before, after = story["before"], story["after"]
    yield f"{story['namespace']}: {before['name']} ({when(before['made'])}) → {after['name']} ({when(after['made'])})"
    if before["digest"] == after["digest"]:
        yield "  the same data"
        return
    yield f"  rows: {before['rows']:,} → {after['rows']:,} ({story['rows']:+,})"
    for what, word in (("added", "new"), ("removed", "gone")):
        yield from (f"  column {each['column']} ({each['type']}): {word}" for each in story[what])
        yield from (f"  class {name}: {word}" for name in story["classes"][what])
    yield from (f"  column {each['column']}: {each['before']} → {each['after']}" for each in story["retyped"])
    for what, word in (("added", "new"), ("removed", "gone"), ("changed", "other content")):
        if files := story["files"][what]:
            yield f"  files, {word}: {listed(files, MOVED)}"
    yield from _moves(story)


def _moves(story: Story) -> Iterator[str]:
    far = [each for each in story["moved"] if each["psi"] >= SMALL]
    yield ""
    if far:
        yield "What moved most (population stability index: 0.1 is a small shift, 0.25 a large one):"
        rows = [
            (each["column"], f"{each['psi']:.2f}", when_, side["missing"], side["values"])
            for each in far[:MOVED]
            for when_, side in (("before", each["before"]), ("after", each["after"]))
        ]
        yield from (f"  {line}" for line in table(("COLUMN", "PSI", "", "MISSING", "VALUES"), _once(rows)))
    still = len(story["moved"]) - min(len(far), MOVED)
    if still:
        less = "less than that" if len(far) > MOVED else f"by less than {SMALL}"
        yield f"{still} column{'s' * (still > 1)} moved {less}"
    if names := story["notCompared"]:
        yield f"not compared: {listed(names, MOVED)}"


def _once(rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Column and index stand in the first of two lines."""
    return [row if number % 2 == 0 else ("", "", *row[2:]) for number, row in enumerate(rows)]
