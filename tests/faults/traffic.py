"""Scoring servers and their keep-alive clients, in virtual time.

A server follows the newest setting it was given, forwards its share in whole requests and answers itself what the
candidate fails. A client stays with its pod until it is told to leave; a pod that goes away under it is an error.
"""

from collections import Counter
from dataclasses import dataclass, field

from faults.controllers import Controllers, is_ready
from modelward.build.scoring import revision_name
from modelward.build.traffic import traffic_name
from modelward.errors import Unavailable
from modelward.names import DEPLOYMENT, REVISION, Manifest
from modelward_contracts.monitor import Forwards, Histogram, Snapshot
from modelward_contracts.traffic import Traffic
from modelward_contracts.wire import decode

CLIENTS = 8
REQUESTS = 50
"""Of each client, each second."""


@dataclass
class Server:
    """The process in one pod. One that is broken fails every second request."""

    pod: Manifest
    started: float
    broken: set[str]
    """ModelVersions that are."""
    setting: Traffic | None = None
    scored: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)

    @property
    def revision(self) -> str:
        return str(self.pod["metadata"]["labels"][REVISION])

    contradicted: int = 0
    """Settings that say something else than the one of the same epoch before."""

    def take(self, setting: Traffic) -> int:
        if self.setting and setting.epoch == self.setting.epoch and setting != self.setting:
            self.contradicted += 1
        if self.setting is None or setting.epoch >= self.setting.epoch:
            self.setting = setting
        return self.setting.epoch

    def score(self, requests: int) -> int:
        """How many fail."""
        bad = requests // 2 if self.pod["metadata"]["labels"]["modelward.dev/model-version"] in self.broken else 0
        self.scored.update({"200": requests - bad, "500": bad})
        return bad

    def snapshot(self, connections: int) -> Snapshot:
        return Snapshot(
            pod=self.pod["metadata"]["name"],
            revision=self.revision,
            model="m",
            profile="p",
            started=self.started,
            epoch=self.setting.epoch if self.setting else 0,
            ready=True,
            scored=dict(self.scored),
            latency=Histogram(edges=[0.01], counts=[self.scored["200"], 0], sum=0.0),
            forwards={
                to: Forwards(
                    attempts=self.answered[to] + self.failed[to],
                    answered=self.answered[to],
                    failures={"status5xx": self.failed[to]},
                    breaker_open=False,
                )
                for to in {*self.answered, *self.failed}
            },
            connections=connections,
            in_flight=0,
            signals=[],
        )


class Streets:
    """Everything between clients and models."""

    def __init__(self, controllers: Controllers) -> None:
        self.controllers = controllers
        self.broken: set[str] = set()
        """Harmful ModelVersions."""
        self.refused = 0
        """Requests that nobody answered."""
        self.failed = 0
        """Requests that were answered with an error."""
        self.handed_since: float | None = None
        """When the first request was handed to a version on trial."""
        self.handed: Counter[str] = Counter()
        """Requests that the version on trial was given, by its revision."""
        self.blind = False
        """No server's counters can be read."""
        self.answers: Counter[str] = Counter()
        """Of the last second, by the revision that gave them."""
        self.contradicted = 0
        """Settings of one epoch that said two things."""
        self._servers: dict[str, Server] = {}
        self._clients: list[str | None] = [None] * CLIENTS
        self._routed: dict[str, str] = {}
        self._now = 0.0
        self._open = False
        """Something has been served: from now on every refusal counts."""

    def tick(self, now: float) -> None:
        """A second of traffic. Services are followed a second late, as kube-proxy follows them."""
        self._now = now
        self._start_servers(now)
        self.answers.clear()
        for number in range(CLIENTS):
            self._clients[number] = self._ask(number, self._clients[number])
        front = next(iter(self.controllers.find("ModelDeployment")), None)
        service = self.controllers.get("Service", front["metadata"]["name"]) if front else None
        self._routed = dict(service["spec"]["selector"]) if service else {}

    def _start_servers(self, now: float) -> None:
        pods = {p["metadata"]["name"]: p for p in self.controllers.find("Pod") if p["owner"][0] == "Deployment"}
        self._servers = {name: server for name, server in self._servers.items() if name in pods}
        for name, pod in pods.items():
            if name not in self._servers and is_ready(pod):
                self._servers[name] = Server(pod, now, self.broken)
                self._read_mounted(self._servers[name])

    def _read_mounted(self, server: Server) -> None:
        deployment = server.pod["metadata"]["labels"][DEPLOYMENT]
        mounted = self.controllers.get("ConfigMap", traffic_name(deployment))
        text = mounted["data"].get(f"{server.revision}.json") if mounted else None
        if text:
            server.take(decode(text, Traffic))

    def _ask(self, number: int, pod: str | None) -> str | None:
        """Where the client is connected afterwards."""
        if pod is not None and pod not in self._servers:
            self.refused += REQUESTS
            pod = None
        ready = [
            name for name, s in self._servers.items() if self._routed.items() <= s.pod["metadata"]["labels"].items()
        ]
        pod = pod or (ready[number % len(ready)] if ready and self._routed else None)
        if pod is None:
            self.refused += REQUESTS if self._open else 0
            return None
        self._open = True
        server = self._servers[pod]
        self._serve(server)
        return None if server.setting and server.setting.close_connections else pod

    def _serve(self, server: Server) -> None:
        setting = server.setting
        share = REQUESTS * setting.weight // 100 if setting and setting.candidate else 0
        own = REQUESTS - share
        if setting and setting.candidate and share:
            own += self._forward(server, setting.candidate.revision, share)
        self.failed += server.score(own)
        self.answers[server.revision] += own

    def _forward(self, server: Server, to: str, share: int) -> int:
        """How many come back, to be answered here."""
        self.handed_since = self.handed_since or self._now
        name = revision_name(server.pod["metadata"]["labels"][DEPLOYMENT], to)
        there = [s for s in self._servers.values() if s.revision == to]
        failed = share if not there or self.controllers.get("Service", name) is None else there[0].score(share)
        self.handed[to] += share
        server.failed[to] += failed
        server.answered[to] += share - failed
        self.answers[to] += share - failed
        return failed

    async def scrape(self, address: str) -> Snapshot | None:
        server = None if self.blind else self._at(address)
        return server.snapshot(self._clients.count(server.pod["metadata"]["name"])) if server else None

    async def push(self, address: str, setting: Traffic) -> int:
        server = self._at(address)
        if server is None:
            raise Unavailable(address)
        before = server.contradicted
        epoch = server.take(setting)
        self.contradicted += server.contradicted - before
        return epoch

    def _at(self, address: str) -> Server | None:
        ip = address.partition(":")[0]
        return next((s for s in self._servers.values() if s.pod["status"]["podIP"] == ip), None)
