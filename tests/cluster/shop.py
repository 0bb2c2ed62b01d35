"""A namespace whose models are trained once for many tests; each test deploys them under a name of its own."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from . import models
from .load import Load
from .world import World

RUNS: dict[str, dict[str, Any]] = {
    "base": {"c": 1.0},
    "good": {"c": 0.5},
    "tampered": {"c": 0.25},
    "errors": {"fault": "errors"},
    "slow": {"sines": 1_500_000},
    "kilometres": {"c": 1.0},
}
"""Of the model `trips`: TrainingRun → parameters. All were trained on miles but one."""
MEASURED: dict[str, dict[str, Any]] = {
    "waves": {"sines": 2_000_000},
    "waves-twice": {"sines": 4_000_000},
    "ripples": {"sines": 2_500_000},
    "ripples-twice": {"sines": 5_000_000},
    "hangs": {"fault": "hangs"},
    "leaks": {"fault": "leaks"},
}
"""More, for benchmarks."""
KILOMETRES = "trips-in-kilometres"
QUICK = {"minRequests": 100, "maxErrorIncreasePercent": 5, "maxLatencyRatio": 3}
"""The more is allowed, the sooner it is proven; and pods of other tests keep the node busy."""
STEPS = [{"weight": 10, "duration": "2s"}, {"weight": 50, "duration": "2s"}]


@dataclass(frozen=True)
class Shop:
    """`versions`: number of the ModelVersion that each run made."""

    world: World
    versions: dict[str, int]

    @contextmanager
    def serving(self, title: str, version: str = "base", **spec: Any) -> Iterator["Service"]:
        """A deployment in service, deleted afterwards. `title`: of the test."""
        digest = hashlib.sha256(title.encode()).hexdigest()[:6]
        name = f"{re.sub('[^a-z0-9]+', '-', title.lower().removeprefix('test_'))[:30].strip('-')}-{digest}"
        service = Service(self, name)
        self.world.apply(models.deployment(name, **(self._spec(version) | spec)))
        try:
            self.world.wait_condition("modeldeployment", name, "Ready", "True")
            yield service
        finally:
            self.world.kubectl("delete", "modeldeployment", name, "--wait=false")

    def _spec(self, version: str) -> dict[str, Any]:
        return {
            "modelRef": {"name": "trips", "version": self.versions[version]},
            "rollout": {"steps": STEPS, "bakeTime": "5s", "progressDeadlineSeconds": 120},
            "analysis": QUICK,
        }


@dataclass(frozen=True)
class Service:
    shop: Shop
    name: str

    @property
    def world(self) -> World:
        return self.shop.world

    @property
    def url(self) -> str:
        return f"{self.world.url(self.name)}/v2/models/{self.name}/infer"

    def load(self, bodies: Sequence[dict[str, Any]] | None = None, rate: float = 120.0) -> Load:
        return Load(self.url, bodies or summer(), rate)

    def roll_out(self, version: str, **spec: Any) -> None:
        self.world.patch("modeldeployment", self.name, {"modelRef": {"version": self.shop.versions[version]}, **spec})

    @property
    def status(self) -> dict[str, Any]:
        found = self.world.get("modeldeployment", self.name)
        assert found
        status: dict[str, Any] = found["status"]
        return status

    def wait_phase(self, phase: str, seconds: float = 180.0) -> None:
        self.world.wait_phase(self.name, phase, seconds)

    def wait_transition(self, cause: str, seconds: float = 180.0) -> dict[str, Any]:
        """The newest entry of the history with this cause: phases may be too short to be seen."""

        def probe() -> dict[str, Any] | None:
            return next((t for t in reversed(self.status["history"]) if t["cause"] == cause), None)

        return self.world.wait(f"{self.name}: {cause}", probe, seconds)

    def wait_weight(self, weight: int) -> None:
        self.world.wait(f"{self.name} is at {weight} %", lambda: self.status["weight"] == weight)

    def monitors(self) -> list[dict[str, Any]]:
        """What every server in service counts."""
        pods = self.world.find("pods", self.status["selector"])
        return [httpx.get(f"http://{pod['status']['podIP']}:8082/monitor").json() for pod in pods]

    def wait_confirmed(self) -> None:
        """Every server in service follows the newest setting, as its admin port says, and has reached the candidate."""
        epoch = self.status["epoch"]

        def follows(monitor: dict[str, Any]) -> bool:
            return monitor["epoch"] >= epoch and all(f["reached"] for f in monitor["forwards"].values())

        self.world.wait(f"epoch {epoch} in every pod", lambda: all(map(follows, self.monitors())))

    def tried(self) -> tuple[int, int]:
        """Requests that the candidate was given, and all. On a busy node stable answers those that miss a deadline."""
        monitors = self.monitors()
        forwards = [forward for monitor in monitors for forward in monitor["forwards"].values()]
        own = sum(sum(monitor["scored"].values()) for monitor in monitors)
        return sum(f["attempts"] for f in forwards), own + sum(f["answered"] for f in forwards)

    def wait_answers(self, load: Load, version: str, seconds: float = 90.0) -> None:
        """Every client is answered by this version, and by no other any more."""
        wanted = {str(self.shop.versions[version])}
        load.recent()

        def probe() -> bool:
            if sum(load.versions.values()) < 2 * load.rate:
                return False
            return load.recent().keys() == wanted

        self.world.wait(f"{self.name}: {version} answers alone", probe, seconds)


def act(service: Service, action: str) -> None:
    """By annotation, as a person does."""
    words = (f"modelward.dev/action={action}", "modelward.dev/requested-by=ada")
    service.world.kubectl("annotate", "modeldeployment", service.name, "--overwrite", *words)


def summer() -> list[dict[str, Any]]:
    """What the models were trained for."""
    return [models.request(row) for row in models.rows(1000, seed=7)]


def winter() -> list[dict[str, Any]]:
    return [models.request(row) for row in models.rows(1000, seed=8, winter=True)]


def strange(share: int = 10) -> list[dict[str, Any]]:
    """Every `share`th request has an hour that `errors` cannot look up."""
    rows = [row | {"hour": 99.0} if n % share == 0 else row for n, row in enumerate(models.rows(1000, seed=9))]
    return [models.request(row) for row in rows]


def train(world: World, *names: str) -> Shop:
    """These models, or all, at once."""
    image, wanted = world.images["modelward-training"], names or tuple(RUNS)
    world.apply(models.dataset(), models.dataset(KILOMETRES, kilometres=True))
    for name in wanted:
        data = KILOMETRES if name == "kilometres" else "trips"
        world.apply(models.run(name, image, data, **(RUNS | MEASURED)[name]))

    def versions() -> dict[str, int] | None:
        found = {v["spec"]["lineage"]["trainingRun"]: v["spec"]["version"] for v in world.find("modelversions")}
        return found if found.keys() == set(wanted) else None

    return Shop(world, world.wait(f"{', '.join(wanted)} are registered", versions, 400))
