"""A search on a node: three trials of an estimator, two at a time, and the best one's own model in the registry."""

import json

import pytest

from . import models
from .world import World

pytestmark = pytest.mark.timeout(900, func_only=True)

SEARCH = {
    "objective": {"type": "maximize", "metric": "auc"},
    "algorithm": {"name": "tpe"},
    "parameters": [
        {
            "name": "C",
            "parameterType": "double",
            "feasibleSpace": {"min": 0.001, "max": 10, "distribution": "logUniform"},
        }
    ],
    "parallelTrialCount": 2,
    "maxTrialCount": 3,
}


def test_three_trials_are_made_and_the_best_ones_model_is_registered(world: World) -> None:
    run = models.run("searching", "-")
    del run["spec"]["container"], run["spec"]["parameters"]
    run["spec"] |= {"estimator": {"name": "LogisticRegression"}, "search": SEARCH}
    world.apply(models.dataset(), run)
    world.wait_condition("trainingrun", "searching", "Complete", "True", 600)
    found = world.get("trainingrun", "searching")
    assert found
    search = found["status"]["search"]
    assert [(trial["number"], trial["state"]) for trial in search["trials"]] == [(n, "Complete") for n in (1, 2, 3)]
    assert len({json.dumps(trial["parameters"]) for trial in search["trials"]}) == 3
    version = world.get("modelversion", found["status"]["modelVersion"])
    assert version
    won, best = version["spec"]["lineage"]["search"], search["best"]
    assert (won["trial"], won["trials"], won["parameters"]) == (best["number"], 3, best["parameters"])
    assert version["spec"]["validationMetrics"]["auc"] == pytest.approx(best["value"])
    assert version["spec"]["metrics"]["auc"] > 0.5
