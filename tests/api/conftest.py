"""One real API server with our CRDs for all tests of this folder, and a namespace of its own for each test."""

import itertools
import subprocess
from collections.abc import Callable, Iterator

import pytest

from api.client import Api, Manifest, establish, our_crds
from localcluster import parts
from localcluster.api import ApiServer

Kubectl = Callable[..., str]

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def crds() -> list[Manifest]:
    return our_crds()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, crds: list[Manifest]) -> Iterator[ApiServer]:
    with ApiServer(tmp_path_factory.mktemp("apiserver")) as server:
        establish(server, crds)
        yield server


@pytest.fixture(scope="session")
def api(server: ApiServer) -> Iterator[Api]:
    with Api(server) as api:
        yield api


@pytest.fixture
def namespace(api: Api) -> str:
    name = f"test-{next(_numbers)}"
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    return name


@pytest.fixture
def kubectl(server: ApiServer, namespace: str) -> Kubectl:
    """kubectl in the test's namespace: its output, whatever the exit status."""

    def run(*words: str, stdin: str = "") -> str:
        command = [str(parts.kubectl()), f"--kubeconfig={server.kubeconfig}", f"--namespace={namespace}", *words]
        done = subprocess.run(command, input=stdin, text=True, capture_output=True, timeout=60, check=False)
        return done.stdout + done.stderr

    return run
