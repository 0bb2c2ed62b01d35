"""The operator dies before any write of a run that is suspended, tried on a sample, found trained already, imported,
reproduced, or goes by itself: no run is doubled, none lost, nothing is trained twice, and what it registered stays.
"""

from typing import Any

import pytest

from faults.outcome import outcome
from faults.world import Story, Town, live

DATASET = {"source": {"inline": {"data": "id,late\n1,0\n"}}, "columns": {"label": "late", "id": "id"}}
CONTAINER = {"image": "mine:1", "command": ["train"]}
DIGEST = "sha256:" + "c" * 64
RUN = {"modelName": "flights", "datasetRef": {"name": "flights"}, "container": CONTAINER}


async def data(town: Town) -> None:
    town.put("Dataset", "flights", DATASET)
    await town.until("ingested", lambda: town.is_true("Dataset", "flights", "Ready"))


async def _complete(town: Town, name: str, **spec: Any) -> None:
    town.put("TrainingRun", name, RUN | spec)
    await town.until("complete", lambda: town.is_true("TrainingRun", name, "Complete"))


async def suspended(town: Town) -> None:
    """While it trains, with a checkpoint."""
    spec = RUN | {"checkpoint": {"size": "1Gi"}}
    await data(town)
    town.controllers.job_seconds, usual = 10_000, town.controllers.job_seconds
    town.put("TrainingRun", "flights-a", spec)
    await town.until("started", lambda: bool(jobs(town)))
    town.put("TrainingRun", "flights-a", spec | {"suspend": True})
    await town.until("suspended", lambda: town.is_true("TrainingRun", "flights-a", "Suspended") and not jobs(town))
    await town.pass_(60)
    assert town.controllers.trainings == 0
    town.controllers.job_seconds = usual
    town.put("TrainingRun", "flights-a", spec)
    await town.until("complete", lambda: town.is_true("TrainingRun", "flights-a", "Complete"))


async def gone_after_its_time(town: Town) -> None:
    await data(town)
    town.put("TrainingRun", "flights-a", RUN | {"ttlSecondsAfterFinished": 5})
    await town.until("gone", lambda: not town.find("TrainingRun") and bool(town.find("ModelVersion")))


async def made_by_a_model_and_gone_at_once(town: Town) -> None:
    await data(town)
    run = {key: value for key, value in RUN.items() if key != "modelName"}
    town.put("RegisteredModel", "flights", {"run": run | {"ttlSecondsAfterFinished": 0}})
    await town.until("gone", lambda: not town.find("TrainingRun") and bool(town.find("ModelVersion")))
    (record,) = town.find("RegisteredModel")[0]["status"]["history"]
    assert record["result"] == "Registered"


async def sampled_and_then_trained(town: Town) -> None:
    await data(town)
    await _complete(town, "flights-dry", sample=100)
    await _complete(town, "flights-a")


async def trained_already(town: Town) -> None:
    await data(town)
    await _complete(town, "flights-a")
    await _complete(town, "flights-b")


async def applied_to_a_new_cluster(town: Town) -> None:
    """The store alone knows what was trained."""
    await data(town)
    await _complete(town, "flights-a")
    for kind in ("TrainingRun", "ModelVersion"):
        for found in town.find(kind):
            town.kube.remove(found["apiVersion"], kind, "ns", found["metadata"]["name"])
    await _complete(town, "flights-a")


async def imported(town: Town) -> None:
    await data(town)
    spec = {key: value for key, value in RUN.items() if key != "container"}
    town.put("TrainingRun", "flights-a", spec | {"import": {"url": "s3://models/a.onnx", "digest": DIGEST}})
    await town.until("complete", lambda: town.is_true("TrainingRun", "flights-a", "Complete"))


async def by_an_engine(town: Town) -> None:
    """Suspended while its TrainJob trains, and resumed."""
    engine = {"trainJob": {"runtimeRef": {"name": "torch-distributed"}, "nodes": 2}}
    await data(town)
    town.put("TrainingRun", "flights-a", RUN | {"engine": engine})
    await town.until("handed over", lambda: bool(town.find("TrainJob")))
    town.controllers.job_seconds, usual = 10_000, town.controllers.job_seconds
    town.put("TrainingRun", "flights-a", RUN | {"engine": engine, "suspend": True})
    await town.until("suspended", lambda: town.is_true("TrainingRun", "flights-a", "Suspended") and not jobs(town))
    await town.until("taken away", lambda: not town.find("TrainJob"))
    town.controllers.job_seconds = usual
    await _complete(town, "flights-a", engine=engine)
    assert (town.controllers.by_engine, town.find("PersistentVolumeClaim")[1:]) == (1, [])


async def reproduced(town: Town) -> None:
    """With the run that made the version gone."""
    await data(town)
    await _complete(town, "flights-a")
    town.kube.remove("modelward.dev/v1alpha1", "TrainingRun", "ns", "flights-a")
    (version,) = town.find("ModelVersion")
    ref = {"name": "flights", "version": version["spec"]["lineage"]["datasetVersion"]}
    spec = {"modelName": "flights", "datasetRef": ref, "reproduce": {"name": "flights-1"}}
    town.put("TrainingRun", "again", spec)
    await town.until("complete", lambda: town.is_true("TrainingRun", "again", "Complete"))
    assert town.is_true("TrainingRun", "again", "Reproduced")


def jobs(town: Town) -> list[str]:
    """Trainings."""
    return [job["metadata"]["name"] for job in town.find("Job") if "-train-" in job["metadata"]["name"]]


STORIES = {
    suspended: (1, 1),
    gone_after_its_time: (1, 1),
    made_by_a_model_and_gone_at_once: (1, 1),
    sampled_and_then_trained: (2, 1),
    trained_already: (1, 1),
    applied_to_a_new_cluster: (1, 1),
    imported: (1, 1),
    reproduced: (2, 1),
    by_an_engine: (1, 1),
}
"""Trainings and versions."""


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
async def test_operator_killed_before_any_write_ends_in_the_same_state(story: Story) -> None:
    expected = await live(story)
    trainings, versions = STORIES[story]
    assert (expected.controllers.trainings, len(expected.find("ModelVersion"))) == (trainings, versions)
    for nth, write in enumerate(expected.writes, start=1):
        town, when = await live(story, crash_before=nth), f"killed before write {nth}: {write}"
        assert [crash.split()[:2] for crash in town.crashes] == [write.split()[:2]], when
        assert outcome(town) == outcome(expected), when
        assert town.controllers.trainings == trainings, when
