"""kubectl in one namespace of one cluster: the demo does and sees what a user could."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Manifest = dict[str, Any]


class KubectlFailed(Exception):
    """In kubectl's own words."""


@dataclass(frozen=True)
class Kubectl:
    """Raises KubectlFailed."""

    program: Path
    kubeconfig: Path
    namespace: str

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        """What it printed."""
        command = [str(self.program), f"--kubeconfig={self.kubeconfig}", f"--namespace={self.namespace}", *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        if done.returncode:
            raise KubectlFailed(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def apply(self, *manifests: Manifest) -> None:
        """All at once."""
        self("apply", "--filename=-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests}))

    def list(self, *what: str) -> list[Manifest]:
        """The objects of some kinds."""
        items: list[Manifest] = json.loads(self("get", *what, "--output=json"))["items"]
        return items

    def find(self, kind: str, name: str) -> Manifest | None:
        """One object, if there."""
        found = self("get", kind, name, "--ignore-not-found", "--output=json")
        return json.loads(found) if found else None

    def make_namespace(self, labels: Mapping[str, str]) -> None:
        """This namespace."""
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace, "labels": labels}})
