"""A reader that remembers what it read.

For the length of one reconcile: `act` compares its applies with what `observe` has just listed instead of reading it
once more, and the loop finds the live object that a plan is to be carried out for.

And, where it is given `last`, from one reconcile to the next: while the API server is silent, reads are answered as
they were the last time. Writes fail then, so nothing moves but what is pushed to the scoring servers before any write:
a rollback.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from modelward.act import Identity
from modelward.clients.kube import Kube
from modelward.errors import Unavailable
from modelward.names import Manifest

_log = logging.getLogger(__name__)

Last = dict[tuple[object, ...], Any]
"""Answers by question."""


class Remembering:
    """`Kube`; keeps the objects that were read in one namespace."""

    def __init__(self, kube: Kube, namespace: str, last: Last | None = None) -> None:
        self._kube, self._namespace, self._last = kube, namespace, last
        self.seen: dict[Identity, Manifest] = {}
        self.recalled = False
        """An answer came from memory."""

    async def get(self, api_version: str, kind: str, namespace: str, name: str) -> Manifest | None:
        question = ("get", api_version, kind, namespace, name)
        found: Manifest | None = await self._ask(question, lambda: self._kube.get(api_version, kind, namespace, name))
        self._remember([found] if found else [])
        return found

    async def metadata(self, api_version: str, kind: str, namespace: str, name: str) -> Manifest | None:
        question = ("metadata", api_version, kind, namespace, name)
        found: Manifest | None = await self._ask(
            question, lambda: self._kube.metadata(api_version, kind, namespace, name)
        )
        return found

    async def list(
        self,
        api_version: str,
        kind: str,
        namespace: str | None,
        labels: dict[str, str] | None = None,
        fields: dict[str, str] | None = None,
    ) -> Sequence[Manifest]:
        selected = (*sorted((labels or {}).items()), None, *sorted((fields or {}).items()))
        question = ("list", api_version, kind, namespace, *selected)
        found: Sequence[Manifest] = await self._ask(
            question, lambda: self._kube.list(api_version, kind, namespace, labels, fields)
        )
        self._remember(found)
        return found

    async def create(self, manifest: Manifest) -> Manifest:
        return await self._kube.create(manifest)

    async def apply(self, manifest: Manifest) -> Manifest:
        return await self._kube.apply(manifest)

    async def update_status(self, manifest: Manifest) -> Manifest:
        updated = await self._kube.update_status(manifest)
        self.seen[_identity(updated)] = updated
        if self._last is not None:
            metadata = updated["metadata"]
            self._last["get", updated["apiVersion"], updated["kind"], metadata["namespace"], metadata["name"]] = updated
        return updated

    async def delete(self, api_version: str, kind: str, namespace: str, name: str, uid: str | None = None) -> None:
        await self._kube.delete(api_version, kind, namespace, name, uid)

    async def pod_log(
        self, namespace: str, pod: str, container: str, limit_bytes: int, tail_lines: int | None = None
    ) -> str | None:
        return await self._kube.pod_log(namespace, pod, container, limit_bytes, tail_lines)

    async def _ask(self, question: tuple[object, ...], ask: Callable[[], Awaitable[Any]]) -> Any:
        if self._last is None:
            return await ask()
        try:
            self._last[question] = await ask()
        except Unavailable as error:
            if question not in self._last:
                raise
            _log.warning("answered from memory: %s", error)
            self.recalled = True
        return self._last[question]

    def _remember(self, objects: Sequence[Manifest]) -> None:
        """As it was read first: a status is decided from that, and must not be written over what a later read shows."""
        for found in objects:
            if found["metadata"].get("namespace") == self._namespace:
                self.seen.setdefault(_identity(found), found)


def _identity(found: Manifest) -> Identity:
    return found["apiVersion"], found["kind"], found["metadata"]["name"]
