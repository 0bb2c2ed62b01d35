"""The chart is upgraded from the last landed state, rolled back and upgraded again under load: no client notices, no
rollout starts, no pod is replaced; the newer scoring image comes with the next rollout that somebody asks for."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import landed
from localcluster import bringup, images, install, parts, teardown
from localcluster.cluster import Cluster

from . import models
from .conftest import NAME, OPERATOR, new_namespace
from .shop import Service, train
from .test_idle import quiet
from .world import World

pytestmark = pytest.mark.timeout(900, func_only=True)

CLUSTER = f"{NAME}-upgrade"
QUIET_SECONDS = 10
RATE = 50


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Of its own: the CRDs in it are replaced too."""
    landed.repository()
    try:
        yield bringup.up(CLUSTER)
    finally:
        if not os.environ.get("MODELWARD_TEST_KEEP"):
            teardown.down(CLUSTER)


@pytest.fixture
def before(cluster: Cluster) -> World:
    """The last landed state, built and installed by its own code."""
    command = [sys.executable, "-m", "localcluster", "images", "--load", "--name", CLUSTER]
    environment = {**os.environ, "PYTHONPATH": str(landed.repository() / "tests")}
    built: dict[str, str] = json.loads(
        subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True).stdout
    )
    install.install(cluster.plane.kubeconfig(), built, chart=landed.repository() / "charts/modelward")
    world = World(parts.kubectl(), cluster.plane.kubeconfig(), cluster.plane.audit_log, built, install.NAMESPACE)
    return new_namespace(world, "upgrade")


@pytest.fixture
def newer(cluster: Cluster, before: World) -> dict[str, str]:
    """Today's images. The scoring image has a name of its own even where its code is the same."""
    built = images.build()
    images.load(cluster, built)
    found = images.references(built)
    name = f"{found['modelward-scoring']}-newer"
    cluster.inside("ctr", "--namespace=k8s.io", "images", "tag", "--force", found["modelward-scoring"], name)
    return found | {"modelward-scoring": name}


def test_upgrade_and_rollback_of_the_chart_are_seen_by_no_client_and_start_no_rollout(
    before: World, newer: dict[str, str], request: pytest.FixtureRequest
) -> None:
    shop = train(before, "base")
    with shop.serving(request.node.name) as service, service.load(rate=RATE) as load:
        as_it_was = lasting(service)
        before.apply(models.run("good", before.images["modelward-training"], c=0.5))
        upgrade(before.kubeconfig, newer, "once")
        assert_at_rest(service, as_it_was)
        before.wait("what was trained meanwhile is registered", lambda: before.get("modelversion", "trips-2"))

        operator = operators(before)
        install.roll_back(before.kubeconfig)
        assert_at_rest(service, as_it_was)
        assert not operator & operators(before)

        upgrade(before.kubeconfig, newer, "twice")
        assert_at_rest(service, as_it_was)
        assert not load.errors
        print(f"{load.answered} answers at {RATE}/s through two upgrades and a rollback")

        before.patch("modeldeployment", service.name, {"modelRef": {"version": 2}})
        service.wait_transition("Promoted")
        assert service.status["stable"]["image"] == newer["modelward-scoring"]
        before.wait("the new version answers", lambda: load.recent().keys() == {"2"})
        assert not load.errors


def upgrade(kubeconfig: Path, images: dict[str, str], time: str) -> None:
    """The operator is another pod then, even where its code is the same."""
    install.install(kubeconfig, images, {"operator.podAnnotations.upgraded": time})


def lasting(service: Service) -> dict[str, Any]:
    """What an upgrade must not change."""
    pods = service.world.find("pods", f"modelward.dev/deployment={service.name},app.kubernetes.io/component=scoring")
    return {
        "pods": sorted(pod["metadata"]["uid"] for pod in pods),
        "stable": service.status["stable"],
        "history": service.status["history"],
    }


def operators(world: World) -> set[str]:
    pods = json.loads(world.kubectl("get", "pods", "--all-namespaces", f"--selector={OPERATOR}", "--output=json"))
    return {pod["metadata"]["uid"] for pod in pods["items"]}


def assert_at_rest(service: Service, as_it_was: dict[str, Any]) -> None:
    service.world.wait("the operator writes nothing", lambda: quiet(service.world) > QUIET_SECONDS)
    assert lasting(service) == as_it_was
