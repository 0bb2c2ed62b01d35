"""A cluster with Modelward in it, as its users see it: kubectl and HTTP."""

import json
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class World:
    """One namespace of an installed cluster. `images`: our images' references by name."""

    kubectl_path: Path
    kubeconfig: Path
    audit_log: Path
    images: dict[str, str]
    namespace: str

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Raises with kubectl's own words."""
        command = [str(self.kubectl_path), f"--kubeconfig={self.kubeconfig}", f"--namespace={self.namespace}"]
        done = subprocess.run([*command, *arguments], input=stdin, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def apply(self, *manifests: dict[str, Any]) -> None:
        items = {"apiVersion": "v1", "kind": "List", "items": manifests}
        self.kubectl("apply", "--filename=-", stdin=json.dumps(items))

    def takes(self, *manifests: dict[str, Any]) -> bool:
        """Whether it does: what has webhooks is called ready some seconds before they can be reached."""
        try:
            self.apply(*manifests)
        except AssertionError:
            return False
        return True

    def patch(self, kind: str, name: str, spec: dict[str, Any]) -> None:
        self.kubectl("patch", kind, name, "--type=merge", f"--patch={json.dumps({'spec': spec})}")

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        found = self.kubectl("get", kind, name, "--output=json", "--ignore-not-found")
        return json.loads(found) if found else None

    def find(self, kind: str, selector: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.kubectl("get", kind, f"--selector={selector}", "--output=json"))[
            "items"
        ]
        return found

    def wait(self, what: str, probe: Callable[[], T | None], seconds: float = 120.0) -> T:
        """Ask until the answer is true; fails with the state of the namespace."""
        deadline = time.monotonic() + seconds
        while True:
            answer = probe()
            if answer:
                return answer
            assert time.monotonic() < deadline, f"{what}: not so after {seconds:.0f} s\n{self.story()}"
            time.sleep(0.3)

    def story(self) -> str:
        """What a person would look at first."""
        return self.kubectl("get", "modelward,jobs,pods", "--output=wide") + self.kubectl("get", "events")

    def condition(self, kind: str, name: str, type_: str) -> dict[str, str]:
        """Empty where there is none."""
        conditions = (self.get(kind, name) or {}).get("status", {}).get("conditions", [])
        return next((c for c in conditions if c["type"] == type_), {})

    def wait_condition(self, kind: str, name: str, type_: str, status: str, seconds: float = 180.0) -> dict[str, str]:
        def probe() -> dict[str, str] | None:
            found = self.condition(kind, name, type_)
            return found if found.get("status") == status else None

        return self.wait(f"{kind} {name} {type_}={status}", probe, seconds)

    def wait_reason(self, kind: str, name: str, reason: str) -> dict[str, str]:
        """The Ready condition, once it has this reason."""

        def probe() -> dict[str, str] | None:
            found = self.condition(kind, name, "Ready")
            return found if found.get("reason") == reason else None

        return self.wait(f"{kind} {name} says {reason}", probe, 240.0)

    def phase(self, deployment: str) -> str:
        return str(((self.get("modeldeployment", deployment) or {}).get("status") or {}).get("phase", ""))

    def wait_phase(self, deployment: str, phase: str, seconds: float = 180.0) -> None:
        self.wait(f"{deployment} is {phase}", lambda: self.phase(deployment) == phase, seconds)

    def serving(self, deployment: str) -> str:
        """The ModelVersion in service, by name."""
        status = (self.get("modeldeployment", deployment) or {}).get("status", {})
        return str((status.get("stable") or {}).get("modelVersion", ""))

    def url(self, service: str) -> str:
        """Reachable from this machine: the cluster's Service addresses are routed to its node.

        A busy node's kube-proxy learns of a new Service seconds after its pods are Ready. Until then nothing routes
        there, and connections end in "no route to host"; from then on every error counts.
        """
        found = self.wait(f"Service {service}", lambda: self.get("service", service))
        address = found["spec"]["clusterIP"]
        self.wait(f"the node knows Service {service}", lambda: connects(address))
        return f"http://{address}"

    def reasons(self, name: str, type_: str = "") -> list[str]:
        """Of the Events about an object, oldest first."""
        events = self.find("events.events.k8s.io")
        mine = [e for e in events if e.get("regarding", {}).get("name") == name and e.get("type", "").startswith(type_)]
        return [
            e["reason"]
            for e in sorted(mine, key=lambda e: str(e.get("eventTime") or e.get("deprecatedLastTimestamp") or ""))
        ]


def connects(address: str, port: int = 80) -> bool:
    try:
        socket.create_connection((address, port), timeout=2).close()
    except OSError:
        return False
    return True
