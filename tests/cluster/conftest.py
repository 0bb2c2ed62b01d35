"""Real clusters for all of these tests; each test has a namespace of its own, under Pod Security `restricted`.

Tests run beside each other in several processes. Those that take the operator away from everybody go one after the
other, in a cluster of their own. Clusters stay up when MODELWARD_TEST_KEEP is set, and then the next run is quicker.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import replace
from functools import cache
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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """One process takes all that want to be alone, so that none waits for another's turn."""
    for item in items:
        if "alone" in item.fixturenames:
            item.add_marker(pytest.mark.xdist_group("alone"))


@pytest.fixture
def alone() -> Iterator[None]:
    """For a test, or what it uses, that others could not bear beside them, or that could not bear others."""
    with locks.held(f"{NAME}-alone"):
        yield


@pytest.fixture(scope="session")
def clusters(testrun_uid: str) -> Iterator[Callable[[str], World]]:
    """By name, each brought up when somebody asks."""
    with ExitStack() as stack:
        yield cache(lambda name: stack.enter_context(_with_modelward(name, testrun_uid)))


@pytest.fixture
def installed(request: pytest.FixtureRequest, clusters: Callable[[str], World]) -> World:
    """Modelward installed by its chart."""
    return clusters(f"{NAME}-alone" if "alone" in request.fixturenames else NAME)


@contextmanager
def _with_modelward(cluster: str, testrun: str) -> Iterator[World]:
    """Installed by the first process that asks, taken away by the last."""
    try:
        with locks.held(f"{cluster}-users", shared=True):
            with locks.held(f"{cluster}-install"):
                up = bringup.up(cluster)
                references = _install(up, testrun)
            yield World(
                kubectl_path=parts.kubectl(),
                kubeconfig=up.plane.kubeconfig(),
                audit_log=up.plane.audit_log,
                images=references,
                namespace=install.NAMESPACE,
            )
    finally:
        if locks.free(f"{cluster}-users") and not os.environ.get("MODELWARD_TEST_KEEP"):
            teardown.down(cluster)


def _install(cluster: Cluster, testrun: str) -> dict[str, str]:
    """The images' references, by name. All processes of a test run use the same, whatever is edited meanwhile."""
    done = cluster.record.folder / f"installed-{testrun}.json"
    if not done.exists():
        built = images.build([f"modelward-crashing={CRASHING}"])
        images.load(cluster, built)
        references = images.references(built)
        install.install(cluster.plane.kubeconfig(), references)
        done.write_text(json.dumps(references))
    found: dict[str, str] = json.loads(done.read_text())
    return found


@contextmanager
def own_namespace(installed: World, title: str, nodeid: str) -> Iterator[World]:
    digest = hashlib.sha256(nodeid.encode()).hexdigest()[:6]
    namespace = f"{re.sub('[^a-z0-9]+', '-', title.lower())[:40].strip('-')}-{digest}"
    world = new_namespace(installed, namespace)
    yield world
    world.kubectl("delete", "namespace", namespace, "--wait=false", "--ignore-not-found")


def new_namespace(installed: World, namespace: str) -> World:
    """Also where another process makes the same one at this moment."""
    labels = dict([install.RESTRICTED.split("=")])
    wanted = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}}
    installed.kubectl("apply", "--server-side", "--filename=-", stdin=json.dumps(wanted))
    return replace(installed, namespace=namespace)


@pytest.fixture
def host(installed: World) -> str:
    """This machine's address, as pods of the node see it."""
    cluster = Cluster.find(installed.kubeconfig.parent.name.removeprefix("modelward-cluster-"))
    assert cluster
    return cluster.record.host_address


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
def shops() -> dict[Path, Shop]:
    """By the cluster's kubeconfig."""
    return {}


@pytest.fixture
def shop(installed: World, shops: dict[Path, Shop], testrun_uid: str) -> Shop:
    """A namespace with good and harmful versions of one model. Tests deploy them, and change nothing else in it.

    All processes ask for the same, one after the other: kubectl cannot make one thing twice at the same moment. It goes
    with the cluster.
    """
    if installed.kubeconfig not in shops:
        with locks.held(f"{installed.kubeconfig.parent.name}-shop"):
            shops[installed.kubeconfig] = train(new_namespace(installed, f"shop-{testrun_uid[:8]}"))
    return shops[installed.kubeconfig]
