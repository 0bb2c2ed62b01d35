"""The whole operator in virtual time, among simulated controllers, servers and clients, with one way to die.

`crash_before(n)` kills it before its n-th write from then on, pushes to servers included. Everything else goes on
without it for `AWAY` seconds; then another one starts, which knows nothing but what lies in the cluster. `kill` does so
at once. `kube.silent` is an API server that answers nobody; `streets.blind` a network on which no counters come.

As in life, events name what is to be read anew, of the kinds that are watched, and so does a sweep every five minutes.
`lost` says which events never come.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from faults.controllers import NAMESPACE, Controllers
from faults.traffic import Streets
from modelward.clients.fake import Crash, FakeKube, Identity
from modelward.clients.kube import Kube
from modelward.decide.plan import Key
from modelward.engine.loop import API, Engine
from modelward.engine.queue import Queue
from modelward.engine.reconcilers import RECONCILERS
from modelward.engine.sightings import Sightings, owners_of
from modelward.errors import Unavailable
from modelward.names import REVISION, Manifest
from modelward.observe.world import World
from modelward.settings import Settings
from modelward_contracts.traffic import Traffic
from modelward_contracts.wire import canonical

AWAY = 20
SWEEP = 300
WATCHED = ("Deployment", "Job", "Pod")
SETTINGS = Settings(training_image="training:1", scoring_image="scoring:1", engine_train_job=True)
KINDS = ("Dataset", "DatasetVersion", "TrainingRun", "ModelVersion", "RegisteredModel", "ModelDeployment")


class ApiServer(FakeKube):
    """`tell` is called with what an event would bring: the object, and whether it is gone."""

    silent = False
    routed: list[str]
    """Revisions that the front Services selected, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.routed = []
        self.tell: Callable[[Manifest, bool], None] = lambda _found, _gone: None

    @contextmanager
    def showing(self, world: dict[Identity, Manifest] | None) -> Iterator[None]:
        """Reads show another world than that of now."""
        self._stale, before = world, self._stale
        try:
            yield
        finally:
            self._stale = before

    def put(self, manifest: Manifest) -> Manifest:
        if manifest["kind"] == "Service" and REVISION not in manifest["metadata"]["labels"]:
            to = manifest["spec"]["selector"][REVISION]
            self.routed += [to] if self.routed[-1:] != [to] else []
        return super().put(manifest)

    def _store(self, manifest: Manifest, **more: Any) -> Manifest:
        stored = super()._store(manifest, **more)
        if stored != more.get("unless_equal_to"):
            self.tell(stored, False)
        return stored

    def remove(self, api_version: str, kind: str, namespace: str, name: str) -> None:
        found = self.objects.get((api_version, kind, namespace, name))
        super().remove(api_version, kind, namespace, name)
        if found:
            self.tell(found, True)

    async def get(self, api_version: str, kind: str, namespace: str, name: str) -> Manifest | None:
        self._answer()
        return await super().get(api_version, kind, namespace, name)

    async def list(self, *question: Any, **more: Any) -> Sequence[Manifest]:
        self._answer()
        return await super().list(*question, **more)

    def _write(self, verb: str, manifest: Manifest) -> None:
        self._answer()
        super()._write(verb, manifest)

    def _answer(self) -> None:
        if self.silent:
            raise Unavailable("the API server does not answer")


class Town:
    """Made inside a running loop."""

    def __init__(self, kube: ApiServer | None = None) -> None:
        self.kube = kube or ApiServer()
        self.controllers = Controllers(self.kube)
        self.streets = Streets(self.controllers)
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.writes: list[str] = []
        """`verb Kind name`, of the operator."""
        self.crashes: list[str] = []
        """The writes that were not made."""
        self.kube.before_write = self._note
        self.kube.tell = self._hear
        self.lost: Callable[[Manifest], bool] = lambda _: False
        self._named: set[Key] = set()
        self.patience = 1
        """How many times as long as usual things may take."""
        self._fatal: int | None = None
        self._back_at = self.now
        self._engine = self._operator()

    def _operator(self) -> Engine:
        """A new process, and watches that begin with all there is."""
        self._sightings, self._swept = Sightings(), self.now
        for found in self.kube.objects.values():
            self._hear(found, gone=False)
        return Engine(self.world(self.kube, self._sightings), self, Queue(), RECONCILERS)

    def world(self, kube: Kube, sightings: Sightings) -> World:
        """Of a new process: no ledger, no memory."""
        return World(
            kube=kube,
            settings=SETTINGS,
            scrape=self.streets.scrape,
            sign=lambda setting: canonical(setting).decode(),
            public_keys="PEM",
            told_by=sightings.told_by,
            clock=lambda: self.now,
        )

    def kill(self, away: int = AWAY) -> None:
        """Seconds until another operator starts."""
        self._back_at = self.now + timedelta(seconds=away)
        self._engine = self._operator()

    def crash_before(self, nth: int) -> None:
        """1 is the next write."""
        self._fatal = nth

    def _note(self, verb: str, kind: str, name: str) -> None:
        if self._fatal is not None:
            self._fatal -= 1
            if self._fatal == 0:
                self._fatal = None
                raise Crash(f"{verb} {kind} {name}")
        self.writes.append(f"{verb} {kind} {name}")

    def _hear(self, found: Manifest, gone: bool) -> None:
        if self.lost(found):
            return
        if found["apiVersion"] == API:
            self._named |= self._sightings.see(found["kind"], found, gone=gone)
        elif found["kind"] in WATCHED:
            self._named |= set(owners_of(found))

    async def push(self, address: str, setting: Traffic) -> int:
        self._note("push", "Pod", setting.revision)
        return await self.streets.push(address, setting)

    async def tick(self) -> None:
        """One second."""
        if self.now >= self._back_at:
            try:
                await self._look()
            except Crash as crash:
                self.crashes.append(str(crash))
                self.kill()
        self.controllers.tick(self.now)
        self.streets.tick(self.now.timestamp())
        self.now += timedelta(seconds=1)

    async def _look(self) -> None:
        if self.now - self._swept >= timedelta(seconds=SWEEP):
            self._swept = self.now
            self._named |= {Key(k, NAMESPACE, o["metadata"]["name"]) for k in KINDS for o in self.controllers.find(k)}
        for kind in KINDS:
            for found in self.controllers.find(kind):
                await self._look_at(Key(kind, NAMESPACE, found["metadata"]["name"]))

    async def _look_at(self, key: Key) -> None:
        named = key in self._named
        self._named.discard(key)
        try:
            await self._engine.reconcile(key, named=named)
        except Unavailable:
            self._named.add(key)

    async def until(self, what: str, met: Callable[[], bool], seconds: int = 300) -> None:
        for _ in range(seconds * self.patience):
            if met():
                return
            await self.tick()
        raise AssertionError(f"not {what} after {seconds} s; writes: {self.writes[-10:]}; {self.status()}")

    async def pass_(self, seconds: int) -> None:
        for _ in range(seconds):
            await self.tick()

    async def rest(self) -> None:
        """Until nothing has been written for a while; it must come to that."""
        for _ in range(20):
            before = len(self.writes), len(self.crashes)
            for _ in range(15):
                await self.tick()
            if before == (len(self.writes), len(self.crashes)) and self.now > self._back_at:
                return
        raise AssertionError(f"it never comes to rest: {self.writes[-10:]}")

    def put(self, kind: str, name: str, spec: dict[str, Any]) -> None:
        metadata = {"name": name, "namespace": NAMESPACE}
        live = self.controllers.get(kind, name)
        self.kube.put(
            {"apiVersion": API, "kind": kind, "metadata": live["metadata"] if live else metadata, "spec": spec}
        )

    def annotate(self, kind: str, name: str, **words: str) -> None:
        """`words`: by the last part of our annotations' keys."""
        live = self.controllers.get(kind, name)
        assert live
        annotations = {f"modelward.dev/{key.replace('_', '-')}": value for key, value in words.items()}
        self.kube.put({**live, "metadata": live["metadata"] | {"annotations": annotations}})

    def find(self, kind: str) -> list[Manifest]:
        return self.controllers.find(kind)

    def status(self) -> dict[str, Any]:
        """Of the one ModelDeployment."""
        return next((d.get("status", {}) for d in self.find("ModelDeployment")), {})

    def is_true(self, kind: str, name: str, condition: str) -> bool:
        found = (self.controllers.get(kind, name) or {}).get("status", {}).get("conditions", [])
        return any(c["type"] == condition and c["status"] == "True" for c in found)


Story = Callable[[Town], Awaitable[None]]


async def live(story: Story, crash_before: int | None = None) -> Town:
    town = Town()
    if crash_before:
        town.crash_before(crash_before)
    await story(town)
    await town.rest()
    return town
