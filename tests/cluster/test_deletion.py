"""What is deleted takes along what belongs to it, and nothing else."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from . import models
from .load import Load
from .shop import Shop, summer
from .world import World

pytestmark = pytest.mark.timeout(600)

CHILDREN = "deployments,replicasets,pods,services,configmaps,jobs"


def _serve(world: World) -> None:
    world.apply(models.dataset(), models.run("a", world.images["modelward-training"]), models.deployment())
    world.wait_condition("modeldeployment", "trips", "Ready", "True")


def test_deleted_run_data_and_version_leave_the_model_in_service(world: World) -> None:
    _serve(world)
    with Load(f"{world.url('trips')}/v2/models/trips/infer", summer(), rate=20) as load:
        world.kubectl("delete", "trainingrun", "a")
        world.kubectl("delete", "dataset", "trips")
        world.wait("their Jobs are gone", lambda: not world.find("jobs"))
        assert [v["metadata"]["name"] for v in world.find("modelversions")] == ["trips-1"]
        assert len(world.find("datasetversions")) == 1
        world.kubectl("delete", "modelversion", "trips-1")
        world.wait_condition("modeldeployment", "trips", "Ready", "False")
        (pod,) = world.find("pods", "modelward.dev/deployment=trips")
        world.kubectl("delete", "pod", pod["metadata"]["name"], "--wait=false")
        world.wait("another pod is Ready in its place", lambda: _ready_pods(world) == 1)
        assert world.condition("modeldeployment", "trips", "Available")["status"] == "True"
        assert world.serving("trips") == "trips-1"
        assert load.answered


def _ready_pods(world: World) -> int:
    (deployment,) = world.find("deployments", "modelward.dev/deployment=trips")
    status = deployment["status"]
    return int(status.get("readyReplicas", 0)) if status.get("observedGeneration") else 0


def test_deleted_deployment_takes_its_own_children_and_no_others(shop: Shop, request: pytest.FixtureRequest) -> None:
    title = request.node.name
    with shop.serving(f"{title} neighbour") as neighbour, neighbour.load(rate=20) as load:
        with shop.serving(title) as service:
            mine = f"modelward.dev/deployment={service.name}"
            assert shop.world.find(CHILDREN, mine)
        shop.world.wait("its children are gone", lambda: not shop.world.find(CHILDREN, mine))
        assert len(shop.world.find("modelversions")) == len(shop.versions)
        assert shop.world.condition("modeldeployment", neighbour.name, "Ready")["status"] == "True"
        assert not load.errors


def test_namespace_goes_while_the_operator_is_away(
    world: World, operator_away: Callable[[], AbstractContextManager[None]]
) -> None:
    _serve(world)
    with operator_away():
        world.kubectl("delete", "namespace", world.namespace, "--timeout=90s")
