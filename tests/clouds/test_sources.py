"""Sources in Azure's and Google's object stores: read as those of S3 are, and trouble told by its reason."""

import pytest

from clouds.emulators import CONNECTION, Cloud, connection
from modelward_contracts.tasks import SOURCE_VARIABLE
from unit.training.harness import Ended, Pod, ingest_report
from unit.training.sets import things


@pytest.fixture(autouse=True)
def of_the_store_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the store is opened with must not be what a source is read with."""
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "of-the-store")


def read(pod: Pod, patch: pytest.MonkeyPatch, url: str, keys: dict[str, str], local: bool = True) -> Ended:
    for key, value in keys.items():
        patch.setenv(SOURCE_VARIABLE + key, value)
    return pod.ingest(source="url", url=url, secret="reader" if keys else None, local_addresses=local)


def months() -> dict[str, str]:
    header, *rows = things().splitlines()
    return {f"2013-{n:02}.csv": "\n".join([header, *rows[n * 100 : n * 100 + 100]]) + "\n" for n in range(6)}


def put(cloud: Cloud, bucket: str, files: dict[str, str]) -> None:
    cloud.filesystem().pipe({f"{bucket}/2013/{name}": text.encode() for name, text in files.items()})


def test_same_files_of_a_volume_and_of_a_cloud_are_the_same_version(
    pod: Pod, cloud: Cloud, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(cloud, bucket, months())
    for name, text in months().items():
        pod.csv(text, name)
    here = ingest_report(pod.ingest())
    there = ingest_report(read(pod, monkeypatch, f"{cloud.protocol}://{bucket}/2013/*.csv", cloud.secret))
    assert there.manifest == here.manifest


def test_unchanged_files_are_not_read_and_a_changed_one_is(
    pod: Pod, cloud: Cloud, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    files, url = months(), f"{cloud.protocol}://{bucket}/**/2013-*.csv"
    put(cloud, bucket, files)
    first = ingest_report(read(pod, monkeypatch, url, cloud.secret))
    assert read(pod, monkeypatch, url, cloud.secret).reason == "Unchanged"
    put(cloud, bucket, {"2013-05.csv": files["2013-05.csv"].rpartition("x")[0]})
    again = ingest_report(read(pod, monkeypatch, url, cloud.secret, local=True))
    assert (again.source_files, again.manifest == first.manifest) == (6, False)


def test_what_is_not_there_is_told(pod: Pod, cloud: Cloud, bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    put(cloud, bucket, months())
    for path in f"{bucket}/2013/2014-*.csv", f"{bucket}/2013/none.csv", "no-such-bucket/2013/*.csv":
        ended = read(pod, monkeypatch, f"{cloud.protocol}://{path}", cloud.secret)
        assert (ended.code, ended.reason) == (1, "SourceNotFound"), ended
        assert path in ended.message


def test_wrong_key_of_azure_is_denied(pod: Pod, on_azure: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {CONNECTION: on_azure.secret[CONNECTION].replace("AccountKey=E", "AccountKey=F")}
    ended = read(pod, monkeypatch, "az://raw/2013/*.csv", wrong)
    assert ended.reason == "AccessDenied"
    assert "with the keys of the Secret reader" in ended.message


def test_azure_on_this_machine_is_refused_unless_allowed(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = read(pod, monkeypatch, "az://raw/2013/*.csv", {CONNECTION: connection(1)}, local=False)
    assert ended.reason == "AddressRefused"
    assert "127.0.0.1 is a loopback address" in ended.message
