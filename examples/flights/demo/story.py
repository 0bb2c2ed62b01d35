"""The life itself: data, the first version, clients, the harmful versions, the good one."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from demo import raw
from demo.acts import FIRST, RETRAINED, Act
from demo.clients import Clients, Figures
from demo.console import Parts, say
from demo.manifests import load
from demo.outcome import DEPLOYMENT, Outcome, arrival, serving, told, verdict
from demo.place import Place
from demo.watch import NotSo, Snapshot, Watch


def file_of(month: int) -> str:
    return f"2013-{month:02d}.csv"


DATASET, REFUSED = ("Dataset", "flights"), "ExpectationsFailed"
MONTHS = [file_of(month) for month in range(1, 7)]
NEW, BROKEN = file_of(7), file_of(8)
"""July arrives later; but the clients fly in it."""


class Story:
    """Each method is a chapter; `outcomes` grows with them."""

    def __init__(self, place: Place, parts: Parts, rate: int) -> None:
        self.kubectl, self.image, self.parts = place.kubectl, place.image, parts
        self.watch = Watch(place.kubectl)
        self.clients = Clients(place.kubectl, place.image, rate)
        self.outcomes: list[Outcome] = []

    def raw_data(self, folder: Path) -> None:
        """Monthly files into the cluster's volume, as a nightly export would bring them."""
        self.kubectl.apply(*load("raw-data.yaml", self.image))
        self.kubectl("wait", "--for=condition=Ready", "pod/flights-raw", "--timeout=120s")
        self.kubectl("exec", "flights-raw", "--", "mkdir", "-p", "/raw/clients")
        for file, target in [*((month, month) for month in MONTHS), (NEW, f"clients/{NEW}")]:
            self.kubectl("cp", str(folder / file), f"flights-raw:/raw/{target}")
        self.kubectl("delete", "pod", "flights-raw")

    def datasets(self, *manifests: str) -> None:
        """Raw files become immutable DatasetVersions."""
        self._apply(*manifests)
        names = [entry["metadata"]["name"] for manifest in manifests for entry in load(manifest, self.image)]
        self.watch.until("the datasets are ready", lambda s: all(s.is_true("Dataset", n, "Ready") for n in names))

    def first(self) -> None:
        """The first version is trained, registered, and serves."""
        self._version(FIRST, "modeldeployment.yaml")

    def clients_come(self) -> None:
        """From now on every request counts."""
        say("$ kubectl apply -f manifests/clients.yaml")
        self.clients.start()
        self.watch.pulse = self.clients.pulse
        self.watch.until("clients are answered", lambda _: self.clients.recent().answered > self.clients.rate)

    def next(self, act: Act) -> None:
        """Another version is trained, registered, tried, and then promoted or rolled back."""
        self._version(act)

    def month(self, folder: Path) -> None:
        """A file more, and nobody does anything: data, training, registration and rollout follow."""
        with self.parts.part(f"version {len(self.outcomes) + 1}: {RETRAINED.what}"):
            began, before = time.monotonic(), serving(self.watch.look())
            self._arrives(folder / NEW)
            self._follow(RETRAINED, before, began)

    def broken_month(self, folder: Path) -> None:
        """Another one, in other units: a version of the data that nobody uses."""
        with self.parts.part("a month in kilometres"), tempfile.TemporaryDirectory() as scratch:
            before = self.watch.look()
            raw.in_kilometres(folder / BROKEN, Path(scratch) / BROKEN)
            self._arrives(Path(scratch) / BROKEN)
            refused = self.watch.until(
                "the month is found wrong", lambda s: s.condition(*DATASET, "Ready").get("reason") == REFUSED
            )
            if latest(refused) != latest(before) or runs(refused) != runs(before):
                raise NotSo("something was trained, or would be, on a month in kilometres")

    def _arrives(self, file: Path) -> None:
        say(f"a nightly export writes {file.name}")
        self.kubectl.apply(*load("raw-data.yaml", self.image))
        self.kubectl("wait", "--for=condition=Ready", "pod/flights-raw", "--timeout=120s")
        self.kubectl("cp", str(file), f"flights-raw:/raw/{file.name}")
        self.kubectl("delete", "pod", "flights-raw")
        self.kubectl("annotate", "dataset", "flights", "--overwrite", f"modelward.dev/requested-at={file.name}")

    def clients_go(self) -> Figures:
        """Once the last version answers all of them."""
        number = str(self.outcomes[-1].number)
        self.watch.until(
            f"version {number} answers everybody", lambda _: set(self.clients.recent().versions) == {number}
        )
        self.watch.pulse = lambda: None
        return self.clients.stop()

    def why(self) -> None:
        """What the last version came from."""
        name = f"{self.kubectl.namespace}/mver/{self.outcomes[-1].version}"
        print(f"$ python -m modelward why {name}")
        environment = os.environ | {"KUBECONFIG": str(self.kubectl.kubeconfig)}
        subprocess.run([sys.executable, "-m", "modelward", "why", name], env=environment, check=False)

    def _version(self, act: Act, *others: str) -> None:
        with self.parts.part(f"version {len(self.outcomes) + 1}: {act.what}"):
            began, before = time.monotonic(), serving(self.watch.look())
            self._apply(act.manifest, *others)
            self._follow(act, before, began)

    def _follow(self, act: Act, before: str, began: float) -> None:
        number = len(self.outcomes) + 1
        version = f"flights-{number}"
        registered = self.watch.until(
            f"{version} is registered", lambda s: ("ModelVersion", version) in s.objects, seconds=300
        )
        auc = registered.objects[("ModelVersion", version)]["spec"]["metrics"]["auc"]
        say(f"{version} passed its offline tests: AUC {auc:.3f} on held-out rows")
        decided = self.watch.until(f"{version} is decided on", lambda s: _decided(s, version, before), seconds=300)
        self.outcomes.append(Outcome(act, number, before, time.monotonic() - began, decided))

    def _apply(self, *manifests: str) -> None:
        say("$ kubectl apply" + "".join(f" -f manifests/{manifest}" for manifest in manifests))
        self.kubectl.apply(*(entry for manifest in manifests for entry in load(manifest, self.image)))


def _decided(snapshot: Snapshot, version: str, before: str) -> bool:
    """And told: the Event follows the status."""
    phase = snapshot.status(*DEPLOYMENT).get("phase")
    if verdict(snapshot, version):
        return bool(phase == "Stable")
    in_service = serving(snapshot) == version and phase in ("Baking", "Stable")
    return in_service and told(snapshot, arrival(before), version)


def latest(snapshot: Snapshot) -> str:
    """The DatasetVersion in use."""
    return str(snapshot.status(*DATASET)["latestVersion"]["name"])


def runs(snapshot: Snapshot) -> set[str]:
    """The TrainingRuns that there are."""
    return {name for kind, name in snapshot.objects if kind == "TrainingRun"}
