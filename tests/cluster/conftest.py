"""One real cluster for all of these tests; each test has a namespace of its own, under Pod Security `restricted`.

The cluster stays up when MODELWARD_TEST_KEEP is set, and then the next run is quicker.
"""

import hashlib
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from localcluster import bringup, images, install, parts, paths, teardown

from .shop import Shop, train
from .world import World

LONG = bool(os.environ.get("MODELWARD_TEST_LONG"))
"""Wait as long as the promise says: minutes in which nothing may happen."""
CRASHING = Path(__file__).parent / "crashing"
OPERATOR = "app.kubernetes.io/component=operator"


@pytest.fixture(scope="session")
def installed() -> Iterator[World]:
    """Modelward installed by its chart."""
    checkout = hashlib.sha256(str(paths.REPOSITORY).encode()).hexdigest()[:6]
    name = os.environ.get("MODELWARD_TEST_CLUSTER", f"test-{checkout}")
    cluster = bringup.up(name)
    try:
        built = images.build([f"modelward-crashing={CRASHING}"])
        images.load(cluster, built)
        install.install(cluster.plane.kubeconfig(), built)
        yield World(
            kubectl_path=parts.kubectl(),
            kubeconfig=cluster.plane.kubeconfig(),
            audit_log=cluster.plane.audit_log,
            images={image.name: image.reference for image in built},
            namespace=install.NAMESPACE,
        )
    finally:
        if not os.environ.get("MODELWARD_TEST_KEEP"):
            teardown.down(name)


@contextmanager
def own_namespace(installed: World, title: str, nodeid: str) -> Iterator[World]:
    digest = hashlib.sha256(nodeid.encode()).hexdigest()[:6]
    namespace = f"{re.sub('[^a-z0-9]+', '-', title.lower())[:40].strip('-')}-{digest}"
    installed.kubectl("create", "namespace", namespace)
    installed.kubectl("label", "namespace", namespace, install.RESTRICTED)
    yield replace(installed, namespace=namespace)
    installed.kubectl("delete", "namespace", namespace, "--wait=false", "--ignore-not-found")


@pytest.fixture
def home(installed: World) -> World:
    """Where the operator lives."""
    return replace(installed, namespace=install.NAMESPACE)


@pytest.fixture
def operator_away(home: World) -> Callable[[], AbstractContextManager[None]]:
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
def upgraded(installed: World) -> Callable[..., AbstractContextManager[None]]:
    """`with upgraded({value: …}): …`, and the chart has its own values again."""

    @contextmanager
    def other(values: dict[str, str]) -> Iterator[None]:
        ours = images.build()
        install.install(installed.kubeconfig, ours, values)
        try:
            yield
        finally:
            install.install(installed.kubeconfig, ours)

    return other


@pytest.fixture
def world(installed: World, request: pytest.FixtureRequest) -> Iterator[World]:
    """A namespace of the test's own, deleted afterwards."""
    with own_namespace(installed, request.node.name, request.node.nodeid) as world:
        yield world


@pytest.fixture(scope="session")
def shop(installed: World) -> Iterator[Shop]:
    """A namespace with good and harmful versions of one model. Tests deploy them, and change nothing else in it."""
    with own_namespace(installed, "shop", str(time.time())) as world:
        yield train(world)
