"""Argo CD and kstatus themselves: `with ArgoCD() as argo: argo.health(object)`. cmd/argocd is the program behind it."""

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from localcluster import parts, paths

Manifest = dict[str, Any]

SNIPPET = paths.REPOSITORY / "crds/argocd/argocd-cm.yaml"


class ArgoCDRefused(Exception):
    """In its own words."""


class ArgoCD:
    """One process answers all questions."""

    def __enter__(self) -> Self:
        parts.build([parts.ARGOCD])
        command = [str(parts.ARGOCD.path), str(SNIPPET)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._process.communicate()

    def health(self, found: Manifest) -> tuple[str, str]:
        said = self._ask("health", object=found)
        return said["status"], said.get("message", "")

    def kstatus(self, found: Manifest) -> str:
        return str(self._ask("kstatus", object=found)["status"])

    def actions(self, found: Manifest) -> list[Manifest]:
        told: list[Manifest] = self._ask("actions", object=found)
        return told

    def act(self, found: Manifest, action: str, **parameters: str) -> Manifest:
        """The merge patch that it sends."""
        (patch,) = self._ask("act", object=found, action=action, parameters=parameters)
        return dict(patch)

    def wave(self, found: Manifest) -> int:
        """Raises where it is an Application that Argo CD's types do not know so."""
        return int(self._ask("application", object=found)["wave"])

    def sync(
        self, kubeconfig: Path, application: Manifest, target: list[Manifest], seconds: int = 30
    ) -> dict[str, Manifest]:
        """What became of each, by `Kind/name`."""
        namespace = application["spec"]["destination"]["namespace"]
        known = {"kubeconfig": str(kubeconfig), "application": application, "namespace": namespace}
        return {each["name"]: each for each in self._ask("sync", target=target, seconds=seconds, **known)}

    def different(self, kubeconfig: Path, application: Manifest, target: list[Manifest]) -> list[Manifest]:
        """What it would show as OutOfSync."""
        asked = {"kubeconfig": str(kubeconfig), "application": application, "target": target}
        found: list[Manifest] = self._ask("diff", **asked)
        return found

    def _ask(self, question: str, **more: Any) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"ask": question, **more}) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if isinstance(answer, dict) and "error" in answer:
            raise ArgoCDRefused(answer["error"])
        return answer


def application(namespace: str, *options: str, name: str = "modelward", server_side_diff: bool = False) -> Manifest:
    """One with these sync options."""
    noted = {"argocd.argoproj.io/compare-options": "ServerSideDiff=true"} if server_side_diff else {}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, "namespace": "argocd", "annotations": noted},
        "spec": {
            "project": "default",
            "source": {"repoURL": "https://git.example.com/models.git"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": namespace},
            "syncPolicy": {"syncOptions": list(options)},
        },
    }
