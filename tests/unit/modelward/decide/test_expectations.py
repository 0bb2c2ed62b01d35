"""A version that is not what its Dataset expects: kept, marked, and used by nobody unless it is named."""

import json
from typing import Any

import msgspec
import pytest

from modelward.clients.fake import Crash
from modelward_contracts.reports import Failure, IngestReport

from .workshop import Workshop, digest, ingest_report

EXPECTED = [{"column": "late", "minimum": 0}, {"rows": {"minimum": 5}}]
GOOD, BAD, OLDER = (f"flights-{letter * 10}" for letter in "abc")
BELOW = Failure(expectation="{column: late, minimum: 0}", message="2 of 10 values below 0: -1 (2 rows)")
STALE = Failure(expectation="{fresh: {column: at, maxAge: 1h}}", message="the newest row is old", ages=True)
SAID = f"1 of 2 expectations are not met: {BELOW.expectation}: {BELOW.message}"


@pytest.fixture
async def workshop() -> Workshop:
    return Workshop()


def met(letter: str = "a") -> IngestReport:
    return msgspec.structs.replace(ingest_report(digest(letter)), expectations=2)


def failed(letter: str = "b", *failures: Failure) -> IngestReport:
    found = list(failures or (BELOW,))
    return msgspec.structs.replace(met(letter), failed=len(found), failures=found)


async def looked(workshop: Workshop, report: IngestReport, **spec: Any) -> None:
    """The Dataset changes, or asks again; its ingest ends with this report."""
    await workshop.pass_time(minutes=1)
    workshop.dataset(annotations={"modelward.dev/requested-at": str(workshop.now)}, **{"expectations": EXPECTED} | spec)
    await workshop.settle()
    workshop.succeed(report)
    await workshop.settle()


def latest(workshop: Workshop) -> str | None:
    found = workshop.status("Dataset", "flights").get("latestVersion")
    return str(found["name"]) if found else None


def valid(workshop: Workshop, name: str) -> tuple[str, str, str] | None:
    return workshop.condition("DatasetVersion", name, "Valid")


def task(workshop: Workshop) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(workshop.get("ConfigMap", workshop.job())["data"]["task.json"])
    return found


async def test_version_as_expected_says_so(workshop: Workshop) -> None:
    await looked(workshop, met())
    assert valid(workshop, GOOD) == ("True", "ExpectationsMet", "all of 2 expectations are met")
    assert latest(workshop) == GOOD


async def test_ingest_is_told_what_is_expected_as_it_is_written(workshop: Workshop) -> None:
    stated = [
        {"column": "zip", "in": ["007", 7, "0.5"], "unique": True, "maxMissing": 0},
        {"fresh": {"column": "at", "maxAge": "1h30m"}},
        {"drift": {"maximum": 0.2}},
    ]
    await looked(workshop, met(), expectations=stated)
    told = [{k: v for k, v in each.items() if v not in (None, False)} for each in task(workshop)["expectations"]]
    assert told == [
        {"column": "zip", "values": ["007", 7, "0.5"], "unique": True},
        {"fresh": "at", "maxAge": "1h30m"},
        {"maxDrift": 0.2},
    ]
    assert task(workshop)["expectations"][0]["maxMissing"] == 0


async def test_version_without_expectations_is_valid(workshop: Workshop) -> None:
    await looked(workshop, ingest_report(), expectations=[])
    assert valid(workshop, GOOD) == ("True", "NothingExpected", "the Dataset states no expectations")


async def test_version_that_fails_is_kept_and_the_last_good_one_stays_in_use(workshop: Workshop) -> None:
    await looked(workshop, met())
    await looked(workshop, failed())
    assert workshop.names("DatasetVersion") == [GOOD, BAD]
    assert valid(workshop, BAD) == ("False", "ExpectationsFailed", SAID)
    assert valid(workshop, GOOD) == ("True", "ExpectationsMet", "all of 2 expectations are met")
    ready = workshop.condition("DatasetVersion", BAD)
    assert ready
    assert ready[:2] == ("True", "Stored")
    assert workshop.status("DatasetVersion", BAD)["check"]["failures"] == [
        {"expectation": BELOW.expectation, "message": BELOW.message}
    ]
    assert latest(workshop) == GOOD
    told = f"{BAD}: {SAID}; {GOOD} stays in service"
    assert workshop.condition("Dataset", "flights") == ("False", "ExpectationsFailed", told)
    assert workshop.events() == ["Normal VersionCreated", "Warning ExpectationsFailed"]


async def test_run_takes_the_newest_valid_version(workshop: Workshop) -> None:
    await looked(workshop, met())
    await looked(workshop, failed())
    workshop.run()
    await workshop.settle()
    assert workshop.status("TrainingRun", "flights-a")["datasetVersion"]["name"] == GOOD


async def test_run_takes_a_version_that_fails_if_it_names_it_and_says_so(workshop: Workshop) -> None:
    await looked(workshop, failed())
    workshop.run(datasetRef={"name": "flights", "version": BAD})
    await workshop.settle()
    assert workshop.status("TrainingRun", "flights-a")["datasetVersion"]["name"] == BAD
    messages = [o["message"] for (_, kind, _, _), o in workshop.kube.objects.items() if kind == "Event"]
    assert messages[-1].endswith(f"trains on {BAD}, which does not meet its expectations")


async def test_run_waits_where_no_version_is_valid(workshop: Workshop) -> None:
    await looked(workshop, failed())
    assert latest(workshop) is None
    workshop.run()
    await workshop.settle()
    assert workshop.condition("TrainingRun", "flights-a") == (
        "Unknown",
        "DatasetNotReady",
        f"Dataset flights is not Ready: {BAD}: {SAID}",
    )
    await looked(workshop, met())
    assert workshop.status("TrainingRun", "flights-a")["datasetVersion"]["name"] == GOOD


async def test_look_that_finds_the_same_failure_tells_it_once(workshop: Workshop) -> None:
    await looked(workshop, met(), interval="1h")
    await looked(workshop, failed(), interval="1h")
    said, job = workshop.condition("Dataset", "flights"), workshop.job()
    await workshop.pass_time(hours=1)
    assert workshop.job() != job
    assert workshop.condition("Dataset", "flights") == said
    workshop.succeed(failed())
    await workshop.settle()
    assert workshop.condition("Dataset", "flights") == said
    assert workshop.events().count("Warning ExpectationsFailed") == 1


async def test_next_good_version_follows_the_last_good_one(workshop: Workshop) -> None:
    await looked(workshop, met())
    await looked(workshop, failed())
    await looked(workshop, met("c"))
    assert latest(workshop) == OLDER
    assert workshop.get("DatasetVersion", OLDER)["spec"]["parent"] == GOOD
    assert workshop.condition("Dataset", "flights") == ("True", "Ingested", f"{OLDER}: 10 rows of 1 file")


async def test_changed_expectations_are_checked_of_the_same_version(workshop: Workshop) -> None:
    """c, then a; a is wrong by what is expected now: c is in use again, until a is right again."""
    await looked(workshop, met("c"))
    await looked(workshop, met("a"))
    strict = [*EXPECTED, {"column": "late", "maximum": 1}]
    await looked(workshop, failed("a"), expectations=strict)
    assert task(workshop)["before"] == [digest("a"), digest("c")]
    assert workshop.names("DatasetVersion") == [GOOD, OLDER]
    said = valid(workshop, GOOD)
    assert said
    assert said[:2] == ("False", "ExpectationsFailed")
    assert latest(workshop) == OLDER
    ready = workshop.condition("Dataset", "flights")
    assert ready
    assert ready[2].endswith(f"; {OLDER} stays in service")
    await looked(workshop, met("a"))
    said = valid(workshop, GOOD)
    assert said
    assert said[0] == "True"
    assert latest(workshop) == GOOD
    assert workshop.events()[-1] == "Normal ExpectationsMet"


async def test_versions_that_fail_are_passed_over_on_the_way_back(workshop: Workshop) -> None:
    for letter in "cab":
        await looked(workshop, met(letter))
    await looked(workshop, failed("b"))
    await looked(workshop, failed("a"), expectations=[EXPECTED[0]])
    assert latest(workshop) == OLDER


async def test_version_that_grows_old_stays_valid_and_in_use_while_the_dataset_tells(workshop: Workshop) -> None:
    await looked(workshop, met("c"))
    await looked(workshop, met())
    await looked(workshop, failed("a", STALE))
    assert latest(workshop) == GOOD
    assert valid(workshop, GOOD) == ("True", "ExpectationsMet", "all of 2 expectations are met")
    ready = workshop.condition("Dataset", "flights")
    assert ready
    assert ready[1:] == (
        "ExpectationsFailed",
        f"{GOOD}: 1 of 2 expectations are not met: {STALE.expectation}: {STALE.message}; {GOOD} stays in service",
    )
    await looked(workshop, failed("b", STALE))
    assert latest(workshop) == GOOD


async def test_no_message_outgrows_its_condition(workshop: Workshop) -> None:
    many = [Failure(expectation="{" + "x" * 190 + "}", message="y" * 500) for _ in range(50)]
    await looked(workshop, msgspec.structs.replace(failed("b", *many), failed=80, expectations=100))
    for said in valid(workshop, BAD), workshop.condition("Dataset", "flights"):
        assert said
        assert 3000 < len(said[2]) <= 4096
        assert "80 of 100 expectations are not met" in said[2]
        assert said[2].endswith("and 75 more")
    assert len(workshop.status("DatasetVersion", BAD)["check"]["failures"]) == 50


async def test_crash_before_any_write_ends_in_the_same_marks(workshop: Workshop) -> None:
    await looked(workshop, met())
    before = len(workshop.kube.writes)
    await looked(workshop, failed())
    clean, writes = _story(workshop), len(workshop.kube.writes)
    for nth in range(1, writes - before + 1):
        crashed = Workshop()
        await looked(crashed, met())
        crashed.kube.crash_before(nth)
        with pytest.raises(Crash):
            await looked(crashed, failed())
        crashed.kube.recover()
        await crashed.settle()
        if BAD not in crashed.names("DatasetVersion"):
            crashed.succeed(failed())
            await crashed.settle()
        assert _story(crashed) == clean, f"crash before write {nth}"


def _story(workshop: Workshop) -> object:
    marks = {name: valid(workshop, name) for name in workshop.names("DatasetVersion")}
    return marks, workshop.condition("Dataset", "flights"), latest(workshop)
