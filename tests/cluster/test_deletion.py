"""What is deleted takes along what belongs to it, and nothing else."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from . import models
from .load import Load
from .shop import Shop, summer
from .world import World

pytestmark = pytest.mark.timeout(600, func_only=True)

CHILDREN = "deployments,replicasets,pods,services,configmaps,jobs"


def _serve(world: World) -> None:
    world.apply(models.dataset(), models.run("a", world.images["modelward-training"]), models.deployment())
    world.wait_condition("modeldeployment", "trips", "Ready", "True")


def test_deleted_run_data_and_version_leave_the_model_in_service_and_the_namespace_goes(world: World) -> None:
    _serve(world)
    with Load(f"{world.url('trips')}/v2/models/trips/infer", summer(), rate=20) as load:
        world.kubectl("delete", "trainingrun", "a")
        world.kubectl("delete", "dataset", "trips")
        world.wait("their Jobs are gone", lambda: not world.find("jobs"))
        (version,) = world.find("modelversions")
        assert len(world.find("datasetversions")) == 1
        world.kubectl("delete", "modelversion", "trips-1")
        world.wait_condition("modeldeployment", "trips", "Ready", "False")
        conditions = (world.get("modeldeployment", "trips") or {})["status"]["conditions"]
        assert [c["reason"] for c in conditions if c["type"] == "Ready"] == ["VersionDeleted"]
        assert not load.errors
        before = _pods(world)
        world.kubectl("delete", "pod", *(pod["metadata"]["name"] for pod in before))
        uids = {pod["metadata"]["uid"] for pod in before}
        world.wait("another pod is Ready in its place", lambda: _ready(world) and not uids & _ready(world))
        stable = (world.get("modeldeployment", "trips") or {})["status"]["stable"]
        assert (stable["modelVersion"], stable["digest"]) == ("trips-1", version["spec"]["digest"])
    world.kubectl("delete", "namespace", world.namespace, "--timeout=90s")


def _pods(world: World) -> list[dict[str, Any]]:
    return world.find("pods", "modelward.dev/deployment=trips,app.kubernetes.io/component=scoring")


def _ready(world: World) -> set[str]:
    """By uid."""
    return {
        pod["metadata"]["uid"]
        for pod in _pods(world)
        if any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))
    }


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
