"""Bad input ends in a condition with one clear sentence and an Event; what was good before stays as it was."""

from typing import Any

import pytest

from . import models
from .load import Load
from .shop import summer
from .world import World

pytestmark = pytest.mark.timeout(600, func_only=True)

CLAIM: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "raw"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Mi"}}},
}


def assert_told(world: World, kind: str, name: str, reason: str, *words: str) -> None:
    """In the Ready condition, and once as an Event."""
    ready = world.wait_reason(kind, name, reason)
    assert ready["status"] == "False"
    assert all(word in ready["message"] for word in words), ready["message"]
    world.wait(f"a Warning {reason}", lambda: world.reasons(name, "Warning").count(reason) == 1)
    print(f"{kind} {name}: {reason}: {ready['message']}")


def test_source_path_that_matches_no_file_is_told_with_what_there_is(world: World) -> None:
    dataset = models.dataset()
    dataset["spec"]["source"] = {"pvc": {"claimName": "raw", "path": "2013-*.csv"}}
    world.apply(CLAIM, dataset)
    assert_told(world, "dataset", "trips", "SourceNotFound", "'2013-*.csv'", "the volume holds no files at all")
    assert world.find("datasetversions") == []


def test_changed_data_without_the_label_leaves_the_version_before_in_service(world: World) -> None:
    world.apply(models.dataset())
    world.wait_condition("dataset", "trips", "Ready", "True")
    before = (world.get("dataset", "trips") or {})["status"]["latestVersion"]
    world.patch("dataset", "trips", {"columns": {"label": "lat"}})
    assert_told(world, "dataset", "trips", "ColumnMissing", "columns.label", "'lat'", "late", before["name"])
    assert (world.get("dataset", "trips") or {})["status"]["latestVersion"] == before
    assert [v["metadata"]["name"] for v in world.find("datasetversions")] == [before["name"]]


def test_bad_trainings_say_what_is_wrong_and_the_version_in_service_stays(world: World) -> None:
    image = world.images["modelward-training"]
    world.apply(models.dataset(), models.run("a", image), models.deployment())
    world.wait_condition("modeldeployment", "trips", "Ready", "True")
    with Load(f"{world.url('trips')}/v2/models/trips/infer", summer(), rate=20) as load:
        world.apply(
            models.run("raises", image, fault="raises"),
            models.run("writes-nothing", image, fault="nothing"),
            models.run("no-image", "localhost/nothing:0"),
        )
        assert_told(world, "trainingrun", "raises", "TrainFailed", "the column speed does not exist", "kubectl logs")
        assert_told(world, "trainingrun", "writes-nothing", "NoModel", "train wrote no model.onnx")
        assert_told(world, "trainingrun", "no-image", "ImagePullBackOff", "localhost/nothing:0", "cannot be pulled")
        assert [v["metadata"]["name"] for v in world.find("modelversions")] == ["trips-1"]
        assert world.serving("trips") == "trips-1"
        assert load.versions.keys() == {"1"}
        assert not load.errors
