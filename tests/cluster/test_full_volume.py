"""A volume without room: whoever cannot write says so, and the version in service answers on."""

from typing import Any

import pytest

from . import models
from .load import Load
from .shop import summer
from .store import run_in_store
from .test_bad_input import assert_told
from .world import World

pytestmark = pytest.mark.timeout(600, func_only=True)

STORE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "modelward-store"},
    "spec": {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "limited",
        "resources": {"requests": {"storage": "16Mi"}},
    },
}
"""A claim that a team made itself, smaller than the chart's."""
FILL = """
with open("filler", "wb", buffering=0) as file:
    try:
        while True:
            file.write(bytes(4096))
    except OSError as error:
        print(error)
"""
EMPTY = "import os; os.remove('filler')"


def test_full_store_is_told_and_the_training_goes_on_when_there_is_room_again(world: World) -> None:
    image = world.images["modelward-training"]
    world.apply(STORE, models.dataset(), models.run("a", image), models.deployment())
    world.wait_condition("modeldeployment", "trips", "Ready", "True")
    with Load(f"{world.url('trips')}/v2/models/trips/infer", summer(), rate=20) as load:
        assert "No space left" in run_in_store(world, FILL)
        world.apply(models.run("b", image, c=0.5))
        told = world.wait_reason("trainingrun", "b", "StoreFull")
        assert "is full" in told["message"]
        assert "tried again" in told["message"]
        assert world.serving("trips") == "trips-1"
        run_in_store(world, EMPTY)
        world.wait_condition("trainingrun", "b", "Ready", "True", 300)
        assert not load.errors


def test_script_that_writes_more_than_its_limit_is_told_and_not_tried_again(world: World) -> None:
    run = models.run("b", world.images["modelward-training"], fault="fills")
    limits = {"cpu": "1", "memory": "1Gi", "ephemeral-storage": "32Mi"}
    run["spec"]["resources"] = {"limits": limits}
    world.apply(models.dataset(), run)
    assert_told(world, "trainingrun", "b", "Evicted", "ephemeral", "32Mi")
    assert len(world.find("pods", "app.kubernetes.io/component=training")) == 1
