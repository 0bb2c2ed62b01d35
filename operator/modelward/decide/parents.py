"""The Datasets that a Dataset is made of: which of their versions an ingest reads, or why it waits.

Each is read in its newest valid version, whatever its last look came to. Reasons (API): ParentNotFound, ParentNotReady,
ParentCircle.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from modelward.api import Dataset
from modelward.errors import Wait
from modelward_contracts.tasks import Parent

NOT_FOUND, NOT_READY, CIRCLE = "ParentNotFound", "ParentNotReady", "ParentCircle"
_AGAIN = 60.0
"""Seconds: an event of a parent comes sooner; what breaks a circle farther away does not tell."""


@dataclass(frozen=True)
class ParentSeen:
    name: str
    table: str
    """What prepare.sql calls it."""
    dataset: Dataset | None
    """None: there is none of this name."""


def usable(name: str, parents: Iterable[ParentSeen], lineage: Mapping[str, Sequence[str]]) -> None:
    """Raises Wait where an ingest of the Dataset `name` cannot read them all. `lineage`: see `circle`."""
    if found := circle(name, lineage):
        raise Wait(
            CIRCLE, f"source.datasets lead in a circle, {' → '.join(found)}: take one of them out of another", _AGAIN
        )
    for parent in parents:
        if parent.dataset is None:
            raise Wait(NOT_FOUND, f"Dataset {parent.name} does not exist in this namespace: create it", _AGAIN)
        if parent.dataset.status.latest_version is None:
            ready = parent.dataset.status.condition("Ready")
            why = f": {ready.message}" if ready and ready.message else ""
            raise Wait(NOT_READY, f"Dataset {parent.name} has no valid version yet{why}"[:1000], _AGAIN)


def read(parents: Iterable[ParentSeen]) -> list[Parent]:
    """What an ingest reads, of parents that are usable."""
    found = []
    for parent in parents:
        latest = parent.dataset.status.latest_version if parent.dataset else None
        if parent.dataset and latest:
            numbered = parent.dataset.spec.columns.id is None
            found.append(Parent(dataset=parent.name, table=parent.table, digest=latest.digest, numbered=numbered))
    return found


def circle(name: str, lineage: Mapping[str, Sequence[str]]) -> list[str]:
    """The way from `name` back to itself, shortest first; empty if there is none. `lineage`: the parents of each
    Dataset that `name` leads to."""
    ways, seen = [[name]], {name}
    for way in ways:
        for parent in lineage.get(way[-1], ()):
            if parent == name:
                return [*way, name]
            if parent not in seen:
                seen.add(parent)
                ways.append([*way, parent])
    return []
