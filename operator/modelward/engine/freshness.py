"""Is what was just read older than what is known already?

An API server's answers to reads that name no resourceVersion never are; those of a cache in between may be. Children
and traffic follow from a status, so that an old one, taken for the present, would move them backwards.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from modelward.api import GROUP, VERSION
from modelward.clients.kube import Conflict
from modelward.decide.plan import Key
from modelward.names import Manifest

_API = f"{GROUP}/{VERSION}"
_TOLD_WITHIN = timedelta(seconds=30)
"""Of a write of ours. From then on the watch knows better: a cluster that was restored from a backup counts anew."""


class Freshness:
    """`told`: the resourceVersion of each of our objects as the watch has shown it."""

    def __init__(self, told: Mapping[Key, str] | None = None) -> None:
        self._told = {} if told is None else told
        self._written: dict[Key, tuple[str, datetime]] = {}

    def note(self, key: Key, written: Manifest | None, now: datetime) -> None:
        """The object as this operator knows it last."""
        if written and written["apiVersion"] == _API:
            self._written[key] = written["metadata"]["resourceVersion"], now

    def require(self, key: Key, read: Manifest | None, now: datetime) -> None:
        """Raises Conflict for what is outdated, and what is missing although nobody told that it is gone."""
        told, (written, at) = self._told.get(key), self._written.get(key, (None, now))
        if read is None and told is None:
            self._written.pop(key, None)
            return
        known = max(_number(told), _number(written) if now - at < _TOLD_WITHIN else 0)
        found = _number(read["metadata"]["resourceVersion"]) if read else 0
        if found < known:
            raise Conflict(f"what was read of {key.kind} {key.namespace}/{key.name} is outdated")


def _number(version: str | None) -> int:
    """They grow, and may be compared (Kubernetes 1.35 says so, and etcd's always did)."""
    return int(version) if version and version.isdecimal() else 0
