"""Which DatasetVersions go: of those that nothing names, all but the newest `historyLimit`.

Versions that failed their expectations are counted for themselves, so that a week of bad data drives out no good one.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from modelward.api import GROUP, VERSION
from modelward.decide.plan import Event, Ref


@dataclass(frozen=True)
class Kept:
    """A DatasetVersion, as far as it matters here."""

    name: str
    uid: str
    created: str
    valid: bool = True


def superfluous(versions: Iterable[Kept], named: Collection[str], limit: int) -> tuple[Ref, ...]:
    """`named`: by ModelVersions, TrainingRuns, versions of other Datasets or the Dataset's status."""
    newest = sorted(versions, key=lambda version: (version.created, version.name), reverse=True)
    unused = [version for version in newest if version.name not in named]
    good, bad = [v for v in unused if v.valid], [v for v in unused if not v.valid]
    beyond = (*good[limit:], *bad[limit:])
    return tuple(Ref(f"{GROUP}/{VERSION}", "DatasetVersion", version.name, version.uid) for version in beyond)


def deletion(deleted: Collection[Ref], limit: int) -> tuple[Event, ...]:
    names = ", ".join(ref.name for ref in deleted)
    why = f"spec.historyLimit keeps {limit} of the versions that nothing uses; deleted: {names}"
    return (Event("Normal", "VersionsDeleted", why[:1024]),) if deleted else ()
