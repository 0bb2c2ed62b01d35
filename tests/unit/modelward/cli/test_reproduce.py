"""`python -m modelward reproduce`: the run that it makes, what it tells, and its exit code."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from modelward.api import TrainingRun
from modelward.cli import reproduce
from modelward.cli.cluster import Cluster, Story
from modelward.names import Manifest
from unit.modelward.decide.test_reproduce import gone, registered, report
from unit.modelward.decide.test_training_run import VERSION, prepare
from unit.modelward.decide.workshop import NAMESPACE, Workshop, digest, publish_report, said


@pytest.fixture
async def workshop() -> Workshop:
    """With flights-1, and the run that made it gone."""
    workshop = Workshop()
    await prepare(workshop)
    await registered(workshop)
    return workshop


class Making(Cluster):
    """The API server makes names."""

    async def create(self, manifest: Manifest) -> Manifest:
        metadata = {**manifest["metadata"], "name": manifest["metadata"]["generateName"] + "x7"}
        return await super().create({**manifest, "metadata": metadata})


@pytest.fixture
async def asked(workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator["asyncio.Task[Story]"]:
    monkeypatch.setattr(reproduce, "LOOKS", 0.0)
    task = asyncio.create_task(reproduce._asking(NAMESPACE, "flights-1")(Making(workshop.kube)))  # type: ignore[arg-type]
    for _ in range(20):  # until it has made its run and looks at it
        await asyncio.sleep(0)
    yield task
    task.cancel()


async def test_run_names_the_version_and_its_data(workshop: Workshop, asked: Any) -> None:
    run = TrainingRun.model_validate(workshop.get("TrainingRun", "flights-1-again-x7"))
    assert run.spec.reproduce
    assert (run.spec.reproduce.name, run.spec.model_name) == ("flights-1", "flights")
    assert (run.spec.dataset_ref.name, run.spec.dataset_ref.version) == ("flights", VERSION)


async def test_identical_is_told_and_is_success(workshop: Workshop, asked: Any) -> None:
    await workshop.settle()
    workshop.succeed(publish_report())
    await workshop.settle()
    story = await asked
    assert story["identical"]
    assert reproduce._text_of(story).startswith("flights-1 was trained again and is identical")


async def test_what_differs_is_told_and_is_none(workshop: Workshop, asked: Any) -> None:
    await workshop.settle()
    workshop.succeed(report(model=digest("e")))
    await workshop.settle()
    story = await asked
    assert not story["identical"]
    assert story["differences"][-1] == "all metrics are the same"


async def test_failure_is_told(workshop: Workshop, asked: Any) -> None:
    await workshop.settle()
    workshop.fail("train", said("TrainFailed", "no memory"))
    await workshop.settle()
    story = await asked
    assert (story["identical"], story["message"]) == (False, "no memory")
    gone(workshop)
