"""A source that is looked at again: what is as it was is not read, and what is new is read once."""

import os
from pathlib import Path

import pytest

from modelward_contracts.cache import KeptFiles, files_key, look_key
from modelward_contracts.tasks import PII_SALT, CsvOptions, Expectation
from objectstore import ObjectStore, WebServer

from .harness import Ended, Pod, ingest_report
from .test_remote import Reader, bucket, months, put, read, store

__all__ = ["bucket", "read", "store"]

MORE = "".join(f"y{n:04},{n},,{n},true,AA,BOS,2013-01-01,{n % 2}\n" for n in range(100))


class Months:
    """Six files in a bucket, and how many objects were read since the last time it was asked."""

    def __init__(self, read: Reader, store: ObjectStore, bucket: str) -> None:
        self._read, self._store, self.bucket = read, store, bucket
        self.url = f"s3://{bucket}/2013-*.csv"
        put(store, bucket, months())

    def ingest(self, **fields: object) -> Ended:
        self._store.forget()
        return self._read(self.url, self._store.environment, **fields)

    def read(self) -> list[str]:
        return sorted(each.key for each in self._store.requests("GetObject"))

    def put(self, name: str, text: str) -> None:
        put(self._store, self.bucket, {name: text})

    def remove(self, name: str) -> None:
        self._store.filesystem().rm_file(f"{self.bucket}/{name}")


@pytest.fixture
def source(read: Reader, store: ObjectStore, bucket: str) -> Months:
    return Months(read, store, bucket)


def header() -> str:
    return months()["2013-01.csv"].partition("\n")[0] + "\n"


def test_an_unchanged_source_is_the_same_version_and_no_object_is_read(source: Months) -> None:
    first = ingest_report(source.ingest())
    again = source.ingest()
    assert (again.reason, source.read()) == ("Unchanged", [])
    assert ingest_report(again) == first


def test_of_six_files_and_a_new_one_one_is_read_and_the_version_is_that_of_all(source: Months, pod: Pod) -> None:
    source.ingest()
    source.put("2013-07.csv", header() + MORE)
    ended = source.ingest()
    assert source.read() == ["2013-07.csv"]
    for name, text in (months() | {"2013-07.csv": header() + MORE}).items():
        pod.csv(text, name)
    assert ingest_report(ended).manifest == ingest_report(pod.ingest(path="2013-*.csv")).manifest


def test_a_file_of_the_same_size_and_other_content_is_read(source: Months) -> None:
    first = ingest_report(source.ingest())
    source.put("2013-01.csv", months()["2013-01.csv"].replace(",0\n", ",1\n"))
    second = ingest_report(source.ingest())
    assert source.read() == ["2013-01.csv"]
    assert second.manifest != first.manifest


def test_a_file_that_is_gone_is_forgotten(source: Months, pod: Pod) -> None:
    source.ingest()
    source.remove("2013-05.csv")
    assert ingest_report(source.ingest()).rows == 500
    assert source.read() == []
    record = pod.store.read_record(files_key("things"), KeptFiles)
    assert record
    assert len(record.files) == 5


def test_other_words_about_the_same_files_are_heeded_without_reading_them_again(source: Months) -> None:
    first = source.ingest()
    for fields in (
        {"salt": "other"},
        {"csv": CsvOptions(null_values=["AA"])},
        {"prepare_sql": "SELECT * FROM source WHERE full"},
        {"expectations": [Expectation(min_rows=1000)]},
        {"label": "none"},
    ):
        ended = source.ingest(**fields)
        assert ended.reason != "Unchanged", fields
        assert source.read() == []
    assert ingest_report(source.ingest()) == ingest_report(first)


def test_data_that_grows_old_is_judged_anew_without_being_read(source: Months) -> None:
    expected = {"expectations": [Expectation(fresh="at", max_age="1h")]}
    for _ in range(2):
        ended = source.ingest(**expected)
        assert (ended.reason, ingest_report(ended).failed) == ("Ingested", 1)
    assert source.read() == []


def test_drift_is_measured_again_once_another_version_is_in_use(source: Months) -> None:
    drift = {"expectations": [Expectation(max_drift=0.1)]}
    first = ingest_report(source.ingest()).manifest
    source.put("2013-07.csv", header() + MORE)
    moved = source.ingest(**drift, before=[first])
    assert ingest_report(moved).failed == 1
    assert source.ingest(**drift, before=[first]).reason == "Unchanged"
    assert ingest_report(source.ingest(**drift, before=[ingest_report(moved).manifest, first])).failed == 1
    assert source.ingest(**drift, before=[ingest_report(moved).manifest, first]).reason == "Unchanged"
    accepted = source.ingest(**drift, before=[])
    assert (accepted.reason, ingest_report(accepted).failed, source.read()) == ("Ingested", 0, [])


def test_files_of_an_ingest_that_failed_are_not_fetched_again(source: Months) -> None:
    assert source.ingest(prepare_sql="SELECT nothing FROM source").reason == "InvalidSQL"
    assert len(source.read()) == 6
    assert ingest_report(source.ingest()).rows == 600
    assert source.read() == []


def test_of_a_source_that_broke_off_what_came_is_kept(source: Months, monkeypatch: pytest.MonkeyPatch) -> None:
    from modelward_training.ingest.remote import objects
    from modelward_training.outcome import JobError

    fetch = objects.Objects.fetch

    def but_one(self: objects.Objects, file: object, path: Path) -> None:
        if path.name == "3":
            raise JobError("SourceUnavailable", "gone", True)
        fetch(self, file, path)  # type: ignore[arg-type]

    monkeypatch.setattr(objects.Objects, "fetch", but_one)
    assert source.ingest().reason == "SourceUnavailable"
    there = set(source.read())
    monkeypatch.setattr(objects.Objects, "fetch", fetch)
    assert ingest_report(source.ingest()).rows == 600
    assert set(source.read()) == set(months()) - there


def test_what_the_store_lost_is_fetched_again(source: Months, pod: Pod) -> None:
    first = ingest_report(source.ingest())
    record = pod.store.read_record(files_key("things"), KeptFiles)
    assert record
    lost = next(iter(record.files.values())).data.digest.removeprefix("sha256:")
    blobs = Path(pod.url.removeprefix("file://")) / "demo" / "blobs" / "sha256"
    (blobs / lost).unlink()
    assert ingest_report(source.ingest(salt="other")).rows == 600
    assert len(source.read()) == 1
    (blobs / first.manifest.removeprefix("sha256:")).unlink()
    assert ingest_report(source.ingest()).manifest == first.manifest
    assert (blobs / first.manifest.removeprefix("sha256:")).exists()


def test_a_web_server_is_asked_for_the_head_of_an_unchanged_file(read: Reader, pod: Pod) -> None:
    pod.csv(months()["2013-01.csv"], "a.csv")
    with WebServer(pod.paths.source) as web:
        read(web.url("a.csv"))
        web.requests.clear()
        assert read(web.url("a.csv")).reason == "Unchanged"
        assert [method for method, *_ in web.requests] == ["HEAD"]
        web.tagged = False
        for _ in range(2):
            web.requests.clear()
            assert read(web.url("a.csv")).reason == "Ingested"
            assert [method for method, *_ in web.requests] == ["HEAD", "GET"]


def test_unchanged_files_of_a_volume_are_not_read_and_no_clock_set_back_hides_a_change(pod: Pod) -> None:
    pod.csv(months()["2013-01.csv"], "a.csv")
    first = ingest_report(pod.ingest())
    assert pod.ingest().reason == "Unchanged"
    path = pod.paths.source / "a.csv"
    before = path.stat()
    path.write_text(path.read_text().replace(",0\n", ",1\n", 1))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size
    assert ingest_report(pod.ingest()).manifest != first.manifest


def test_two_datasets_know_nothing_of_each_other(source: Months, pod: Pod) -> None:
    source.ingest()
    assert source.ingest(dataset="others").reason == "Ingested"
    assert len(source.read()) == 6
    assert pod.store.read_record(look_key("others"), dict)


def test_files_with_personal_columns_are_not_kept_and_another_salt_reads_them_anew(
    source: Months, pod: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.ingest()
    monkeypatch.setenv(PII_SALT, "0123456789abcdef")
    pii = {header().split(",")[5]: "Hash"}
    first = ingest_report(source.ingest(pii=pii))
    assert len(source.read()) == 6
    record = pod.store.read_record(files_key("things"), KeptFiles)
    assert record == KeptFiles(files={})
    assert source.ingest(pii=pii).reason == "Unchanged"
    monkeypatch.setenv(PII_SALT, "fedcba9876543210")
    assert ingest_report(source.ingest(pii=pii)).manifest != first.manifest
