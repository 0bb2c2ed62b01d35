"""When stores are looked through, what the Job is told to leave alone, and what is told of it."""

import json
from datetime import timedelta
from typing import Any

import pytest

from modelward.names import COLLECTION
from modelward.settings import StoreCollection
from modelward_contracts.reports import CollectReport
from modelward_contracts.tasks import CollectTask
from modelward_contracts.wire import decode

from .workshop import API, SETTINGS, Workshop, digest, ended, ingest_report, publish_report

KIB = 1024


def report(**fields: Any) -> CollectReport:
    found = {"held": 10, "held_bytes": 10 * KIB, "unnamed": 3, "unnamed_bytes": 3 * KIB}
    return CollectReport(**found | {"freed": 2, "freed_bytes": 2 * KIB, "records": 0} | fields)


def workshop(**collection: Any) -> Workshop:
    """With something in it."""
    chosen = StoreCollection(**{"schedule": "0 3 * * *"} | collection)
    world = Workshop(settings=SETTINGS.model_copy(update={"store_url": "s3://models", "store_collection": chosen}))
    metadata = {"name": "old", "namespace": "ns"}
    world.kube.put(
        {"apiVersion": API, "kind": "ModelDeployment", "metadata": metadata, "spec": {"modelRef": {"name": "x"}}}
    )
    return world


async def look(world: Workshop) -> float | None:
    return await world.look_at("ConfigMap", COLLECTION)


async def due(world: Workshop) -> str:
    """The Job of the first collection."""
    await look(world)
    world.now += timedelta(hours=28)
    await look(world)
    (job,) = [name for name in world.names("Job") if name.startswith(COLLECTION)]
    return job


def task(world: Workshop, job: str) -> CollectTask:
    return decode(world.get("ConfigMap", job)["data"]["task.json"], CollectTask)


def ledger(world: Workshop) -> dict[str, str]:
    data: dict[str, str] = world.get("ConfigMap", COLLECTION)["data"]
    return data


async def test_first_look_begins_the_count_and_the_tick_after_it_makes_a_job() -> None:
    world = workshop()
    await look(world)
    assert world.names("Job") == []
    world.now += timedelta(hours=2)
    await look(world)
    assert world.names("Job") == []
    world.now += timedelta(hours=2)
    await look(world)
    assert [name.startswith(COLLECTION) for name in world.names("Job")] == [True]


async def test_missed_ticks_are_made_good_by_one_collection() -> None:
    world = workshop()
    job = await due(world)
    world.succeed(report(), job)
    await look(world)
    world.now += timedelta(hours=24 * 30)
    await look(world)
    (job,) = world.names("Job")
    world.succeed(report(), job)
    await look(world)
    await look(world)
    assert world.names("Job") == []


async def test_nothing_is_collected_without_a_schedule() -> None:
    world = workshop(schedule="")
    await look(world)
    assert world.names("ConfigMap") == []


async def test_nothing_is_made_in_a_namespace_without_resources_or_without_a_store() -> None:
    world = workshop()
    world.kube.remove(API, "ModelDeployment", "ns", "old")
    await look(world)
    assert world.names("ConfigMap") == []
    world = workshop()
    world.settings = world.settings.model_copy(update={"store_url": "file:///store"})
    world.__post_init__()
    await look(world)
    world.now += timedelta(hours=28)
    await look(world)
    assert world.names("Job") == []


async def test_job_is_told_what_resources_name_and_the_owner() -> None:
    world = workshop()
    world.dataset()
    await world.settle()
    world.succeed(ingest_report())
    await world.settle()
    world.run()
    await world.settle()
    world.succeed(publish_report(), next(name for name in world.names("Job") if "train" in name))
    await world.settle()
    told = task(world, await due(world))
    assert {digest("a"), digest("b")} <= set(told.live)
    assert digest("0") not in told.live  # of a source's file, which is no blob
    assert told.owner == world.get("ConfigMap", COLLECTION)["metadata"]["uid"]
    assert (told.grace, told.records, told.dry_run) == (86_400, 90 * 86_400, False)


async def test_what_was_written_since_a_running_ingest_began_is_left_alone() -> None:
    world = workshop(grace="1h")
    assert task(world, await due(world)).before == "2026-01-02T03:00:00Z"
    world = workshop(grace="1h")
    await look(world)
    world.dataset()
    await world.pass_time(hours=28)
    job = next(name for name in world.names("Job") if "ingest" in name)
    started = world.status("Dataset", "flights")["ingest"]["started"]
    world.now += timedelta(hours=5)
    await look(world)
    (collect,) = [name for name in world.names("Job") if name.startswith(COLLECTION)]
    assert job != collect
    assert started == "2026-01-02T04:00:00Z"
    assert task(world, collect).before == "2026-01-02T03:00:00Z"


async def test_grace_period_is_an_hour_at_least() -> None:
    world = workshop(grace="1s")
    told = task(world, await due(world))
    assert (told.grace, told.before) == (3600, "2026-01-02T03:00:00Z")


async def test_what_was_freed_is_an_event_and_stands_in_the_ledger_and_the_job_goes() -> None:
    world = workshop()
    job = await due(world)
    assert (await look(world) or 0) > 0
    world.succeed(report(), job)
    await look(world)
    assert world.events() == ["Normal Collected"]
    assert ledger(world)["result"] == (
        "2 blobs of 2 KiB freed, and 0 old results and traces; the store held 10 blobs of 10 KiB, 3 of 3 KiB named by "
        "nothing"
    )
    assert "job" not in ledger(world)
    assert job not in world.names("Job") + world.names("ConfigMap")


async def test_day_on_which_nothing_was_freed_is_no_event() -> None:
    world = workshop()
    world.succeed(report(freed=0, freed_bytes=0), await due(world))
    await look(world)
    assert world.events() == []
    assert ledger(world)["result"].startswith("0 blobs of 0 B freed")


async def test_dry_run_says_what_would_be() -> None:
    world = workshop(dry_run=True)
    job = await due(world)
    assert task(world, job).dry_run
    world.succeed(report(dry_run=True), job)
    await look(world)
    assert world.events() == ["Normal CollectionDryRun"]
    assert "2 blobs of 2 KiB would be freed (dry run)" in ledger(world)["result"]


async def test_collection_that_failed_is_told_with_its_reason_and_tried_at_the_next_tick() -> None:
    world = workshop()
    job = await due(world)
    said = {"result": "Failed", "reason": "StoreOfAnother", "message": "it is another's"}
    world.pod(job, {"collect": ended(1, json.dumps(said))}, phase="Failed")
    world.finish(job, "Failed", "PodFailurePolicy")
    await look(world)
    assert world.events() == ["Warning CollectionFailed"]
    assert "StoreOfAnother: it is another's" in ledger(world)["result"]
    await look(world)
    assert world.names("Job") == []
    world.now += timedelta(hours=24)
    await look(world)
    assert len(world.names("Job")) == 1


async def test_owner_before_is_told_where_the_ledger_is_annotated() -> None:
    world = workshop()
    await look(world)
    found = world.get("ConfigMap", COLLECTION)
    found["metadata"]["annotations"] = {"modelward.dev/take-over": "uid-before"}
    world.kube.put(found)
    assert task(world, await due(world)).take_over == "uid-before"


async def test_log_that_is_gone_is_no_failure() -> None:
    world = workshop()
    world.succeed(report(), await due(world), log=False)
    await look(world)
    assert world.events() == ["Normal Collected"]


@pytest.mark.parametrize("schedule", ["tomorrow", "1 2 3"])
def test_schedule_that_is_none_is_refused_at_the_start(schedule: str) -> None:
    with pytest.raises(ValueError, match="schedule"):
        StoreCollection(schedule=schedule)
