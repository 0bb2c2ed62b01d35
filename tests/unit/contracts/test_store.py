"""The store: what goes in comes out byte by byte, or a typed error says why not."""

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelward_contracts.manifests import Blob
from modelward_contracts.store import (
    BlobMissing,
    DigestMismatch,
    Store,
    StoreError,
    StoreFull,
    StoreUnavailable,
)
from modelward_contracts.wire import canonical, sha256


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(f"file://{tmp_path}/store", "team-a")


def blob_path(tmp_path: Path, digest: str) -> Path:
    return tmp_path / "store/team-a/blobs/sha256" / digest.removeprefix("sha256:")


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_bytes_put_come_back_by_digest(store: Store, tmp_path: Path) -> None:
    blob = store.put_bytes(b"model")
    assert blob == Blob(digest=sha256(b"model"), bytes=5)
    assert store.get_bytes(blob.digest) == b"model"
    assert files(tmp_path / "store") == [f"team-a/blobs/sha256/{blob.digest[7:]}"]


def test_file_put_comes_back_as_file(store: Store, tmp_path: Path) -> None:
    source = tmp_path / "model.onnx"
    source.write_bytes(bytes(range(256)) * 20_000)
    blob = store.put_file(source)
    store.get_file(blob.digest, tmp_path / "deep/er/copy.onnx")
    assert (tmp_path / "deep/er/copy.onnx").read_bytes() == source.read_bytes()
    assert files(tmp_path / "deep") == ["er/copy.onnx"]


def test_json_is_stored_canonically_and_read_as_its_shape(store: Store) -> None:
    value = Blob(digest="sha256:" + "0" * 64, bytes=7)
    blob = store.put_json(value)
    assert blob.digest == sha256(canonical(value))
    assert store.get_json(blob.digest, Blob) == value


def test_json_of_another_shape_is_named(store: Store) -> None:
    blob = store.put_json({"unrelated": 1})
    with pytest.raises(StoreError, match=r"is not a Blob: .*digest"):
        store.get_json(blob.digest, Blob)


def test_tampered_bytes_raise_digest_mismatch_and_leave_no_file(store: Store, tmp_path: Path) -> None:
    blob = store.put_bytes(b"model")
    blob_path(tmp_path, blob.digest).write_bytes(b"m0del")
    with pytest.raises(DigestMismatch, match="were changed"):
        store.get_bytes(blob.digest)
    with pytest.raises(DigestMismatch):
        store.get_file(blob.digest, tmp_path / "out/model.onnx")
    assert files(tmp_path / "out") == []


def test_tampered_blob_put_again_is_healed(store: Store, tmp_path: Path) -> None:
    blob = store.put_bytes(b"model")
    blob_path(tmp_path, blob.digest).write_bytes(b"m0del")
    store.put_bytes(b"model")
    assert store.get_bytes(blob.digest) == b"model"


def test_missing_blob_says_which_and_where(store: Store) -> None:
    with pytest.raises(BlobMissing, match=r"store.* holds no blob sha256:aaaa.* for team-a"):
        store.get_bytes("sha256:" + "a" * 64)


def test_blob_over_the_limit_is_refused(store: Store) -> None:
    blob = store.put_bytes(b"x" * 100)
    with pytest.raises(StoreError, match="larger than the 99 bytes"):
        store.get_bytes(blob.digest, limit=99)


@pytest.mark.parametrize("digest", ["sha256:../../other", "md5:" + "a" * 64, "sha256:" + "A" * 64, ""])
def test_malformed_digest_is_refused(store: Store, digest: str) -> None:
    with pytest.raises(StoreError, match="is not a digest"):
        store.get_bytes(digest)


@pytest.mark.parametrize("key", ["../runs/x.json", "runs//x", "/etc/passwd", "runs/..", ""])
def test_record_key_outside_the_namespace_is_refused(store: Store, key: str) -> None:
    with pytest.raises(StoreError, match="no part of a name"):
        store.write_record(key, {})


def test_namespaces_see_only_their_own(store: Store, tmp_path: Path) -> None:
    blob = store.put_bytes(b"model")
    with pytest.raises(BlobMissing):
        Store(f"file://{tmp_path}/store", "team-b").get_bytes(blob.digest)


def test_record_is_none_until_written_and_replaced_whole(store: Store, tmp_path: Path) -> None:
    assert store.read_record("runs/a.json", dict) is None
    store.write_record("runs/a.json", {"n": 1})
    store.write_record("runs/a.json", {"n": 2})
    assert store.read_record("runs/a.json", dict[str, int]) == {"n": 2}
    assert files(tmp_path / "store") == ["team-a/runs/a.json"]


def test_write_that_dies_half_way_leaves_nothing(store: Store, tmp_path: Path) -> None:
    def dies() -> Iterator[bytes]:
        yield b"half"
        raise RuntimeError("killed")

    with pytest.raises(StoreUnavailable, match="killed"):
        store._write(store._record("runs/a.json"), dies())
    assert files(tmp_path / "store") == []


def test_full_volume_raises_store_full(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreFull, match="is full: enlarge its volume"):
        store.put_bytes(b"model")


def test_store_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(StoreUnavailable, match="writing to the store"):
        Store(f"file://{tmp_path}/file", "team-a").put_bytes(b"x")


def test_unknown_scheme_is_unavailable_with_its_name() -> None:
    with pytest.raises(StoreUnavailable, match="nosuch"):
        Store("nosuch://bucket", "team-a")


def test_other_filesystems_work_alike() -> None:
    store = Store("memory://bucket/models", "team-a")
    blob = store.put_bytes(b"model")
    assert store.get_bytes(blob.digest) == b"model"
    assert store.read_record("runs/none.json", dict) is None
