"""One real cluster for all of these tests; each test has a namespace of its own, under Pod Security `restricted`.

Tests run beside each other in several processes, but for those that take the operator away from everybody.
The cluster stays up when MODELWARD_TEST_KEEP is set, and then the next run is quicker.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from localcluster import bringup, images, install, locks, parts, paths, teardown
from localcluster.cluster import Cluster

from .shop import Shop, train
from .world import World

LONG = bool(os.environ.get("MODELWARD_TEST_LONG"))
"""Wait as long as the promise says: minutes in which nothing may happen."""
CHECKOUT = hashlib.sha256(str(paths.REPOSITORY).encode()).hexdigest()[:6]
NAME = os.environ.get("MODELWARD_TEST_CLUSTER", f"test-{CHECKOUT}")
CRASHING = Path(__file__).parent / "crashing"
OPERATOR = "app.kubernetes.io/component=operator"


@pytest.fixture(scope="session")
def installed(testrun_uid: str) -> Iterator[World]:
    """Modelward installed by its chart: by the first process that asks, and taken away by the last."""
    try:
        with locks.held(f"{NAME}-users", shared=True):
            with locks.held(f"{NAME}-install"):
                cluster = bringup.up(NAME)
                references = _install(cluster, testrun_uid)
            yield World(
                kubectl_path=parts.kubectl(),
                kubeconfig=cluster.plane.kubeconfig(),
                audit_log=cluster.plane.audit_log,
                images=references,
                namespace=install.NAMESPACE,
            )
    finally:
        if locks.free(f"{NAME}-users") and not os.environ.get("MODELWARD_TEST_KEEP"):
            teardown.down(NAME)


def _install(cluster: Cluster, testrun: str) -> dict[str, str]:
    """The images' references, by name. All processes of a test run use the same, whatever is edited meanwhile."""
    done = cluster.record.folder / f"installed-{testrun}.json"
    if not done.exists():
        built = images.build([f"modelward-crashing={CRASHING}"])
        images.load(cluster, built)
        references = {image.name: image.reference for image in built}
        install.install(cluster.plane.kubeconfig(), references)
        done.write_text(json.dumps(references))
    found: dict[str, str] = json.loads(done.read_text())
    return found


@contextmanager
def turn(alone: bool) -> Iterator[None]:
    """Beside other tests, or when they have ended: who waits to be alone lets nobody else begin."""
    with ExitStack() as stack:
        with locks.held(f"{NAME}-next"):
            stack.enter_context(locks.held(f"{NAME}-turn", shared=not alone))
        yield


@pytest.fixture(autouse=True)
def own_turn(request: pytest.FixtureRequest) -> Iterator[None]:
    with turn("alone" in request.fixturenames):
        yield


@pytest.fixture
def alone() -> None:
    """For a test, or what it uses, that others could not bear beside them, or that could not bear others."""


@contextmanager
def own_namespace(installed: World, title: str, nodeid: str) -> Iterator[World]:
    digest = hashlib.sha256(nodeid.encode()).hexdigest()[:6]
    namespace = f"{re.sub('[^a-z0-9]+', '-', title.lower())[:40].strip('-')}-{digest}"
    world = new_namespace(installed, namespace)
    yield world
    world.kubectl("delete", "namespace", namespace, "--wait=false", "--ignore-not-found")


def new_namespace(installed: World, namespace: str) -> World:
    labels = dict([install.RESTRICTED.split("=")])
    installed.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}})
    return replace(installed, namespace=namespace)


@pytest.fixture
def home(installed: World) -> World:
    """Where the operator lives."""
    return replace(installed, namespace=install.NAMESPACE)


@pytest.fixture
def operator_away(home: World, alone: None) -> Callable[[], AbstractContextManager[None]]:
    """`with operator_away(): …`, and it is back."""

    @contextmanager
    def away() -> Iterator[None]:
        home.kubectl("scale", "deployment", "modelward", "--replicas=0")
        home.wait("the operator is away", lambda: not home.find("pods", OPERATOR))
        try:
            yield
        finally:
            home.kubectl("scale", "deployment", "modelward", "--replicas=1")
            home.kubectl("rollout", "status", "deployment", "modelward", "--timeout=60s")

    return away


@pytest.fixture
def upgraded(installed: World, alone: None) -> Callable[..., AbstractContextManager[None]]:
    """`with upgraded({value: …}): …`, and the chart has its own values again."""

    @contextmanager
    def other(values: dict[str, str]) -> Iterator[None]:
        install.install(installed.kubeconfig, installed.images, values)
        try:
            yield
        finally:
            install.install(installed.kubeconfig, installed.images)

    return other


@pytest.fixture
def world(installed: World, request: pytest.FixtureRequest) -> Iterator[World]:
    """A namespace of the test's own, deleted afterwards."""
    with own_namespace(installed, request.node.name, request.node.nodeid) as world:
        yield world


@pytest.fixture(scope="session")
def shop(installed: World, testrun_uid: str) -> Shop:
    """A namespace with good and harmful versions of one model. Tests deploy them, and change nothing else in it.

    All processes ask for the same, and wait together. It goes with the cluster.
    """
    with turn(alone=False):
        return train(new_namespace(installed, f"shop-{testrun_uid[:8]}"))
