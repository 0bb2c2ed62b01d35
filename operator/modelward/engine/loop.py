"""observe → decide → act, for one key at a time and many keys at once; no failure of one holds up another."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from modelward.act import Hands, act
from modelward.api import GROUP, VERSION
from modelward.api.common import Condition, ConditionStatus
from modelward.checkpoint import Checkpoint, no_checkpoint
from modelward.clients.kube import Conflict, Kube
from modelward.clients.scoring import Pusher
from modelward.compare import same
from modelward.decide.conditions import set_condition
from modelward.decide.plan import Key, Plan
from modelward.engine.first_sight import FirstSight
from modelward.engine.freshness import Freshness
from modelward.engine.memory import Memory, Remembering, Rest
from modelward.engine.queue import Closed, Queue
from modelward.errors import Refused, Unavailable, Wait
from modelward.observe.world import World
from modelward.settings import Settings
from modelward.telemetry.logs import about
from modelward.telemetry.metrics import ACTIVE_WORKERS, RECONCILE_SECONDS, RECONCILES

_log = logging.getLogger(__name__)

API = f"{GROUP}/{VERSION}"
_DEADLINE = 60.0
_AFTER_CONFLICT = 0.1
_AFTER_REFUSAL = 10.0
_LONGEST_REFUSAL = 30.0
"""What was in the way may be gone at any time (a quota, a name), and no watch tells."""
_SOON = 5.0
_TOLD_FROM = 3
"""Failures in a row: fewer are an API server's restart, or a lost race."""


class Moved(Exception):
    """What was read before is no longer enough: there is something to write, or to explain."""


def _nothing(verb: str, kind: str) -> None:
    """What may be written by a look at what is remembered."""
    raise Moved(f"{verb} {kind}")


@dataclass(frozen=True)
class Reconciler:
    """What is particular to a kind. `observe` gives None when the object is gone or going."""

    observe: Callable[[World, Key], Awaitable[Any]]
    decide: Callable[[Any, Settings, datetime], Plan]
    without_api: bool = False
    """It goes on deciding from what it last read while the API server is silent, and looks again soon."""
    rest: Callable[[Any], Rest | None] | None = None
    """How what was observed looks where a plan says that it is at rest; until that changes, or something is named,
    nothing is read."""
    api_version: str = API
    """Of the kind. Another's objects have no conditions that could tell what is wrong."""


@dataclass(frozen=True)
class Engine:
    world: World
    pods: Pusher
    queue: Queue
    reconcilers: Mapping[str, Reconciler]
    before: Checkpoint = no_checkpoint
    deadline: float = _DEADLINE
    last: dict[Key, Memory] = field(default_factory=dict)
    freshness: Freshness = field(default_factory=Freshness)
    first: FirstSight | None = None

    async def work(self) -> None:
        """One worker, until the queue is closed."""
        while True:
            try:
                key = await self.queue.get()
            except Closed:
                return
            try:
                with about(key), RECONCILE_SECONDS.labels(key.kind).time(), ACTIVE_WORKERS.track_inprogress():
                    result = await self._attempt(key)
                RECONCILES.labels(key.kind, result).inc()
            finally:
                self.queue.done(key)

    async def _attempt(self, key: Key) -> str:
        """Reconcile, and put the key back where it has to be looked at again. The result, for the metrics."""
        try:
            async with asyncio.timeout(self.deadline):
                again = await self.reconcile(key, named=self.queue.take_name(key))
        except Conflict as error:
            _log.debug("conflict: %s", error)
            self.queue.retry(key, first=_AFTER_CONFLICT)
            return "conflict"
        except Refused as error:
            again = self.queue.retry(key, first=_AFTER_REFUSAL, longest=_LONGEST_REFUSAL)
            _log.warning("refused: %s", error, extra={"retry_after": again})
            return "refused"
        except (Unavailable, TimeoutError) as error:
            cause = str(error) or f"not done within {self.deadline:.0f} s"
            longest = _SOON if self.reconcilers[key.kind].without_api else None
            _log.warning("unavailable: %s", cause, extra={"retry_after": self.queue.retry(key, longest=longest)})
            await self._confess(key, "Unavailable", cause)
            return "unavailable"
        except Exception as error:
            _log.exception("unexpected", extra={"retry_after": self.queue.retry(key)})
            await self._confess(key, "ReconcileFailed", f"{type(error).__name__}: {' '.join(str(error).split())[:500]}")
            return "error"
        self.queue.succeeded(key)
        if again is None:
            return "success"
        self.queue.again(key, again)
        return "requeue_after"

    async def reconcile(self, key: Key, *, named: bool = True) -> float | None:
        """Once. Seconds after which to look again even if nothing happens. `named`: by an event, the sweep or a
        failure. Else what was read before may do, as long as there is nothing to write."""
        first, memory = self.first if self.first and self.first.take(key) else None, self.last.get(key)
        try:
            if not named and memory and memory.rest and await memory.rest.lasts(self.world, key):
                return memory.requeue_after
            if not named and first:
                with suppress(Moved):
                    return await self._look(key, first, _nothing)
            return await self._look(key, self.world.kube, self.before)
        finally:
            if first:
                first.done()

    async def _look(self, key: Key, source: Kube, before: Checkpoint) -> float | None:
        reconciler = self.reconcilers[key.kind]
        memory = self.last.setdefault(key, Memory()) if reconciler.without_api else None
        kube = Remembering(source, key.namespace, memory)
        written: list[str] = []
        done = False

        def note(verb: str, kind: str) -> None:
            before(verb, kind)
            written.append(kind)

        hands, own = Hands(kube, self.pods, kube.seen, note), (reconciler.api_version, key.kind, key.name)
        try:
            observed = await reconciler.observe(replace(self.world, kube=kube), key)
            if not kube.recalled:
                self._require_fresh(kube)
            if observed is None:
                self.last.pop(key, None)
                return None
            plan = reconciler.decide(observed, self.world.settings, self.world.clock())
            # Of a kind of ours it is there; of another, the plan may be to make it.
            await act(hands, kube.seen.get(own, {}), plan)
            done = True
        except (Wait, Refused) as problem:
            if before is _nothing:
                raise Moved from problem
            await self._explain(key, "False", problem.reason, str(problem))
            if isinstance(problem, Wait):
                return problem.retry_after
            raise
        finally:
            self.freshness.note(key, kube.seen.get(own), self.world.clock())
            if memory:
                memory.keep(kube.answers if done else memory.answers() | kube.answers)
        if memory and reconciler.rest:
            memory.rest = reconciler.rest(observed) if plan.at_rest and not written else None
            memory.requeue_after = plan.requeue_after
        return plan.requeue_after

    def _require_fresh(self, read: Remembering) -> None:
        """The object itself, and others of ours that were read by name: their events came already, and come once."""
        for question, answer in read.answers.items():
            if question[:2] == ("get", API):
                self.freshness.require(Key(*map(str, question[2:])), answer, self.world.clock())

    async def _confess(self, key: Key, reason: str, cause: str) -> None:
        """Failures that do not end are told where people look; whether it is Ready, nobody knows then."""
        if self.queue.failures(key) < _TOLD_FROM:
            return
        try:
            async with asyncio.timeout(self.deadline):
                message = f"the operator could not look at this resource, and tries again: {cause}"
                await self._explain(key, "Unknown", reason, message)
        except (Conflict, Refused, Unavailable, TimeoutError) as error:
            _log.warning("not told: %s", error)

    async def _explain(self, key: Key, ready: ConditionStatus, reason: str, message: str) -> None:
        """Why it cannot go on, as the Ready condition of the object itself. The rest of its status may be what is in
        the way: it is not read."""
        if self.reconcilers[key.kind].api_version != API:
            return
        live = await self.world.kube.get(API, key.kind, key.namespace, key.name)
        if live is None:
            return
        status = live.get("status") or {}
        conditions = [Condition.model_validate(each) for each in status.get("conditions", [])]
        generation, now = live["metadata"].get("generation", 0), self.world.clock()
        conditions = set_condition(conditions, "Ready", ready, reason, message or reason, generation, now)
        desired = {**status, "conditions": [condition.wire() for condition in conditions]}
        if not same(desired, status):
            self.before("status", key.kind)
            self.freshness.note(key, await self.world.kube.update_status({**live, "status": desired}), now)
