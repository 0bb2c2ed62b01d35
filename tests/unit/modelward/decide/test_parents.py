"""A Dataset made of others: it waits for them, follows them, names them, and never goes in a circle."""

from typing import Any

import msgspec
import pytest

from modelward.decide.parents import circle
from modelward_contracts.reports import ParentVersion
from modelward_contracts.tasks import IngestTask
from modelward_contracts.wire import decode

from .workshop import Workshop, digest, ingest_report, said

JOINED: dict[str, Any] = {
    "source": {"datasets": [{"name": "flights"}, {"name": "weather-hourly", "as": "weather"}]},
    "prepare": {"sql": "SELECT * FROM flights JOIN weather USING (hour)"},
}


@pytest.fixture
async def workshop() -> Workshop:
    return Workshop()


def job(workshop: Workshop, name: str) -> str:
    return str(workshop.status("Dataset", name)["ingest"]["job"])


def task(workshop: Workshop, name: str) -> IngestTask:
    return decode(workshop.get("ConfigMap", job(workshop, name))["data"]["task.json"], IngestTask)


async def ingested(workshop: Workshop, name: str, letter: str) -> None:
    """Its ingest, under way or asked for now, finds this content."""
    if workshop.status("Dataset", name)["ingest"].get("finished"):
        found = workshop.get("Dataset", name)["metadata"]["annotations"].get("modelward.dev/requested-at", "")
        workshop.kube.put(
            {
                **workshop.get("Dataset", name),
                "metadata": workshop.get("Dataset", name)["metadata"]
                | {"annotations": {"modelward.dev/requested-at": found + "again"}},
            }
        )
        await workshop.settle()
    of = [ParentVersion(dataset=each.dataset, digest=each.digest) for each in task(workshop, name).parents]
    workshop.succeed(msgspec.structs.replace(ingest_report(digest(letter)), parents=of), job(workshop, name))
    await workshop.settle()


async def three(workshop: Workshop) -> Workshop:
    workshop.dataset("flights")
    workshop.dataset("weather-hourly")
    workshop.dataset("joined", **JOINED)
    await workshop.settle()
    await ingested(workshop, "flights", "a")
    await ingested(workshop, "weather-hourly", "b")
    return workshop


async def test_child_waits_for_each_parent_by_name(workshop: Workshop) -> None:
    workshop.dataset("joined", **JOINED)
    await workshop.settle()
    assert workshop.condition("Dataset", "joined") == (
        "False", "ParentNotFound", "Dataset flights does not exist in this namespace: create it",
    )  # fmt: skip
    workshop.dataset("flights")
    await workshop.settle()
    assert workshop.condition("Dataset", "joined") == (
        "False",
        "ParentNotReady",
        f"Dataset flights has no valid version yet: Job {job(workshop, 'flights')} reads the source",
    )
    await ingested(workshop, "flights", "a")
    found = workshop.condition("Dataset", "joined")
    assert found
    assert (found[1], found[2][:22]) == ("ParentNotFound", "Dataset weather-hourly")
    assert "ingest" not in workshop.status("Dataset", "joined")


async def test_child_reads_the_newest_versions_and_names_them(workshop: Workshop) -> None:
    await three(workshop)
    found = task(workshop, "joined")
    assert found.source == "datasets"
    assert [(parent.dataset, parent.table, parent.digest) for parent in found.parents] == [
        ("flights", "flights", digest("a")),
        ("weather-hourly", "weather", digest("b")),
    ]
    await ingested(workshop, "joined", "c")
    version = "joined-" + "c" * 10
    names = ["flights-" + "a" * 10, "weather-hourly-" + "b" * 10]
    assert workshop.get("DatasetVersion", version)["spec"]["parents"] == [
        {"dataset": "flights", "version": names[0], "digest": digest("a")},
        {"dataset": "weather-hourly", "version": names[1], "digest": digest("b")},
    ]
    assert workshop.status("DatasetVersion", version)["parents"] == ", ".join(names)
    assert workshop.condition("Dataset", "joined") == (
        "True", "Ingested", f"{version}: 10 rows of {', '.join(names)}",
    )  # fmt: skip


async def test_new_valid_version_of_a_parent_is_a_reason_to_look_again(workshop: Workshop) -> None:
    await three(workshop)
    await ingested(workshop, "joined", "c")
    before = job(workshop, "joined")
    await workshop.pass_time(days=3)
    assert job(workshop, "joined") == before
    await ingested(workshop, "weather-hourly", "d")
    assert job(workshop, "joined") != before
    assert [parent.digest for parent in task(workshop, "joined").parents] == [digest("a"), digest("d")]
    found = workshop.condition("Dataset", "joined")
    assert found
    assert found[:2] == ("True", "Ingested")
    await ingested(workshop, "joined", "e")
    assert workshop.status("Dataset", "joined")["latestVersion"]["digest"] == digest("e")


async def test_parent_that_moves_on_while_the_child_is_read_is_looked_at_after_it(workshop: Workshop) -> None:
    await three(workshop)
    under_way = job(workshop, "joined")
    await ingested(workshop, "weather-hourly", "d")
    assert job(workshop, "joined") == under_way
    await ingested(workshop, "joined", "c")
    assert job(workshop, "joined") != under_way
    assert [parent.digest for parent in task(workshop, "joined").parents] == [digest("a"), digest("d")]


async def test_parent_that_fails_is_read_in_its_last_valid_version(workshop: Workshop) -> None:
    await three(workshop)
    await ingested(workshop, "joined", "c")
    before = job(workshop, "joined")
    workshop.dataset("flights", annotations={"modelward.dev/requested-at": "now"})
    await workshop.settle()
    report = msgspec.structs.replace(ingest_report(digest("f")), expectations=1, failed=1)
    workshop.succeed(report, job(workshop, "flights"))
    await workshop.settle()
    found = workshop.condition("Dataset", "flights")
    assert found
    assert found[1] == "ExpectationsFailed"
    assert job(workshop, "joined") == before


async def test_child_that_failed_by_its_query_is_tried_again_with_the_next_version(workshop: Workshop) -> None:
    await three(workshop)
    child = job(workshop, "joined")
    workshop.pod(child, {"ingest": said("InvalidSQL", "no column hour")}, phase="Failed")
    workshop.finish(child, "Failed", "PodFailurePolicy")
    await workshop.settle()
    await workshop.pass_time(days=3)
    assert job(workshop, "joined") == child
    await ingested(workshop, "flights", "d")
    assert job(workshop, "joined") != child


async def test_circle_is_refused_by_its_names_until_it_is_broken(workshop: Workshop) -> None:
    workshop.dataset("a", source={"datasets": [{"name": "b"}]})
    workshop.dataset("b", source={"datasets": [{"name": "c"}]})
    workshop.dataset("c", source={"datasets": [{"name": "a"}]})
    workshop.dataset("d", source={"datasets": [{"name": "d"}]})
    workshop.dataset("e", source={"datasets": [{"name": "a"}]})
    await workshop.settle()
    told = {name: workshop.condition("Dataset", name) for name in "abcde"}
    words = "source.datasets lead in a circle, {}: take one of them out of another"
    assert told["a"] == ("False", "ParentCircle", words.format("a → b → c → a"))
    assert told["c"] == ("False", "ParentCircle", words.format("c → a → b → c"))
    assert told["d"] == ("False", "ParentCircle", words.format("d → d"))
    assert told["e"]
    assert told["e"][1] == "ParentNotReady"
    assert workshop.names("Job") == []
    workshop.dataset("c")
    await workshop.settle()
    await ingested(workshop, "c", "a")
    await ingested(workshop, "b", "b")
    assert [parent.digest for parent in task(workshop, "a").parents] == [digest("b")]


async def test_parents_gone_leave_what_was_made_of_them_in_use(workshop: Workshop) -> None:
    await three(workshop)
    await ingested(workshop, "joined", "c")
    for key in [key for key in workshop.kube.objects if key[1] == "Dataset" and key[3] == "flights"]:
        del workshop.kube.objects[key]
    await workshop.pass_time(days=1)
    found = workshop.condition("Dataset", "joined")
    assert found
    assert found[:2] == ("True", "Ingested")


async def test_version_that_a_child_names_stays(workshop: Workshop) -> None:
    workshop.dataset("flights", historyLimit=1)
    workshop.dataset("joined", source={"datasets": [{"name": "flights"}]}, historyLimit=1)
    await workshop.settle()
    await ingested(workshop, "flights", "a")
    await ingested(workshop, "joined", "1")
    for number, letter in enumerate("bcd"):
        await workshop.pass_time(minutes=1)
        await ingested(workshop, "flights", letter)
        if letter == "b":
            await ingested(workshop, "joined", str(number + 2))
    kept = [name for name in workshop.names("DatasetVersion") if name.startswith("flights")]
    assert kept == [f"flights-{letter * 10}" for letter in "abcd"]


async def test_table_without_a_label_is_a_parent_and_nothing_to_train_on(workshop: Workshop) -> None:
    workshop.dataset("flights", columns={"id": "id"})
    workshop.run("flights-a")
    await workshop.settle()
    report = msgspec.structs.replace(ingest_report(digest("a")), split_rows={"train": 10})
    workshop.succeed(report, job(workshop, "flights"))
    await workshop.settle()
    version = workshop.get("DatasetVersion", "flights-" + "a" * 10)
    assert version["spec"]["splitRows"] == {"train": 10, "validation": 0, "test": 0}
    assert "label" not in version["spec"]
    found = workshop.condition("DatasetVersion", "flights-" + "a" * 10)
    assert found
    assert found[2] == "10 rows: no label, so none is held out"
    run = workshop.condition("TrainingRun", "flights-a")
    assert run
    assert run[1] == "NoLabel"


def test_the_shortest_circle_is_found() -> None:
    lineage = {"a": ("b", "c"), "b": ("d",), "c": ("a",), "d": ("a",)}
    assert circle("a", lineage) == ["a", "c", "a"]
    assert circle("b", lineage) == ["b", "d", "a", "b"]
    assert circle("a", {"a": ("b", "c"), "b": ("c",), "c": ("c",)}) == []
