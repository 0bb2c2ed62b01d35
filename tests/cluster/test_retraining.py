"""New data arrives while clients call: version, training, registration and rollout follow by themselves."""

import pytest

from . import models
from .load import Load
from .shop import QUICK, STEPS, summer
from .world import World

pytestmark = pytest.mark.timeout(900, func_only=True)


def test_month_of_new_data_is_in_service_by_itself_and_every_stage_says_why(world: World) -> None:
    rollout = {"steps": STEPS, "bakeTime": "5s", "progressDeadlineSeconds": 300}
    world.apply(
        models.dataset(),
        models.registered(world.images["modelward-training"]),
        models.deployment(rollout=rollout, analysis=QUICK),
    )
    world.wait_condition("modeldeployment", "trips", "Ready", "True", 400)
    with Load(f"{world.url('trips')}/v2/models/trips/infer", summer(), 120.0) as load:
        world.apply(models.dataset(count=4000))
        moved = world.wait("the new version is promoted", lambda: causes(world).get("Promoted"), 400)
        world.wait("it answers", lambda: load.versions["2"], 60)
        assert not load.errors
    assert moved["message"].startswith("trips-2 ")
    dataset = world.get("dataset", "trips")
    assert dataset
    version = dataset["status"]["latestVersion"]["name"]
    cause = f"1000 rows more in {version}"
    second = world.get("modelversion", "trips-2")
    assert second
    assert second["spec"]["lineage"]["cause"]["message"] == cause
    run = world.get("trainingrun", second["spec"]["lineage"]["trainingRun"])
    assert run
    assert run["spec"]["cause"]["type"] == "NewData"
    started = causes(world)["RolloutStarted"]["message"]
    assert started == f"trips-2 is tried against trips-1; it was trained because: {cause}"
    model = world.get("registeredmodel", "trips")
    assert model
    assert [record["result"] for record in model["status"]["history"]] == ["Registered", "Registered"]
    assert (model["status"]["latestVersion"], len(world.find("trainingruns"))) == ("trips-2", 2)
    assert {"RunStarted", "RunEnded"} <= set(world.reasons("trips"))


def causes(world: World) -> dict[str, dict[str, str]]:
    """The newest transition of each cause."""
    found = world.get("modeldeployment", "trips")
    assert found
    return {transition["cause"]: transition for transition in found["status"]["history"]}
