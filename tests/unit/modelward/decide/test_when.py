"""When a Dataset's source is looked at again: ticks, those that were missed, and retries of what failed."""

from datetime import UTC, datetime
from typing import Any

import pytest

from .workshop import NAMESPACE, Workshop, digest, ended, ingest_report, said, waiting

VERSION = "flights-" + "a" * 10
NIGHTLY = {"schedule": "30 3 * * *", "timeZone": "Europe/Berlin"}
"""02:30 UTC in winter."""
UNREACHABLE = said("StoreUnavailable", "the store does not answer", retryable=True)


@pytest.fixture
async def workshop() -> Workshop:
    return Workshop()


async def ingested(workshop: Workshop, **spec: Any) -> str:
    """The Job's name."""
    workshop.dataset(**spec)
    await workshop.settle()
    return await succeeded(workshop)


async def succeeded(workshop: Workshop, letter: str = "a") -> str:
    workshop.succeed(ingest_report(digest(letter)))
    await workshop.settle()
    return workshop.job()


async def failed(workshop: Workshop, how: dict[str, Any], reason: str = "PodFailurePolicy") -> None:
    workshop.fail("ingest", how, reason)
    await workshop.settle()


def ticks(workshop: Workshop) -> tuple[str | None, str | None]:
    """Last and next."""
    found = workshop.status("Dataset", "flights")["ticks"]
    return found.get("last"), found.get("next")


def ready(workshop: Workshop) -> tuple[str, str, str]:
    found = workshop.condition("Dataset", "flights")
    assert found
    return found


async def test_schedule_starts_an_ingest_at_its_tick_and_writes_nothing_before(workshop: Workshop) -> None:
    first = await ingested(workshop, **NIGHTLY)
    assert ticks(workshop) == (None, "2026-01-01T02:30:00Z")
    assert await workshop.look_at("Dataset", "flights") == 2.5 * 3600
    writes, before = len(workshop.kube.writes), ready(workshop)
    await workshop.pass_time(hours=2, minutes=29)
    assert (len(workshop.kube.writes), workshop.job()) == (writes, first)
    await workshop.pass_time(minutes=1)
    assert workshop.job() != first
    assert ready(workshop) == before
    assert ticks(workshop) == ("2026-01-01T02:30:00Z", "2026-01-02T02:30:00Z")


async def test_ticks_missed_in_a_downtime_are_one_ingest(workshop: Workshop) -> None:
    await ingested(workshop, **NIGHTLY)
    first = workshop.job()
    await workshop.pass_time(days=5, hours=12)
    second = await succeeded(workshop)
    assert second != first
    assert ticks(workshop) == ("2026-01-06T02:30:00Z", "2026-01-07T02:30:00Z")
    await workshop.pass_time(hours=1)
    assert workshop.job() == second


async def test_tick_during_an_ingest_is_made_good_after_it(workshop: Workshop) -> None:
    workshop.dataset(**NIGHTLY)
    await workshop.settle()
    first = workshop.job()
    await workshop.pass_time(hours=4)
    assert workshop.job() == first
    second = await succeeded(workshop)
    assert second != first
    assert await succeeded(workshop) == second
    assert ticks(workshop) == ("2026-01-01T02:30:00Z", "2026-01-02T02:30:00Z")


async def test_tick_while_suspended_is_made_good_once_when_resumed(workshop: Workshop) -> None:
    first = await ingested(workshop, **NIGHTLY)
    workshop.dataset(**NIGHTLY, suspend=True)
    await workshop.pass_time(days=3)
    assert workshop.job() == first
    assert await workshop.look_at("Dataset", "flights") is None
    workshop.dataset(**NIGHTLY)
    await workshop.settle()
    second = await succeeded(workshop)
    assert second != first
    await workshop.pass_time(hours=1)
    assert workshop.job() == second


@pytest.mark.parametrize("change", [{"schedule": "0 0 * * *"}, {"schedule": "@hourly", "timeZone": "Asia/Tokyo"}])
async def test_another_schedule_counts_from_when_it_is_seen(workshop: Workshop, change: dict[str, str]) -> None:
    first = await ingested(workshop, schedule="0 0 1 * *")
    await workshop.pass_time(days=12, hours=1, minutes=5)
    workshop.dataset(**change)
    await workshop.settle()
    assert workshop.job() == first
    await workshop.pass_time(days=1)
    assert workshop.job() != first


async def test_request_between_ticks_leaves_the_next_where_it_is(workshop: Workshop) -> None:
    await ingested(workshop, **NIGHTLY)
    await workshop.pass_time(hours=1)
    workshop.dataset(annotations={"modelward.dev/requested-at": "now"}, **NIGHTLY)
    await workshop.settle()
    await succeeded(workshop)
    assert ticks(workshop) == (None, "2026-01-01T02:30:00Z")


async def test_interval_tells_its_next_look(workshop: Workshop) -> None:
    await ingested(workshop, interval="1h")
    assert ticks(workshop) == (None, "2026-01-01T01:00:00Z")
    workshop.dataset()
    await workshop.settle()
    assert "ticks" not in workshop.status("Dataset", "flights")


@pytest.mark.parametrize(
    ("wrong", "reason", "words"),
    [
        (
            {"schedule": "0 22-4 * * *"},
            "InvalidSchedule",
            "spec.schedule '0 22-4 * * *' is no cron schedule (bad hour)",
        ),
        ({"schedule": "@daily", "timeZone": "Europe/Atlantis"}, "UnknownTimeZone", "spec.timeZone 'Europe/Atlantis'"),
    ],
)
async def test_schedule_that_cannot_be_is_told_and_starts_nothing(
    workshop: Workshop, wrong: dict[str, str], reason: str, words: str
) -> None:
    workshop.dataset(**wrong)
    await workshop.settle()
    assert ready(workshop)[:2] == ("False", reason)
    assert ready(workshop)[2].startswith(words)
    assert workshop.names("Job") == []
    assert workshop.events() == [f"Warning {reason}"]
    job = await ingested(workshop, schedule="@daily")
    before = ready(workshop)
    workshop.dataset(**wrong)
    await workshop.settle()
    assert ready(workshop)[1] == reason
    assert ready(workshop)[2].endswith(f"; {VERSION} stays in service")
    workshop.dataset(schedule="@daily", resources={"limits": {"memory": "4Gi"}})
    await workshop.settle()
    assert (ready(workshop), workshop.job()) == (before, job)


async def test_failure_of_the_infrastructure_is_tried_again_after_a_time_that_doubles(workshop: Workshop) -> None:
    workshop.dataset()
    await workshop.settle()
    for minutes in (5, 10, 20, 40, 60, 60):
        job = workshop.job()
        await failed(workshop, UNREACHABLE, "BackoffLimitExceeded")
        assert await workshop.look_at("Dataset", "flights") == minutes * 60
        retry = workshop.status("Dataset", "flights")["ingest"]["retry"]
        expected = f"the store does not answer; it is tried again at {retry}"
        assert ready(workshop) == ("False", "StoreUnavailable", expected)
        await workshop.pass_time(minutes=minutes, seconds=-1)
        assert workshop.job() == job
        await workshop.pass_time(seconds=1)
        assert workshop.job() != job
    await succeeded(workshop)
    workshop.dataset(annotations={"modelward.dev/requested-at": "now"})
    await workshop.settle()
    await failed(workshop, UNREACHABLE, "BackoffLimitExceeded")
    assert await workshop.look_at("Dataset", "flights") == 300


async def test_retry_comes_though_the_failed_job_is_gone(workshop: Workshop) -> None:
    workshop.dataset()
    await workshop.settle()
    job = workshop.job()
    await failed(workshop, UNREACHABLE, "BackoffLimitExceeded")
    workshop.kube.remove("batch/v1", "Job", NAMESPACE, job)
    await workshop.pass_time(minutes=4)
    assert workshop.names("Job") == []
    await workshop.pass_time(minutes=1)
    assert workshop.job() != job


@pytest.mark.parametrize(
    "how", [said("InvalidFile", "a.csv, line 3: a field too many"), ended(137, reason="OOMKilled"), ended(1)]
)
async def test_failure_of_data_or_code_waits_for_the_tick(workshop: Workshop, how: dict[str, Any]) -> None:
    workshop.dataset(**NIGHTLY)
    await workshop.settle()
    job = workshop.job()
    await failed(workshop, how)
    assert ready(workshop)[2].endswith("; the next look is at 2026-01-01T02:30:00Z")
    await workshop.pass_time(hours=2)
    assert workshop.job() == job
    await workshop.pass_time(minutes=30)
    assert workshop.job() != job


async def test_failure_of_data_without_a_tick_waits_for_a_change(workshop: Workshop) -> None:
    workshop.dataset()
    await workshop.settle()
    job = workshop.job()
    await failed(workshop, said("ColumnMissing", "no column late"))
    await workshop.pass_time(days=30)
    assert (workshop.job(), ready(workshop)) == (job, ("False", "ColumnMissing", "no column late"))
    workshop.dataset(annotations={"modelward.dev/requested-at": "now"})
    await workshop.settle()
    assert workshop.job() != job


async def test_next_look_in_a_failure_follows_another_schedule(workshop: Workshop) -> None:
    workshop.dataset(**NIGHTLY)
    await workshop.settle()
    await failed(workshop, said("ColumnMissing", "no column late"))
    workshop.dataset(interval="6h")
    await workshop.settle()
    assert ready(workshop)[2] == "no column late; the next look is at 2026-01-01T06:00:00Z"
    workshop.dataset(interval="6h", suspend=True)
    await workshop.settle()
    assert ready(workshop)[2] == "no column late"


async def test_image_that_never_came_is_tried_again_though_the_jobs_time_is_over(workshop: Workshop) -> None:
    workshop.dataset()
    await workshop.settle()
    job = workshop.job()
    workshop.pod(job, {"ingest": waiting("ErrImagePull", "image:1: not found")})
    await workshop.settle()
    workshop.kube.remove("v1", "Pod", NAMESPACE, f"{job}-pod1")
    workshop.finish(job, "FailureTarget", "DeadlineExceeded")
    await workshop.settle()
    expected = "the image image:1 cannot be pulled: image:1: not found; it is tried again at 2026-01-01T00:05:00Z"
    assert ready(workshop) == ("False", "ImagePullBackOff", expected)
    await workshop.pass_time(minutes=5)
    assert workshop.job() != job


async def test_ingest_that_ran_out_of_time_is_not_tried_again(workshop: Workshop) -> None:
    workshop.dataset()
    await workshop.settle()
    job = workshop.job()
    workshop.finish(job, "Failed", "DeadlineExceeded")
    await workshop.pass_time(days=2)
    assert workshop.job() == job
    assert ready(workshop)[1] == "DeadlineExceeded"


async def test_interval_of_an_earlier_operator_goes_on(workshop: Workshop) -> None:
    """Its status has no ticks."""
    first = await ingested(workshop, interval="1h")
    live = workshop.get("Dataset", "flights")
    workshop.kube.put({**live, "status": {k: v for k, v in live["status"].items() if k != "ticks"}})
    await workshop.pass_time(minutes=59)
    assert workshop.job() == first
    await workshop.pass_time(minutes=1)
    assert workshop.job() != first
    assert workshop.now == datetime(2026, 1, 1, 1, tzinfo=UTC)
