"""Kubernetes in the few verbs that we use, for every kind alike."""

from collections.abc import Callable, Sequence
from typing import Protocol

from modelward.names import Manifest


class Conflict(Exception):
    """The object changed since it was read, or exists already."""


class Kube(Protocol):
    """Objects are plain JSON. Raises `errors.Unavailable` when the API server does not answer or is overloaded, and
    `errors.Refused` (with its message) when it rejects what was sent."""

    async def get(self, api_version: str, kind: str, namespace: str, name: str) -> Manifest | None: ...

    async def metadata(self, api_version: str, kind: str, namespace: str, name: str) -> Manifest | None:
        """The object's metadata alone: the API server keeps the rest to itself."""
        ...

    async def list(
        self,
        api_version: str,
        kind: str,
        namespace: str | None,
        labels: dict[str, str] | None = None,
        fields: dict[str, str] | None = None,
        only: Callable[[Manifest], bool] | None = None,
    ) -> Sequence[Manifest]:
        """Those that carry all the labels, have all the fields (`involvedObject.uid`), and are `only` such as are
        wanted: others are read and not kept."""
        ...

    async def create(self, manifest: Manifest) -> Manifest:
        """Raises Conflict where it exists already, Refused for a field that the API server does not know."""
        ...

    async def apply(self, manifest: Manifest) -> Manifest:
        """Server-side apply, forced, as our one field manager."""
        ...

    async def update_status(self, manifest: Manifest) -> Manifest:
        """PUT …/status at the resourceVersion in the manifest. Raises Conflict."""
        ...

    async def delete(self, api_version: str, kind: str, namespace: str, name: str, uid: str | None = None) -> None:
        """In the background; an object that is gone already is success."""
        ...

    async def pod_log(
        self, namespace: str, pod: str, container: str, limit_bytes: int, tail_lines: int | None = None
    ) -> str | None:
        """The container's log, or the first bytes of its last lines; None where it is gone."""
        ...
