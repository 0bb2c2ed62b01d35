"""Readers that remember what was read.

`Remembering`, for the length of one look: `act` compares its applies with what `observe` has just listed instead of
reading it once more, and the loop finds the live object that a plan is to be carried out for.

`Memory`, from one look to the next, small: while the API server is silent, reads are answered as they were the last
time. Writes fail then, so nothing moves but what is pushed to the scoring servers before any write: a rollback.
"""

import logging
import zlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from modelward.act import Identity
from modelward.clients.kube import Kube
from modelward.decide.plan import Key
from modelward.errors import Unavailable
from modelward.names import Manifest
from modelward.observe.world import World

_log = logging.getLogger(__name__)

Answers = dict[tuple[object, ...], Any]
"""By question."""


class Rest(Protocol):
    """How something looks at which nothing is under way."""

    async def lasts(self, world: World, key: Key) -> bool:
        """Without a word of the API server."""
        ...


@dataclass
class Memory:
    """Of one key. Packed, it takes some KiB instead of some hundred."""

    packed: bytes = b""
    rest: Rest | None = None
    """The last look wrote nothing, and nothing is under way."""
    requeue_after: float | None = None

    def answers(self) -> Answers:
        if not self.packed:
            return {}
        return {tuple(question): answer for question, answer in msgspec.msgpack.decode(zlib.decompress(self.packed))}

    def keep(self, answers: Answers) -> None:
        said = [(question, lean(answer)) for question, answer in answers.items()]
        self.packed = zlib.compress(msgspec.msgpack.encode(said), 1)


def lean(answer: Any) -> Any:
    """Without who wrote which field: only writes ask for that."""
    if isinstance(answer, Mapping):
        metadata = {name: value for name, value in answer["metadata"].items() if name != "managedFields"}
        return {**answer, "metadata": metadata}
    return [lean(each) for each in answer] if isinstance(answer, Sequence) else answer


class Reader:
    """`Kube`; whatever is asked of the API server goes through `_ask`."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube

    async def get(self, api_version: str, kind: str, namespace: str, name: str) -> Manifest | None:
        question = ("get", api_version, kind, namespace, name)
        found: Manifest | None = await self._ask(question, lambda: self._kube.get(api_version, kind, namespace, name))
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
        only: Callable[[Manifest], bool] | None = None,
    ) -> Sequence[Manifest]:
        selected = (*sorted((labels or {}).items()), None, *sorted((fields or {}).items()))
        question = ("list", api_version, kind, namespace, *(part for pair in selected for part in pair or (None,)))
        found: Sequence[Manifest] = await self._ask(
            question, lambda: self._kube.list(api_version, kind, namespace, labels, fields, only)
        )
        return found

    async def create(self, manifest: Manifest) -> Manifest:
        return await self._kube.create(manifest)

    async def apply(self, manifest: Manifest) -> Manifest:
        return await self._kube.apply(manifest)

    async def update_status(self, manifest: Manifest) -> Manifest:
        return await self._kube.update_status(manifest)

    async def delete(self, api_version: str, kind: str, namespace: str, name: str, uid: str | None = None) -> None:
        await self._kube.delete(api_version, kind, namespace, name, uid)

    async def pod_log(
        self, namespace: str, pod: str, container: str, limit_bytes: int, tail_lines: int | None = None
    ) -> str | None:
        return await self._kube.pod_log(namespace, pod, container, limit_bytes, tail_lines)

    async def _ask(self, question: tuple[object, ...], ask: Callable[[], Awaitable[Any]]) -> Any:  # noqa: ARG002
        return await ask()


class Remembering(Reader):
    """Keeps the objects that were read in one namespace and, by question, all `answers`. `last`: what it answers from
    while the API server does not."""

    def __init__(self, kube: Kube, namespace: str, last: Memory | None = None) -> None:
        super().__init__(kube)
        self._namespace, self._last = namespace, last
        self.seen: dict[Identity, Manifest] = {}
        self.answers: Answers = {}
        self.recalled = False
        """An answer came from memory."""

    async def update_status(self, manifest: Manifest) -> Manifest:
        updated = await super().update_status(manifest)
        self.seen[_identity(updated)] = updated
        metadata = updated["metadata"]
        self.answers["get", updated["apiVersion"], updated["kind"], metadata["namespace"], metadata["name"]] = updated
        return updated

    async def _ask(self, question: tuple[object, ...], ask: Callable[[], Awaitable[Any]]) -> Any:
        answer = await self._answer(question, ask)
        self.answers[question] = answer
        if question[0] != "metadata":
            self._see(answer if question[0] == "list" else [answer] if answer else [])
        return answer

    async def _answer(self, question: tuple[object, ...], ask: Callable[[], Awaitable[Any]]) -> Any:
        try:
            return await ask()
        except Unavailable as error:
            known = self._last.answers() if self._last else {}
            if question not in known:
                raise
            _log.warning("answered from memory: %s", error)
            self.recalled = True
            return known[question]

    def _see(self, objects: Sequence[Manifest]) -> None:
        """As it was read first: a status is decided from that, and must not be written over what a later read shows."""
        for found in objects:
            if found["metadata"].get("namespace") == self._namespace:
                self.seen.setdefault(_identity(found), found)


def _identity(found: Manifest) -> Identity:
    return found["apiVersion"], found["kind"], found["metadata"]["name"]
