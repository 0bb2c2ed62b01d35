"""Is what was just read older than what is known already?

The API server's own answers never are; those of a cache or of a replica that lags may be. Children and traffic follow
from a status, so that an old one, taken for the present, would move them backwards.
"""

from collections.abc import Mapping

from modelward.api import GROUP, VERSION
from modelward.clients.kube import Conflict
from modelward.decide.plan import Key
from modelward.names import Manifest

_API = f"{GROUP}/{VERSION}"


class Freshness:
    """`told`: the resourceVersion of each of our objects as the watch has shown it."""

    def __init__(self, told: Mapping[Key, str] | None = None) -> None:
        self._told = {} if told is None else told
        self._written: dict[Key, str] = {}

    def note(self, key: Key, written: Manifest | None) -> None:
        """The object as this operator knows it last."""
        if written and written["apiVersion"] == _API:
            self._written[key] = written["metadata"]["resourceVersion"]

    def require(self, key: Key, read: Manifest | None) -> None:
        """Raises Conflict for what is outdated, and what is missing although nobody told that it is gone."""
        told = self._told.get(key)
        if read is None and told is None:
            self._written.pop(key, None)
            return
        known = max(_number(told), _number(self._written.get(key)))
        found = _number(read["metadata"]["resourceVersion"]) if read else 0
        if found < known:
            raise Conflict(f"what was read of {key.kind} {key.namespace}/{key.name} is outdated")


def _number(version: str | None) -> int:
    """They grow, and may be compared (Kubernetes 1.35 says so, and etcd's always did)."""
    return int(version) if version and version.isdecimal() else 0
