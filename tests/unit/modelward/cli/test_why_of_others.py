"""What `why` tells of data, runs, models and versions, of resources that the operator's decisions made."""

import json
from typing import Any

import pytest

from modelward.api import DatasetVersion, ModelVersion
from modelward.cli import chain, why
from modelward.cli.cluster import Cluster, Story, Unusable
from modelward.errors import Refused
from unit.modelward.decide import test_search as search
from unit.modelward.decide.simulated import healthy, version, with_canary
from unit.modelward.decide.test_registered_model import ANY, arrived, model, trained
from unit.modelward.decide.test_training_run import prepare
from unit.modelward.decide.workshop import NAMESPACE, Workshop, digest, publish_report


@pytest.fixture
async def workshop() -> Workshop:
    """Ten rows, then thirty; each trained on by itself."""
    workshop = Workshop()
    workshop.dataset()
    await workshop.settle()
    await arrived(workshop, "a")
    model(workshop, triggers=ANY)
    await workshop.settle()
    await trained(workshop)
    await workshop.pass_time(hours=1)
    await arrived(workshop, "b", 30)
    return workshop


async def told(workshop: Workshop, resource: str) -> Story:
    asking = why._asking(*why.named(resource, why.FORM, "resource", why.WRITTEN))
    story: Story = json.loads(json.dumps(await asking(Cluster(workshop.kube))))
    return story


async def lines(workshop: Workshop, resource: str) -> list[str]:
    return why._text_of(await told(workshop, resource)).splitlines()


async def test_a_version_tells_its_cause_its_run_and_its_data(workshop: Workshop) -> None:
    await trained(workshop)
    second = workshop.names("ModelVersion")[1]
    run = workshop.get("ModelVersion", second)["spec"]["lineage"]["trainingRun"]
    assert await lines(workshop, f"{NAMESPACE}/{second}") == [
        f"ModelVersion {NAMESPACE}/flights-2:",
        "  it exists because: 20 rows more in flights-bbbbbbbbbb (NewData, 2026-01-01 00:00:00 UTC)",
        f"  trained by {run} on flights-bbbbbbbbbb: 30 rows, +20 since flights-aaaaaaaaaa, made at an unknown time",
        "  NoGates: the run set no gates; the model runs and agrees with its native predictions",
    ]


async def test_an_import_tells_where_it_came_from() -> None:
    workshop = Workshop()
    await prepare(workshop)
    origin = {"namespace": "research", "modelVersion": "delays-7"}
    url = "https://models/model.onnx?sig=secret"
    workshop.run(**{"import": {"url": url, "digest": digest("c"), "exportedFrom": origin}})
    await workshop.settle()
    workshop.succeed(publish_report())
    await workshop.settle()
    told_from = f"https://models/model.onnx ({digest('c')}), exported, as who did it says, from "
    (line,) = [line for line in await lines(workshop, f"{NAMESPACE}/flights-1") if "imported" in line]
    assert line.startswith(f"  imported by flights-a from {told_from}namespace research, modelVersion delays-7, and")


async def test_a_run_tells_its_cause_and_what_came_of_it(workshop: Workshop) -> None:
    (run,) = [name for name in workshop.names("TrainingRun") if await under_way(workshop, name)]
    first = await lines(workshop, f"{NAMESPACE}/{run}")
    assert first[:3] == [
        f"TrainingRun {NAMESPACE}/{run}:",
        "  it exists because: 20 rows more in flights-bbbbbbbbbb (NewData, 2026-01-01 00:00:00 UTC)",
        "  it trains on flights-bbbbbbbbbb",
    ]
    await trained(workshop)
    assert (await lines(workshop, f"{NAMESPACE}/trun/{run}"))[-1] == "  it registered flights-2"


async def under_way(workshop: Workshop, run: str) -> bool:
    return (await told(workshop, f"{NAMESPACE}/trun/{run}"))["modelVersion"] is None


async def test_a_model_tells_its_runs_and_their_causes(workshop: Workshop) -> None:
    await trained(workshop)
    found = await lines(workshop, f"{NAMESPACE}/RegisteredModel/flights")
    assert "  newest version: flights-2; in service: none" in found
    assert found[-2].endswith(": the model is new (Definition, 2026-01-01 00:00:00 UTC): Registered, flights-1")
    assert found[-1].endswith(": 20 rows more in flights-bbbbbbbbbb (NewData, 2026-01-01 00:00:00 UTC): "
                              "Registered, flights-2")  # fmt: skip


async def test_data_tells_what_is_new_in_it_and_what_was_trained_on_it(workshop: Workshop) -> None:
    await trained(workshop)
    found = await lines(workshop, f"{NAMESPACE}/dsver/flights-bbbbbbbbbb")
    assert found[1] == "  30 rows, +20 since flights-aaaaaaaaaa, made at an unknown time"
    assert found[-1] == "  models trained on it: flights-2"
    assert (await lines(workshop, f"{NAMESPACE}/dset/flights"))[2].startswith(
        "  newest valid version: flights-bbbbbbbbbb, 30 rows, since "
    )


async def test_a_name_without_a_kind_is_looked_for_everywhere(workshop: Workshop) -> None:
    assert (await told(workshop, f"{NAMESPACE}/flights"))["kind"] == "RegisteredModel"
    assert (await told(workshop, f"{NAMESPACE}/flights-1"))["kind"] == "ModelVersion"
    assert (await told(workshop, f"{NAMESPACE}/flights-aaaaaaaaaa"))["kind"] == "DatasetVersion"
    with pytest.raises(Refused, match="no namespace ns"):
        await told(workshop, f"{NAMESPACE}/trains")
    with pytest.raises(Refused, match="no TrainingRun flights in namespace ns: there are flights-"):
        await told(workshop, f"{NAMESPACE}/trun/flights")
    with pytest.raises(Unusable, match=r"pods is no kind of Modelward's: write one of dataset \(dset\)"):
        await told(workshop, f"{NAMESPACE}/pods/flights")


def served(number: int, **update: Any) -> list[str]:
    world = with_canary()
    world.give(healthy(), healthy())
    world.run("Stable", limit=9000)
    deployment = world.observed().deployment
    found = chain.of_version(version(number), None, [deployment])
    return [line for line in found["said"] if " in flights " in f"{line} "]


def test_what_replaced_what_is_told_from_both_sides() -> None:
    (first,) = served(1)
    assert first.startswith("it served in flights from 2026-01-01 00:00:02 UTC on; flights-2 replaced it at ")
    (second,) = served(2)
    assert second.startswith("it replaced flights-1 in flights at 2026-01-01 00:")
    assert second.endswith(" UTC, and serves")
    assert served(3) == []


def test_deleted_data_and_a_run_by_hand_are_told() -> None:
    said = chain.of_version(version(1), None, [])["said"]
    assert said[:2] == ["it exists because TrainingRun r was applied", "trained by r on d, which is deleted"]


def test_files_that_are_new_are_named() -> None:
    old, new = (_data(names) for names in (["1.csv"], ["1.csv", "2.csv"]))
    found = chain.of_data(new, old, [])["said"]
    assert "new files: 2.csv" in found
    assert "files: 1.csv, 2.csv" in chain.of_data(new, None, list[ModelVersion]())["said"]


def _data(files: list[str]) -> DatasetVersion:
    sources = [{"path": name, "bytes": 1, "digest": "sha256:" + name[0] * 64} for name in files]
    spec = {"datasetName": "flights", "digest": "sha256:" + "0" * 64, "rows": 1, "bytes": 1, "id": "id"}
    spec |= {"splitRows": {"train": 1, "validation": 0, "test": 0}, "columns": [], "sources": sources}
    return DatasetVersion.model_validate({"metadata": {"name": "d"}, "spec": spec | {"sourceFiles": len(files)}})


async def test_a_search_tells_what_it_seeks_and_its_best_trial() -> None:
    workshop = Workshop()
    await prepare(workshop)
    await search.begin(workshop)
    await search.succeed(workshop, 1, 0.8)
    said = await lines(workshop, f"{NAMESPACE}/trun/flights-a")
    assert said[3:6] == [
        "  it searches for C by random, to maximize auc on the validation rows",
        "  trials: 1 of 5 are over, 0 failed, 0 break a constraint",
        "  best: trial 1, auc 0.8 with C 0.01",
    ]
    assert (await told(workshop, f"{NAMESPACE}/trun/flights-a"))["search"]["best"]["number"] == 1
