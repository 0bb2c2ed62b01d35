"""The store in Azure's and Google's object stores, through fsspec: the same versions, and collection."""

import pytest

from clouds.emulators import Cloud
from modelward_contracts.store import BlobMissing, DigestMismatch, Store
from modelward_contracts.wire import sha256
from unit.training.harness import Pod, ingest_report
from unit.training.sets import things


@pytest.fixture
def url(cloud: Cloud, bucket: str) -> str:
    return f"{cloud.protocol}://{bucket}/store"


def test_same_version_as_on_a_volume(pod: Pod, url: str) -> None:
    pod.csv(things())
    here = ingest_report(pod.ingest())
    there = ingest_report(pod.ingest(store=url))
    assert there.manifest == here.manifest
    assert pod.ingest(store=url).reason == "Unchanged"


def test_blob_is_read_back_and_a_changed_one_is_refused(
    cloud: Cloud, url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    store, folder = Store(url, "shop"), tmp_path_factory.mktemp("blob")
    (folder / "in").write_bytes(b"content" * 1000)
    blob = store.put_file(folder / "in")
    store.get_file(blob.digest, folder / "out")
    assert (folder / "out").read_bytes() == b"content" * 1000
    with pytest.raises(BlobMissing):
        store.get_file(sha256(b"never"), folder / "out")
    (name,) = [name for name in cloud.filesystem().find(url.partition("://")[2]) if name.endswith(blob.digest[7:])]
    cloud.filesystem().pipe_file(name, b"other bytes")
    with pytest.raises(DigestMismatch):
        store.get_file(blob.digest, folder / "out")
