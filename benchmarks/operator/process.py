"""What the operator's process took and asked for, by the kernel's, its own and the API server's books."""

import json
import os
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from api.engine_operator import Operator

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Books:
    """At one moment."""

    cpu_seconds: float
    requests: Counter[str]
    """To the API server, by method."""
    reconciles: Counter[str]
    """By kind."""

    def since(self, before: "Books") -> "Books":
        return Books(
            self.cpu_seconds - before.cpu_seconds,
            self.requests - before.requests,
            self.reconciles - before.reconciles,
        )


def books(operator: Operator) -> Books:
    told = operator.get("/metrics")
    return Books(
        cpu_seconds(operator.process.pid),
        _sums(told, r'rest_client_requests_total\{.*method="(\w+)"\}'),
        _sums(told, r'controller_runtime_reconcile_total\{controller="(\w+)",.*\}'),
    )


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def memory_mib(pid: int) -> dict[str, float]:
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.findall(r"(VmRSS|VmHWM):\s+(\d+) kB", status)
    return {{"VmRSS": "now", "VmHWM": "most"}[name]: round(int(kib) / 1024, 1) for name, kib in found}


class Writes:
    """Of the operator, by the API server's audit log, from where it was read last."""

    def __init__(self, audit_log: Path) -> None:
        self._log = audit_log.open()
        self._begun = ""
        """Of a line that is still being written."""

    def new(self) -> Counter[str]:
        """`verb resource`."""
        found: Counter[str] = Counter()
        for line in self._log:
            self._begun += line
            if not line.endswith("\n"):
                break
            event, self._begun = json.loads(self._begun), ""
            if event.get("userAgent") == "modelward":
                about = event.get("objectRef", {})
                kind = "/".join(filter(None, (about.get("resource"), about.get("subresource"))))
                found[f"{event['verb']} {kind}"] += 1
        return found


def _sums(told: str, pattern: str) -> Counter[str]:
    found: Counter[str] = Counter()
    for name, value in re.findall(rf"^{pattern} (\S+)$", told, re.MULTILINE):
        found[name] += int(float(value))
    return found
