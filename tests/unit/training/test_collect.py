"""Collection: what nothing names goes after a while, and nothing else ever does. On a volume and on S3."""

import os
import time
from typing import Any

import msgspec
import pytest

from modelward_contracts.collection import COLLECTION, Collection
from modelward_contracts.inputs import trial_key
from modelward_contracts.manifests import Blob, DatasetManifest
from modelward_contracts.reports import CollectReport, TrialReport
from modelward_contracts.tasks import CollectTask
from modelward_contracts.trace import trace_key
from modelward_contracts.verdicts import StoredService, StoredVerdict, run_key, served_key, verdict_key
from objectstore.kept import Kept

from .harness import NAMESPACE, Ended, Pod, ingest_report, report_line, train_task
from .sets import things

GRACE = 100.0
FUTURE = "2999-01-01T00:00:00Z"


class Collecting(Pod):
    def collect(self, *live: str, **fields: Any) -> Ended:
        task = CollectTask(
            namespace=NAMESPACE,
            store=self.url,
            owner="cluster-a",
            live=list(live),
            before=FUTURE,
            grace=GRACE,
            records=3600.0,
        )
        return self.step("collect", msgspec.structs.replace(task, **fields))

    def after_grace(self, *live: str, **fields: Any) -> CollectReport:
        """The look that finds what the last one found unnamed, and the grace period over."""
        self.wait(GRACE + 1)
        return collected(self.collect(*live, **fields))

    def wait(self, seconds: float) -> None:
        """For those who are waited for."""

        def earlier(known: Collection | None) -> Collection:
            assert known
            unnamed = {digest: since - int(seconds) for digest, since in known.unnamed.items()}
            return msgspec.structs.replace(known, unnamed=unnamed)

        self.store.update_record(COLLECTION, Collection, earlier)

    def age(self, path: str, seconds: float) -> None:
        os.utime(self.stored / NAMESPACE / path, (time.time() - seconds,) * 2)

    @property
    def blobs(self) -> set[str]:
        return {found.path.removeprefix("blobs/") for found in self.store.list("blobs/")}


def collected(ended: Ended) -> CollectReport:
    line = report_line(ended)
    assert isinstance(line, CollectReport)
    return line


@pytest.fixture
def pod(tmp_path: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, kept: Kept) -> Collecting:
    monkeypatch.setenv("MODELWARD_TERMINATION_LOG", "")
    return Collecting(tmp_path / "pod", capsys, kept)


def there(pod: Pod, blob: Blob) -> bool:
    return any(found.path.endswith(blob.digest[7:]) for found in pod.store.list("blobs/"))


def test_what_nothing_names_goes_at_the_second_look_after_the_grace_period(pod: Collecting) -> None:
    needed, loose = pod.store.put_bytes(b"needed"), pod.store.put_bytes(b"loose")
    first = collected(pod.collect(needed.digest))
    assert (first.held, first.unnamed, first.unnamed_bytes, first.freed) == (2, 1, 5, 0)
    assert there(pod, loose)
    second = pod.after_grace(needed.digest)
    assert (second.held, second.freed, second.freed_bytes) == (2, 1, 5)
    assert there(pod, needed)
    assert not there(pod, loose)
    assert pod.after_grace(needed.digest).unnamed == 0


def test_version_in_use_stays_with_all_that_it_consists_of(pod: Collecting) -> None:
    pod.csv(things())
    ended = pod.ingest(time="at")
    digest = ingest_report(ended).manifest
    manifest = pod.dataset(ended)
    pod.collect(digest)
    report = pod.after_grace(digest)
    assert report.unnamed == 0, "what the ingest said of itself is named by what it remembers of its last look"
    splits = [blob for split in manifest.splits.values() for blob in (split.data, split.labels) if blob]
    for blob in [*splits, manifest.statistics]:
        pod.store.get_bytes(blob.digest)
    assert pod.store.get_json(digest, DatasetManifest) == manifest


def test_model_keeps_the_data_that_it_was_trained_on(pod: Collecting) -> None:
    data = pod.store.put_bytes(b"PAR1")
    dataset = pod.store.put_json({"splits": {"train": {"data": data}}})
    model = pod.store.put_json({"modelName": "m", "dataset": dataset.digest, "model": pod.store.put_bytes(b"\x08onnx")})
    pod.collect(model.digest)
    assert pod.after_grace(model.digest).unnamed == 0


def test_result_of_a_run_keeps_its_model_until_it_is_old(pod: Collecting) -> None:
    model = pod.store.put_json({"model": pod.store.put_bytes(b"\x08onnx")})
    key = run_key("sha256:" + "f" * 64)
    pod.store.write_record(key, {"manifest": model.digest, "report": None})
    assert collected(pod.collect()).unnamed == 0
    pod.age(key, 3700)
    old = collected(pod.collect())
    assert (old.unnamed, old.records, old.freed) == (2, 1, 0)
    assert pod.store.read_bytes(key) is None
    assert pod.after_grace().freed == 2


def test_trials_of_a_search_keep_their_models_until_they_are_old(pod: Collecting) -> None:
    model, predictions = pod.store.put_bytes(b"\x08onnx"), pod.store.put_bytes(b"PAR1")
    task = train_task(pod.url, "sha256:" + "0" * 64)
    found = TrialReport(
        trial=1, parameters={}, value=1.0, metrics={}, model=model.digest, predictions=predictions.digest
    )
    for anew in (False, True):
        key = trial_key(msgspec.structs.replace(task, retrain=anew or msgspec.UNSET), 1)
        pod.store.write_record(key, found)
        assert collected(pod.collect()).unnamed == 0
        pod.age(key, 3700)
        assert collected(pod.collect()).records == 1
    assert pod.after_grace().freed == 2


def test_result_of_a_run_stays_as_long_as_its_model_is_registered(pod: Collecting) -> None:
    report = pod.store.put_json({"kind": "Publish"})
    model = pod.store.put_json({"modelName": "m"})
    key = run_key("sha256:" + "f" * 64)
    pod.store.write_record(key, {"manifest": model.digest, "report": report.digest})
    pod.age(key, 3700)
    assert collected(pod.collect(model.digest)).records == 0
    assert pod.after_grace(model.digest).unnamed == 0
    assert pod.store.read_bytes(key)


def test_files_kept_of_a_source_stay_until_they_are_old_and_the_last_look_with_its_version(pod: Collecting) -> None:
    version, file = pod.store.put_json({"dataset": "things"}), pod.store.put_bytes(b"zstd")
    pod.store.write_record("cache/things/look", {"manifest": version.digest})
    pod.store.write_record("cache/things/files", {"files": {"a": {"data": file.digest}}})
    assert collected(pod.collect()).unnamed == 0
    for key in ("cache/things/look", "cache/things/files"):
        pod.age(key, 3700)
    assert collected(pod.collect(version.digest)).records == 1
    assert pod.after_grace(version.digest).freed == 1
    assert [found.path for found in pod.store.list("cache/")] == ["cache/things/look"]


def test_what_is_in_service_stays_for_ever_and_what_was_rolled_back_for_a_while(pod: Collecting) -> None:
    served, rejected = pod.store.put_json({"served": 1}), pod.store.put_json({"rejected": 1})
    service = StoredService(revision="r", since="2026-01-01T00:00:00Z", serving={"digest": served.digest})
    pod.store.write_record(served_key("d"), service)
    verdict = StoredVerdict(
        deployment="d", revision="r", retry=0, reason="Errors", message="", model=rejected.digest, decided="2026"
    )
    pod.store.write_record(verdict_key("d", "r"), verdict)
    assert collected(pod.collect()).unnamed == 0
    for key in (served_key("d"), verdict_key("d", "r")):
        pod.age(key, 3700)
    assert collected(pod.collect()).unnamed == 1
    assert pod.after_grace().freed == 1
    assert there(pod, served)
    assert pod.store.read_record(verdict_key("d", "r"), StoredVerdict) == verdict


def test_old_traces_go(pod: Collecting) -> None:
    old, young = trace_key("d", "r", "a"), trace_key("d", "r", "b")
    for key in (old, young):
        pod.store.write_bytes(key, b"gzip")
    pod.age(old, 3700)
    assert collected(pod.collect()).records == 1
    assert [found.path for found in pod.store.list("traces/")] == [young]


def test_what_is_named_again_starts_anew(pod: Collecting) -> None:
    loose = pod.store.put_bytes(b"loose")
    pod.collect()
    pod.after_grace(loose.digest)
    assert collected(pod.collect()).freed == 0
    assert pod.after_grace().freed == 1


def test_what_was_written_since_the_oldest_running_ingest_began_stays(pod: Collecting) -> None:
    old, young = pod.store.put_bytes(b"old"), pod.store.put_bytes(b"young")
    pod.age(f"blobs/sha256/{old.digest[7:]}", 7200)
    before = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3600))
    pod.collect(before=before)
    assert pod.after_grace(before=before).freed == 1
    assert there(pod, young)
    assert pod.after_grace(before=before).freed == 0


def test_dry_run_tells_and_takes_nothing(pod: Collecting) -> None:
    loose = pod.store.put_bytes(b"loose")
    key = trace_key("d", "r", "a")
    pod.store.write_bytes(key, b"gzip")
    pod.age(key, 3700)
    pod.collect(dry_run=True)
    for _ in range(2):
        report = pod.after_grace(dry_run=True)
        assert (report.freed, report.freed_bytes, report.records, report.dry_run) == (1, 5, 1, True)
    assert there(pod, loose)
    assert pod.store.read_bytes(key)
    assert collected(pod.collect()).freed == 1


def test_records_of_an_unknown_kind_end_it_before_anything_is_taken(pod: Collecting) -> None:
    pod.store.put_bytes(b"loose")
    pod.collect()
    pod.wait(GRACE + 1)
    pod.store.write_record("labels/2026.json", {"blob": 1})
    ended = pod.collect()
    assert (ended.code, ended.reason) == (1, "UnknownContent")
    assert "labels/2026.json in the store is of no kind that is known" in ended.message
    assert len(pod.blobs) == 1


def test_changed_manifest_ends_it_before_anything_is_taken(pod: Collecting) -> None:
    model = pod.store.put_json({"model": pod.store.put_bytes(b"\x08onnx")})
    pod.collect()
    pod.wait(GRACE + 1)
    path = pod.stored / NAMESPACE / "blobs/sha256" / model.digest[7:]
    path.write_bytes(path.read_bytes().replace(b"8", b"9"))
    ended = pod.collect(model.digest)
    assert (ended.code, ended.reason) == (1, "DigestMismatch")
    assert len(pod.blobs) == 2


def test_store_of_another_cluster_is_left_alone_until_it_is_taken_over(pod: Collecting) -> None:
    pod.store.put_bytes(b"loose")
    pod.collect()
    pod.wait(GRACE + 1)
    ended = pod.collect(owner="cluster-b")
    assert (ended.code, ended.reason) == (1, "StoreOfAnother")
    assert "annotate configmap modelward-collection modelward.dev/take-over=cluster-a" in ended.message
    taken = collected(pod.collect(owner="cluster-b", take_over="cluster-a"))
    assert (taken.unnamed, taken.freed) == (1, 0)
    assert pod.after_grace(owner="cluster-b").freed == 1
    assert pod.collect().reason == "StoreOfAnother"


def test_empty_store_is_no_error(pod: Collecting) -> None:
    assert collected(pod.collect()).held == 0
