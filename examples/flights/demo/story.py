"""The life itself: data, the first version, clients, the harmful versions, the good one."""

import time
from pathlib import Path

from demo.acts import FIRST, Act
from demo.clients import Clients, Figures
from demo.console import Parts, say
from demo.manifests import load
from demo.outcome import DEPLOYMENT, Outcome, arrival, serving, told, verdict
from demo.place import Place
from demo.watch import Snapshot, Watch

MONTHS = range(1, 8)
"""1–6 to learn from, 7 for the clients."""


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
        for month in MONTHS:
            file = f"2013-{month:02d}.csv"
            self.kubectl("cp", str(folder / file), f"flights-raw:/raw/{file}")
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

    def clients_go(self) -> Figures:
        """Once the last version answers all of them."""
        number = str(self.outcomes[-1].number)
        self.watch.until(
            f"version {number} answers everybody", lambda _: set(self.clients.recent().versions) == {number}
        )
        self.watch.pulse = lambda: None
        return self.clients.stop()

    def _version(self, act: Act, *others: str) -> None:
        number, before, began = len(self.outcomes) + 1, serving(self.watch.look()), time.monotonic()
        version = f"flights-{number}"
        with self.parts.part(f"version {number}: {act.what}"):
            self._apply(act.manifest, *others)
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
