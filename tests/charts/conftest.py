"""Helm with the chart, and a real API server to install it into."""

import os
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from localcluster import parts, paths
from localcluster.api import ApiServer

Manifest = dict[str, Any]

CHART = paths.REPOSITORY / "charts/modelward"
NAMESPACE = "modelward-system"


class Done(NamedTuple):
    ok: bool
    out: str


Run = Callable[..., Done]


class Chart(NamedTuple):
    """The chart as `helm template` renders it."""

    helm: Run

    def render(self, *values: str) -> list[Manifest]:
        """Everything but hooks, with each value as `--set` takes it."""
        done = self.template(*values)
        assert done.ok, done.out
        return manifests(done.out)

    def template(self, *values: str, hooks: bool = False) -> Done:
        switches = [word for value in values for word in ("--set", value)]
        more = () if hooks else ("--no-hooks",)
        command = ("template", "modelward", str(CHART), "--namespace", NAMESPACE, "--kube-version", "1.35")
        return self.helm(*command, *switches, *more)

    def one(self, kind: str, *values: str) -> Manifest:
        (found,) = (manifest for manifest in self.render(*values) if manifest["kind"] == kind)
        return found


@pytest.fixture(scope="session")
def helm_environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("helm")
    return {**os.environ, **{f"HELM_{kind}_HOME": str(folder / kind) for kind in ("CACHE", "CONFIG", "DATA")}}


@pytest.fixture(scope="session")
def chart(helm_environment: dict[str, str]) -> Chart:
    """Helm without a cluster; the same words are asked once."""
    return Chart(cache(lambda *words: _run([str(parts.program("helm")), *words], helm_environment)))


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """CRDs on it belong to the release `modelward`, and are never deleted: Kubernetes 1.35 may hang on those of which
    the storage is just being made ("could not list instances: storage is (re)initializing")."""
    controllers = ["clusterrole-aggregation-controller", "namespace-controller"]
    with ApiServer(tmp_path_factory.mktemp("charts"), controllers) as server:
        yield server


@pytest.fixture(scope="session")
def kubectl(server: ApiServer) -> Run:
    run = kubectl_of(server)
    for name in (NAMESPACE, "team-a", "team-b"):
        assert run("create", "namespace", name).ok
    return run


def kubeconfig_of_operator(kubectl: Run, server: ApiServer, folder: Path) -> Path:
    """The administrator's, with the operator's token instead of the administrator's certificate."""
    found = yaml.safe_load(server.kubeconfig.read_text())
    done = kubectl("create", "token", "modelward", f"--namespace={NAMESPACE}")
    assert done.ok, done.out
    for user in found["users"]:
        user["user"] = {"token": done.out.strip()}
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(found))
    return path


def kubectl_of(server: ApiServer) -> Run:
    def run(*words: str, stdin: str = "") -> Done:
        return _run([str(parts.kubectl()), *words], {**os.environ, "KUBECONFIG": str(server.kubeconfig)}, stdin)

    return run


@pytest.fixture
def helm(server: ApiServer, kubectl: Run, helm_environment: dict[str, str]) -> Iterator[Run]:
    """Helm with the cluster; takes the release away afterwards. The CRDs stay, as they do for everybody."""

    def run(*words: str) -> Done:
        command = [str(parts.program("helm")), *words, "--namespace", NAMESPACE]
        return _run(command, {**helm_environment, "KUBECONFIG": str(server.kubeconfig)})

    yield run
    run("uninstall", "modelward", "--ignore-not-found")


def manifests(text: str) -> list[Manifest]:
    """Those of a stream. By libyaml: the chart takes 0.15 s instead of 1.6."""
    return [found for found in yaml.load_all(text, yaml.CSafeLoader) if found]


def _run(command: list[str], environment: dict[str, str], stdin: str = "") -> Done:
    done = subprocess.run(
        command, env=environment, input=stdin, text=True, capture_output=True, timeout=120, check=False
    )
    return Done(done.returncode == 0, done.stdout + done.stderr)
