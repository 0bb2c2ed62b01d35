"""Old DatasetVersions go, unless something names them."""

from typing import Any

import pytest

from modelward.clients.fake import Crash
from modelward.decide.history import Kept, superfluous

from .workshop import API, NAMESPACE, Workshop, ingest_report

LATEST = "flights-" + "a" * 10


@pytest.fixture
async def workshop() -> Workshop:
    return Workshop()


async def old_versions(workshop: Workshop, *names: str, dataset: str = "flights", valid: bool = True) -> None:
    """Made one a day, in this order, before the newest."""
    for day, name in enumerate(names, start=1):
        metadata = {
            "name": name,
            "namespace": NAMESPACE,
            "creationTimestamp": f"2025-01-{day:02}T00:00:00Z",
            "labels": {"modelward.dev/dataset": dataset},
        }
        split = {"train": 8, "validation": 1, "test": 1}
        spec = {
            "datasetName": dataset, "digest": "sha256:" + "0" * 64, "task": "classification", "rows": 10, "bytes": 1,
            "splitRows": split, "label": "late", "id": "id", "columns": [], "sources": [], "sourceFiles": 1,
        }  # fmt: skip
        conditions = [] if valid else [{"type": "Valid", "status": "False", "reason": "ExpectationsFailed"}]
        found = {"apiVersion": API, "kind": "DatasetVersion", "metadata": metadata, "spec": spec}
        workshop.kube.put({**found, "status": {"conditions": conditions}})


async def ingested(workshop: Workshop, **spec: Any) -> None:
    workshop.dataset(**spec)
    await workshop.settle()
    if LATEST not in workshop.names("DatasetVersion"):
        workshop.succeed(ingest_report())
        await workshop.settle()


async def test_versions_beyond_the_limit_go_and_the_newest_stay(workshop: Workshop) -> None:
    await old_versions(workshop, *(f"v{n:02}" for n in range(1, 15)))
    await old_versions(workshop, "other", dataset="weather")
    await ingested(workshop)
    assert workshop.names("DatasetVersion") == [LATEST, "other", *(f"v{n:02}" for n in range(5, 15))]
    deleted = next(o for o in workshop.kube.objects.values() if o.get("reason") == "VersionsDeleted")
    words = "spec.historyLimit keeps 10 of the versions that nothing uses; deleted: v04, v03, v02, v01"
    assert deleted["message"] == words
    assert workshop.events().count("Normal VersionsDeleted") == 1
    workshop.dataset(historyLimit=2)
    await workshop.settle()
    assert workshop.names("DatasetVersion") == [LATEST, "other", "v13", "v14"]


async def test_versions_that_are_named_stay_and_are_not_counted(workshop: Workshop) -> None:
    await old_versions(workshop, "learnt", "pinned", "wanted", "v1", "v2")
    lineage = {"trainingRun": "gone", "datasetVersion": "learnt"}
    metadata = {"namespace": NAMESPACE}
    workshop.kube.put(
        {
            "apiVersion": API,
            "kind": "ModelVersion",
            "metadata": metadata | {"name": "m-1"},
            "spec": {"lineage": lineage},
        }
    )
    run = {"apiVersion": API, "kind": "TrainingRun", "metadata": metadata | {"name": "r"}, "spec": {"datasetRef": {}}}
    workshop.kube.put({**run, "status": {"datasetVersion": {"name": "pinned"}}})
    named = {"datasetRef": {"name": "flights", "version": "wanted"}}
    workshop.kube.put({**run, "metadata": metadata | {"name": "s"}, "spec": named})
    await only_dataset(workshop, historyLimit=1)
    assert workshop.names("DatasetVersion") == [LATEST, "learnt", "pinned", "v2", "wanted"]
    workshop.kube.remove(API, "ModelVersion", NAMESPACE, "m-1")
    await workshop.look_at("Dataset", "flights")
    assert workshop.names("DatasetVersion") == [LATEST, "pinned", "v2", "wanted"]


async def only_dataset(workshop: Workshop, **spec: Any) -> None:
    """Runs and models here are no whole ones."""
    workshop.dataset(**spec)
    await workshop.look_at("Dataset", "flights")
    workshop.succeed(ingest_report())
    for _ in range(3):
        await workshop.look_at("Dataset", "flights")


async def test_nothing_goes_while_an_ingest_is_under_way_or_without_its_dataset(workshop: Workshop) -> None:
    await old_versions(workshop, "v1", "v2", "v3")
    workshop.dataset(historyLimit=1)
    await workshop.settle()
    assert workshop.names("DatasetVersion") == ["v1", "v2", "v3"]
    workshop.kube.remove(API, "Dataset", NAMESPACE, "flights")
    await workshop.settle()
    assert workshop.names("DatasetVersion") == ["v1", "v2", "v3"]


async def test_invalid_versions_are_counted_for_themselves(workshop: Workshop) -> None:
    await old_versions(workshop, "good1", "good2", "good3")
    await old_versions(workshop, "bad1", "bad2", "bad3", "bad4", valid=False)
    await only_dataset(workshop, historyLimit=2)
    assert workshop.names("DatasetVersion") == ["bad3", "bad4", LATEST, "good2", "good3"]


def test_only_the_very_object_that_was_seen_is_deleted() -> None:
    (ref,) = superfluous([Kept("a", "uid-a", "2025"), Kept("b", "uid-b", "2026")], (), 1)
    assert (ref.name, ref.uid) == ("a", "uid-a")


async def test_crash_before_any_write_takes_away_the_same_versions(workshop: Workshop) -> None:
    async def story(workshop: Workshop) -> None:
        await old_versions(workshop, "v1", "v2", "v3", "v4")
        await ingested(workshop, historyLimit=2)

    await story(workshop)
    expected = workshop.names("DatasetVersion")
    assert expected == [LATEST, "v3", "v4"]
    for nth in range(1, len(workshop.kube.writes) + 1):
        crashed = Workshop()
        crashed.kube.crash_before(nth)
        with pytest.raises(Crash):
            await story(crashed)
        assert {"v3", "v4"} < set(crashed.names("DatasetVersion")), f"crash before write {nth}"
        crashed.kube.recover()
        await crashed.settle()
        await ingested(crashed, historyLimit=2)
        assert crashed.names("DatasetVersion") == expected, f"crash before write {nth}"
