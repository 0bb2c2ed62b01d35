"""Looks at Modelward's resources once a second, tells every new Event, and waits for what is to come."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from demo.console import tell
from demo.kubectl import Kubectl, KubectlFailed, Manifest

GROUP = "modelward.dev/"
PATIENCE = 10
"""Looks that may fail one after the other: an API server on a busy machine now and then is late."""


class NotSo(Exception):
    """What should have happened did not; the message says what."""


@dataclass(frozen=True)
class Snapshot:
    """All of Modelward's objects in the namespace, and the Events about them, oldest first."""

    objects: dict[tuple[str, str], Manifest]
    events: Sequence[Manifest]

    @classmethod
    def of(cls, items: Sequence[Manifest]) -> "Snapshot":
        """What kubectl listed."""
        events = [item for item in items if item["kind"] == "Event"]
        ours = [e for e in events if e["involvedObject"].get("apiVersion", "").startswith(GROUP)]
        objects = {(item["kind"], item["metadata"]["name"]): item for item in items if item["kind"] != "Event"}
        return cls(objects, sorted(ours, key=when))

    def status(self, kind: str, name: str) -> dict[str, Any]:
        """Empty where there is none."""
        found: dict[str, Any] = self.objects.get((kind, name), {}).get("status", {})
        return found

    def condition(self, kind: str, name: str, type_: str) -> dict[str, str]:
        """Empty where there is none."""
        conditions = self.status(kind, name).get("conditions", [])
        return next((c for c in conditions if c["type"] == type_), {})

    def is_true(self, kind: str, name: str, type_: str) -> bool:
        """Whether a condition holds."""
        return self.condition(kind, name, type_).get("status") == "True"


@dataclass
class Watch:
    """`until` something is so; meanwhile every new Event becomes a line."""

    kubectl: Kubectl
    told: set[str] = field(default_factory=set)
    pulse: Callable[[], None] = lambda: None
    """Called at every look."""

    def look(self) -> Snapshot:
        """Now."""
        snapshot = Snapshot.of(self.kubectl.list("modelward,events"))
        for event in snapshot.events:
            self._tell(event)
        return snapshot

    def until(self, what: str, so: Callable[[Snapshot], bool], seconds: float = 180) -> Snapshot:
        """The first snapshot of which it is true; a failed TrainingRun or Dataset ends the waiting."""
        deadline, failures = time.monotonic() + seconds, 0
        while time.monotonic() < deadline:
            began = time.monotonic()
            try:
                snapshot, failures = self.look(), 0
            except KubectlFailed:
                failures += 1
                if failures > PATIENCE:
                    raise
            else:
                if so(snapshot):
                    return snapshot
                raise_failed(snapshot)
                self.pulse()
            time.sleep(max(0.0, began + 1 - time.monotonic()))
        raise NotSo(f"{what}: not so after {seconds:.0f} s")

    def _tell(self, event: Manifest) -> None:
        if event["metadata"]["uid"] in self.told:
            return
        self.told.add(event["metadata"]["uid"])
        about = event["involvedObject"]
        tell(f"{about['kind']} {about['name']}", event["reason"], event.get("message", ""))


def raise_failed(snapshot: Snapshot) -> None:
    """No run of the demo is meant to fail."""
    for (kind, name), item in snapshot.objects.items():
        for condition in item.get("status", {}).get("conditions", []):
            if condition["type"] == "Failed" and condition["status"] == "True" and kind == "TrainingRun":
                raise NotSo(f"{kind} {name}: {condition['reason']}: {condition['message']}")


def when(event: Manifest) -> str:
    """Of an Event, whichever API wrote it."""
    return str(event.get("eventTime") or event.get("firstTimestamp") or event["metadata"]["creationTimestamp"])
