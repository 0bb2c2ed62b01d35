"""Everything at once, for the first look at each of our objects after a start.

A start beside thousands of converged objects would ask the API server for each one's children one by one, to find
nothing to do. So everything is listed once, by kind, before the watches begin, and first looks read from there. As
with anything that is remembered, nothing is written by such a look: where a plan asks for it, the world is read anew.

What is kept are bytes, a page at a time, until the last key was looked at. One namespace is looked at after the other,
so that of each kind one namespace's objects are unpacked at a time.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from modelward.api import GROUP, KINDS, VERSION
from modelward.clients.kube import Kube
from modelward.decide.plan import Key
from modelward.engine.memory import Reader, lean
from modelward.engine.queue import Queue
from modelward.engine.sightings import key_of
from modelward.errors import Refused, Unavailable
from modelward.names import MANAGED_BY, Manifest

_log = logging.getLogger(__name__)

_API = f"{GROUP}/{VERSION}"
_OURS = {MANAGED_BY: "modelward"}
_FIRST = "ModelDeployment"
"""What serves is looked at before all else."""
_LISTED: dict[tuple[str, str], dict[str, str] | None] = {
    ("apps/v1", "Deployment"): _OURS,
    ("batch/v1", "Job"): _OURS,
    ("v1", "Pod"): _OURS,
    ("v1", "Service"): _OURS,
    ("policy/v1", "PodDisruptionBudget"): None,
} | {(_API, model.NAMES.kind): None for model in KINDS}
"""By which labels; None: all there are. ConfigMaps are asked for by name: the operator may not list them."""

_Packed = tuple[dict[str, str], bytes]
"""Labels, and the whole object."""
_Objects = dict[tuple[str, str, str], dict[str, _Packed]]
"""By apiVersion, kind and namespace; then by name."""


class FirstSight(Reader):
    """`Kube`; empty before `take_in`, and once all was looked at."""

    def __init__(self, kube: Kube) -> None:
        super().__init__(kube)
        self._objects: _Objects = {}
        self._unpacked: dict[tuple[str, str], tuple[str, dict[str, Manifest]]] = {}
        self._keys: set[Key] = set()
        self._versions: set[tuple[str, str]] = set()

    async def take_in(self, namespaces: Sequence[str | None], queue: Queue) -> None:
        """List everything, and enqueue all that is ours. Where that cannot be, first looks read as all others do."""
        objects: _Objects = defaultdict(dict)
        try:
            for (api_version, kind), labels in _LISTED.items():
                for namespace in namespaces:
                    await self._kube.list(api_version, kind, namespace, labels, only=self._packing(objects))
        except (Refused, Unavailable) as error:
            _log.warning("looking at one after the other: %s", error)
            self._keys.clear()
            self._versions.clear()
            return
        self._objects = dict(objects)
        for key in sorted(self._keys, key=lambda key: (key.kind != _FIRST, key.namespace, key.kind)):
            queue.again(key)

    def tells(self, found: Manifest) -> bool:
        """Whether an event brings just what was seen here. Each version is told of once."""
        version = _version(found)
        if version not in self._versions:
            return False
        self._versions.discard(version)
        return True

    def take(self, key: Key) -> bool:
        """Whether this is the first look at `key`."""
        if key not in self._keys:
            return False
        self._keys.discard(key)
        return True

    def done(self) -> None:
        """After a look: nothing is kept for longer than it is needed."""
        if not self._keys and self._objects:
            self._objects, self._unpacked = {}, {}
            _log.info("everything was looked at")

    async def get(self, api_version: str, kind: str, namespace: str, name: str) -> Manifest | None:
        packed = self._objects.get((api_version, kind, namespace), {}).get(name)
        if packed is None:
            return await self._kube.get(api_version, kind, namespace, name)
        found: Manifest = msgspec.msgpack.decode(packed[1])
        return found

    async def list(
        self,
        api_version: str,
        kind: str,
        namespace: str | None,
        labels: dict[str, str] | None = None,
        fields: dict[str, str] | None = None,
        only: Callable[[Manifest], bool] | None = None,
    ) -> Sequence[Manifest]:
        listed = (api_version, kind) in _LISTED and (labels or _LISTED[api_version, kind] is None)
        if not listed or fields or namespace is None or not self._objects:
            return await self._kube.list(api_version, kind, namespace, labels, fields, only)
        packed = self._objects.get((api_version, kind, namespace), {})
        wanted = (labels or {}).items()
        names = [name for name, (carried, _) in packed.items() if wanted <= carried.items()]
        if only:
            whole = self._whole(api_version, kind, namespace)
            names = [name for name in names if only(whole[name])]
        return [msgspec.msgpack.decode(packed[name][1]) for name in names]

    def _whole(self, api_version: str, kind: str, namespace: str) -> dict[str, Manifest]:
        """To choose from, not to be changed."""
        where, found = self._unpacked.get((api_version, kind), ("", {}))
        if where != namespace:
            packed = self._objects.get((api_version, kind, namespace), {})
            found = {name: msgspec.msgpack.decode(data) for name, (_, data) in packed.items()}
            self._unpacked[api_version, kind] = namespace, found
        return found

    def _packing(self, objects: _Objects) -> Callable[[Manifest], bool]:
        def pack(found: Manifest) -> bool:
            metadata = found["metadata"]
            place = found["apiVersion"], found["kind"], metadata["namespace"]
            objects[place][metadata["name"]] = metadata.get("labels") or {}, msgspec.msgpack.encode(lean(found))
            self._versions.add(_version(found))
            if found["apiVersion"] == _API:
                self._keys.add(key_of(found["kind"], found))
            return False

        return pack


def _version(found: Manifest) -> Any:
    metadata = found["metadata"]
    return metadata.get("uid"), metadata.get("resourceVersion")
