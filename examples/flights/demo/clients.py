"""The clients: a pod that replays July against the Service at a constant rate and counts every error."""

import json
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from demo.console import tell
from demo.kubectl import Kubectl
from demo.manifests import load
from demo.watch import NotSo

EVERY = 5
"""Seconds between two lines about them."""


@dataclass
class Figures:
    """Of some seconds."""

    requests: int = 0
    answered: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    versions: Counter[str] = field(default_factory=Counter)
    p99_ms: float = 0.0

    @classmethod
    def of(cls, lines: list[dict[str, Any]]) -> "Figures":
        """Added up; of latency the worst second's."""
        total = cls()
        for line in lines:
            total.requests += line["requests"]
            total.answered += line["answered"]
            total.errors.update(line["errors"])
            total.versions.update(line["versions"])
            total.p99_ms = max(total.p99_ms, line["p99_ms"] or 0.0)
        return total

    def shares(self) -> str:
        """Who answered how much."""
        counts = sorted(self.versions.items())
        return ", ".join(f"version {version}: {100 * n / self.answered:.0f} %" for version, n in counts)


class Clients:
    """The pod `clients`."""

    def __init__(self, kubectl: Kubectl, image: str, rate: int) -> None:
        self.kubectl, self.image, self.rate = kubectl, image, rate
        self._next_line = 0.0

    def start(self) -> None:
        """They go on until `stop`."""
        self.kubectl.apply(*load("clients.yaml", self.image, {"--rate=100": f"--rate={self.rate}"}))
        self.kubectl("wait", "--for=condition=Ready", "pod/clients", "--timeout=60s")

    def recent(self) -> Figures:
        """Of the last seconds."""
        printed = self.kubectl("logs", "clients", f"--tail={EVERY}").splitlines()
        return Figures.of([json.loads(line) for line in printed])

    def pulse(self) -> None:
        """A line about them, every few seconds."""
        if time.monotonic() < self._next_line:
            return
        self._next_line = time.monotonic() + EVERY
        now = self.recent()
        text = f"{now.answered / EVERY:.0f} answers/s, {now.errors.total()} errors, p99 {now.p99_ms:.0f} ms"
        tell("clients", "", f"{text}  ({now.shares()})")

    def stop(self) -> Figures:
        """Of all the time, by their own count."""
        self.kubectl("exec", "clients", "--", "sh", "-c", "kill -TERM 1")
        done = "--for=jsonpath={.status.containerStatuses[0].state.terminated.reason}"
        self.kubectl("wait", done, "pod/clients", "--timeout=60s")
        summary = json.loads(self.kubectl("logs", "clients", "--tail=1"))
        if not summary.pop("summary", False):
            raise NotSo("the clients ended without a summary: kubectl logs clients")
        return Figures.of([summary])
