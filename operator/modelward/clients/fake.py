"""`Kube` in memory, for tests of the loop: what an API server does to versions, generations, status and conflicts.

It is no API server: no schemas, no defaults, no garbage collection; what those claim is proven on a real one. Faults
are part of it: `crash_before(n)` dies before the nth write, `freeze_reads` serves an old world.
"""

import copy
import itertools
from collections.abc import Callable, Sequence
from typing import Any

from modelward.names import FIELD_MANAGER, Manifest

from .kube import Conflict

Identity = tuple[str, str, str, str]
"""apiVersion, kind, namespace, name"""


class Crash(BaseException):
    """The process died here. No `except Exception` may survive it."""


class FakeKube:
    """`writes` lists what was written, as (verb, kind, name); `before_write` may raise instead."""

    def __init__(self) -> None:
        self.objects: dict[Identity, Manifest] = {}
        self.logs: dict[tuple[str, str, str], str] = {}
        self.writes: list[tuple[str, str, str]] = []
        self.reads = 0
        self.before_write: Callable[[str, str, str], None] = lambda _verb, _kind, _name: None
        self._versions = itertools.count(1)
        self._stale: dict[Identity, Manifest] | None = None

    def crash_before(self, nth: int) -> None:
        """Die just before the nth write from here (1 is the next one)."""
        left = itertools.count(nth - 1, -1)

        def crash(verb: str, kind: str, name: str) -> None:
            if next(left) == 0:
                raise Crash(f"before {verb} {kind}/{name}")

        self.before_write = crash

    def recover(self) -> None:
        """No more faults."""
        self.before_write = lambda _verb, _kind, _name: None
        self._stale = None

    def freeze_reads(self) -> None:
        """Reads show the world as it is now, whatever is written later, as from a lagging replica."""
        self._stale = copy.deepcopy(self.objects)

    def put(self, manifest: Manifest) -> Manifest:
        """A user's write: creates, or replaces what is not status."""
        stored = self.objects.get(_identity(manifest))
        if stored is None:
            return self._store(manifest, generation=1, uid=f"uid-{next(self._versions)}")
        kept = {"status": stored["status"]} if "status" in stored and "status" not in manifest else {}
        return self._replace(stored, {**manifest, **kept})

    def remove(self, api_version: str, kind: str, namespace: str, name: str) -> None:
        """A user's delete."""
        del self.objects[api_version, kind, namespace, name]

    async def get(self, api_version: str, kind: str, namespace: str, name: str) -> Manifest | None:
        self.reads += 1
        return copy.deepcopy(self._shown().get((api_version, kind, namespace, name)))

    async def metadata(self, api_version: str, kind: str, namespace: str, name: str) -> Manifest | None:
        found = await self.get(api_version, kind, namespace, name)
        return None if found is None else {key: found[key] for key in ("apiVersion", "kind", "metadata")}

    async def list(
        self,
        api_version: str,
        kind: str,
        namespace: str | None,
        labels: dict[str, str] | None = None,
        fields: dict[str, str] | None = None,
        only: Callable[[Manifest], bool] | None = None,
    ) -> Sequence[Manifest]:
        self.reads += 1
        return [
            copy.deepcopy(found)
            for (version, of_kind, where, _), found in sorted(self._shown().items())
            if (version, of_kind) == (api_version, kind)
            and namespace in (None, where)
            and _selected(found, labels)
            and all(_field(found, path) == value for path, value in (fields or {}).items())
            and (only is None or only(found))
        ]

    async def create(self, manifest: Manifest) -> Manifest:
        self._write("create", manifest)
        if _identity(manifest) in self.objects:
            raise Conflict(f"{manifest['kind']} {manifest['metadata']['name']} exists already")
        return self.put(manifest)

    async def apply(self, manifest: Manifest) -> Manifest:
        self._write("apply", manifest)
        applied = {**copy.deepcopy(manifest), "metadata": {**manifest["metadata"], "managedFields": _owned(manifest)}}
        stored = self.objects.get(_identity(manifest))
        held = manifest["metadata"].get("resourceVersion")
        if held and (stored is None or stored["metadata"]["resourceVersion"] != held):
            raise Conflict(f"{manifest['kind']} {manifest['metadata']['name']} has been modified")
        return self.put(applied if stored is None else _merged(_without_dropped(stored, manifest), applied))

    async def update_status(self, manifest: Manifest) -> Manifest:
        self._write("status", manifest)
        stored = self.objects.get(_identity(manifest))
        if stored is None or stored["metadata"]["resourceVersion"] != manifest["metadata"]["resourceVersion"]:
            raise Conflict(f"{manifest['kind']} {manifest['metadata']['name']} has been modified")
        return self._replace(stored, {**stored, "status": copy.deepcopy(manifest["status"])})

    async def delete(self, api_version: str, kind: str, namespace: str, name: str, uid: str | None = None) -> None:
        stored = self.objects.get((api_version, kind, namespace, name))
        if stored is not None and uid in (None, stored["metadata"]["uid"]):
            self._write("delete", stored)
            del self.objects[api_version, kind, namespace, name]

    async def pod_log(
        self, namespace: str, pod: str, container: str, limit_bytes: int, tail_lines: int | None = None
    ) -> str | None:
        log = self.logs.get((namespace, pod, container))
        if log is not None and tail_lines is not None:
            log = "".join(log.splitlines(keepends=True)[-tail_lines:])
        return None if log is None else log[:limit_bytes]

    def _shown(self) -> dict[Identity, Manifest]:
        return self.objects if self._stale is None else self._stale

    def _write(self, verb: str, manifest: Manifest) -> None:
        entry = (verb, manifest["kind"], manifest["metadata"]["name"])
        self.before_write(*entry)
        self.writes.append(entry)

    def _replace(self, stored: Manifest, manifest: Manifest) -> Manifest:
        before = stored["metadata"]
        generation = before["generation"] + (manifest.get("spec") != stored.get("spec"))
        return self._store(manifest, generation=generation, uid=before["uid"], unless_equal_to=stored)

    def _store(
        self, manifest: Manifest, *, generation: int, uid: str, unless_equal_to: Manifest | None = None
    ) -> Manifest:
        stored = copy.deepcopy(manifest)
        before = (unless_equal_to or {}).get("metadata", {}).get("resourceVersion")
        stored["metadata"] |= {"generation": generation, "uid": uid, "resourceVersion": before}
        if stored != unless_equal_to:
            stored["metadata"]["resourceVersion"] = str(next(self._versions))
        self.objects[_identity(manifest)] = stored
        return copy.deepcopy(stored)


def _identity(manifest: Manifest) -> Identity:
    metadata = manifest["metadata"]
    return manifest["apiVersion"], manifest["kind"], metadata.get("namespace", ""), metadata["name"]


def _selected(found: Manifest, labels: dict[str, str] | None) -> bool:
    carried = found["metadata"].get("labels", {})
    return all(carried.get(key) == value for key, value in (labels or {}).items())


def _field(found: Manifest, path: str) -> Any:
    value: Any = found
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _merged(below: Any, above: Any) -> Any:
    if not isinstance(below, dict) or not isinstance(above, dict):
        return copy.deepcopy(above)
    return {**below, **{key: _merged(below.get(key), value) for key, value in above.items()}}


def _owned(manifest: Manifest) -> list[Manifest]:
    """`managedFields` of one apply; lists count as a whole."""

    def fields(value: Any) -> dict[str, Any]:
        return {f"f:{key}": fields(below) for key, below in value.items()} if isinstance(value, dict) else {}

    owned = {key: value for key, value in manifest.items() if key not in ("apiVersion", "kind")}
    return [{"manager": FIELD_MANAGER, "operation": "Apply", "fieldsV1": fields(owned)}]


def _without_dropped(stored: Manifest, manifest: Manifest) -> Manifest:
    """`stored` less the fields that were applied before and are not now."""

    def prune(value: Any, owned: dict[str, Any], desired: Any) -> Any:
        if not isinstance(value, dict) or not isinstance(desired, dict) or not owned:
            return value
        return {
            key: prune(below, owned.get(f"f:{key}", {}), desired.get(key))
            for key, below in value.items()
            if f"f:{key}" not in owned or key in desired
        }

    managed = stored["metadata"].get("managedFields")
    pruned: Manifest = prune(stored, managed[0]["fieldsV1"], manifest) if managed else stored
    return pruned
