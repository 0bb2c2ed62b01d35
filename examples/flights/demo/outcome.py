"""What became of one version, taken from the API and from the clients, and what of it is not as it must be. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from demo.acts import Act
from demo.clients import Figures
from demo.watch import Snapshot

DEPLOYMENT = ("ModelDeployment", "flights")


@dataclass(frozen=True)
class Outcome:
    """Of the `number`-th version. `snapshot` was taken when it was decided, after `seconds`."""

    act: Act
    number: int
    before: str
    """The ModelVersion that served before it."""
    seconds: float
    snapshot: Snapshot

    @property
    def version(self) -> str:
        """Its ModelVersion."""
        return f"flights-{self.number}"

    @property
    def decision(self) -> str:
        """In one word or two."""
        if self.verdict:
            return "rolled back"
        if serving(self.snapshot) != self.version:
            return "undecided"
        return "promoted" if self.before else "first version"

    @property
    def verdict(self) -> dict[str, Any]:
        """Empty if it was not rolled back."""
        return verdict(self.snapshot, self.version)

    @property
    def auc(self) -> float:
        """On held-out rows, measured by the platform."""
        found = self.snapshot.objects[("ModelVersion", self.version)]["spec"]["metrics"]["auc"]
        return float(found)


def serving(snapshot: Snapshot) -> str:
    """The ModelVersion in service."""
    return str((snapshot.status(*DEPLOYMENT).get("stable") or {}).get("modelVersion", ""))


def verdict(snapshot: Snapshot, version: str) -> dict[str, Any]:
    """Why a version was rolled back."""
    verdicts: list[dict[str, Any]] = snapshot.status(*DEPLOYMENT).get("verdicts", [])
    return next((v for v in verdicts if v["modelVersion"] == version), {})


def problems(outcomes: list[Outcome], clients: Figures) -> list[str]:
    """What did not happen as promised."""
    found = [problem for outcome in outcomes for problem in _of(outcome, clients)]
    if clients.errors:
        found.append(f"clients saw errors: {dict(clients.errors)}")
    return found


def _of(outcome: Outcome, clients: Figures) -> Iterator[str]:
    version = outcome.version
    if not clients.versions[str(outcome.number)]:
        yield f"no client was ever answered by {version}"
    if not outcome.snapshot.is_true("ModelVersion", version, "Verified"):
        yield f"{version} did not pass its offline tests"
    yield from _rolled_back(outcome) if outcome.act.causes else _promoted(outcome)


def _promoted(outcome: Outcome) -> Iterator[str]:
    if serving(outcome.snapshot) != outcome.version:
        yield f"{outcome.version} does not serve"
    cause = arrival(outcome.before)
    if not told(outcome.snapshot, cause, outcome.version):
        yield f"no Event {cause} names {outcome.version}"


def _rolled_back(outcome: Outcome) -> Iterator[str]:
    reason = outcome.verdict.get("reason", "")
    if reason not in outcome.act.causes:
        expected = " or ".join(sorted(outcome.act.causes))
        yield f"{outcome.version} was to be rolled back for {expected}, the verdict is {reason or 'none'}"
        return
    if serving(outcome.snapshot) != outcome.before:
        yield f"{outcome.before} does not serve after the rollback"
    condition = outcome.snapshot.condition(*DEPLOYMENT, "RolledBack")
    if (condition.get("status"), condition.get("reason")) != ("True", reason):
        yield f"condition RolledBack does not say {reason}: {condition}"
    if not told(outcome.snapshot, reason, outcome.version):
        yield f"no Event {reason} names {outcome.version}"


def arrival(before: str) -> str:
    """The Event of a version that comes into service after `before`, or first of all."""
    return "Promoted" if before else "FirstRevisionReady"


def told(snapshot: Snapshot, reason: str, version: str) -> bool:
    """Whether an Event of this reason names the version."""
    about = [e for e in snapshot.events if e["involvedObject"]["name"] == DEPLOYMENT[1]]
    return any(e["reason"] == reason and version in e["message"] for e in about)
