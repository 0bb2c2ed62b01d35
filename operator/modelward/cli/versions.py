"""Which DatasetVersion a person means with NAMESPACE/NAME[@VERSION]."""

import re
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from modelward.api import Dataset, DatasetVersion
from modelward.errors import Refused
from modelward.names import DATASET

from .cluster import NAME, NAMESPACE, Ask, Cluster, Story, named

FORM = rf"{NAMESPACE}/{NAME}(?:@([-a-z0-9.:]{{1,253}}))?"
WRITTEN = "NAMESPACE/NAME, of a Dataset or a DatasetVersion, or NAMESPACE/NAME@VERSION"
HELP = "of a Dataset (its newest version), or NAMESPACE/NAME@VERSION; or of a DatasetVersion"


class Which(NamedTuple):
    """NAME is a Dataset's, or a version's own. VERSION: its name, the end of it, or its digest; left out, the newest
    that meets its expectations.
    """

    namespace: str
    name: str
    version: str | None


def which(resource: str) -> Which:
    return Which(*named(resource, FORM, "data", WRITTEN))


def asking(resource: str, tell: Callable[[Cluster, DatasetVersion], Awaitable[Story]]) -> Ask:
    meant = which(resource)

    async def ask(cluster: Cluster) -> Story:
        return await tell(cluster, await find(cluster, meant))

    return ask


async def find(cluster: Cluster, meant: Which) -> DatasetVersion:
    namespace, name, version = meant
    if version is None and (itself := await cluster.find(DatasetVersion, namespace, name)) is not None:
        return itself
    there = await cluster.list(DatasetVersion, namespace, {DATASET: name})
    if not there:  # says what is missing
        dataset = await cluster.get(Dataset, namespace, name)
        ready = dataset.status.condition("Ready")
        raise Refused("NoVersion", f"Dataset {name} has no version yet" + (f": {ready.message}" if ready else ""))
    if version is not None:
        return _meant(there, name, version)
    dataset_now = await cluster.find(Dataset, namespace, name)
    latest = dataset_now.status.latest_version if dataset_now else None
    newest = sorted(there, key=lambda each: (each.metadata.creation_timestamp or "", each.metadata.name))
    return next((each for each in there if latest and each.metadata.name == latest.name), newest[-1])


def _meant(there: Sequence[DatasetVersion], dataset: str, version: str) -> DatasetVersion:
    found = [each for each in there if version in (each.metadata.name, each.spec.digest)]
    found = found or [
        each
        for each in there
        if each.metadata.name.endswith(f"-{version}") or re.match(rf"(sha256:)?{re.escape(version)}", each.spec.digest)
    ]
    if len(found) == 1:
        return found[0]
    names = ", ".join(sorted(each.metadata.name for each in there)[:20])
    what = f"{version} is the beginning of several versions" if found else f"no version {version}"
    raise Refused("NotFound", f"{what} of Dataset {dataset}: there are {names}")
