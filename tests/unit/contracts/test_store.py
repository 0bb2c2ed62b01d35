"""The store: what goes in comes out byte by byte, or a typed error says why not."""

import errno
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
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
from objectstore.kept import Kept


@pytest.fixture
def store(kept: Kept) -> Store:
    return Store(kept.url, "team-a")


def blob_path(digest: str) -> str:
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_bytes_put_come_back_by_digest(store: Store, kept: Kept) -> None:
    blob = store.put_bytes(b"model")
    assert blob == Blob(digest=sha256(b"model"), bytes=5)
    assert store.get_bytes(blob.digest) == b"model"
    assert files(kept.folder) == [f"team-a/blobs/sha256/{blob.digest[7:]}"]


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
    store._place.write(blob_path(blob.digest), b"m0del")
    with pytest.raises(DigestMismatch, match="were changed"):
        store.get_bytes(blob.digest)
    with pytest.raises(DigestMismatch):
        store.get_file(blob.digest, tmp_path / "out/model.onnx")
    assert files(tmp_path / "out") == []


def test_tampered_blob_put_again_is_healed(store: Store) -> None:
    blob = store.put_bytes(b"model")
    store._place.write(blob_path(blob.digest), b"m0del")
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


def test_namespaces_see_only_their_own(store: Store, kept: Kept) -> None:
    blob = store.put_bytes(b"model")
    with pytest.raises(BlobMissing):
        Store(kept.url, "team-b").get_bytes(blob.digest)


def test_record_is_none_until_written_and_replaced_whole(store: Store, kept: Kept) -> None:
    assert store.read_record("runs/a.json", dict) is None
    store.write_record("runs/a.json", {"n": 1})
    store.write_record("runs/a.json", {"n": 2})
    assert store.read_record("runs/a.json", dict[str, int]) == {"n": 2}
    assert files(kept.folder) == ["team-a/runs/a.json"]


def test_record_is_updated_from_what_is_there_and_left_alone_on_none(store: Store) -> None:
    store.update_record("runs/a.json", dict[str, int], lambda known: {"n": 1} if known is None else None)
    store.update_record("runs/a.json", dict[str, int], lambda known: {"n": known["n"] + 1} if known else None)
    store.update_record("runs/a.json", dict[str, int], lambda _: None)
    assert store.read_record("runs/a.json", dict[str, int]) == {"n": 2}


def test_record_written_meanwhile_is_read_again(store: Store) -> None:
    store.write_record("runs/a.json", {"n": 1})
    seen = []

    def late(known: dict[str, int] | None) -> dict[str, int]:
        assert known
        seen.append(known["n"])
        if len(seen) == 1:
            store.write_record("runs/a.json", {"n": 10})
        return {"n": known["n"] + 1}

    store.update_record("runs/a.json", dict[str, int], late)
    assert seen == [1, 10]
    assert store.read_record("runs/a.json", dict[str, int]) == {"n": 11}


def test_many_who_update_one_record_lose_none(store: Store) -> None:
    def add(number: int) -> None:
        store.update_record("runs/all.json", list[int], lambda known: [*(known or []), number])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(8)))
    assert sorted(store.read_record("runs/all.json", list[int]) or []) == list(range(8))


def test_writers_of_the_same_content_agree(store: Store, tmp_path: Path) -> None:
    source = tmp_path / "data.parquet"
    source.write_bytes(random.Random(1).randbytes(1 << 20) * 40)
    with ThreadPoolExecutor(3) as pool:
        blobs = set(pool.map(lambda _: store.put_file(source), range(3)))
    assert len(blobs) == 1
    store.get_file(blobs.pop().digest, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == source.read_bytes()


def test_empty_blob_comes_back(store: Store) -> None:
    assert store.get_bytes(store.put_bytes(b"").digest) == b""


def test_list_tells_what_is_there_below_a_prefix(store: Store) -> None:
    blob = store.put_bytes(b"model")
    store.write_record("runs/a.json", {"n": 1})
    now = time.time()
    found = {each.path: each for each in store.list()}
    assert set(found) == {blob_path(blob.digest), "runs/a.json"}
    assert (found[blob_path(blob.digest)].size, found["runs/a.json"].size) == (5, 7)
    assert all(abs(each.written - now) < 5 for each in found.values())
    assert [each.path for each in store.list("runs/")] == ["runs/a.json"]
    assert list(Store(store.url, "team-b").list()) == []


def test_blob_is_taken_away_only_if_it_is_old(store: Store) -> None:
    blob = store.put_bytes(b"model")
    assert store.take_away(blob.digest, before=time.time() - 60) == 0
    assert store.get_bytes(blob.digest) == b"model"
    assert store.take_away(blob.digest, before=time.time() + 60) == 5
    assert store.take_away(blob.digest, before=time.time() + 60) == 0
    assert list(store.list()) == []


def test_blob_put_again_is_young_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    blob = store.put_bytes(b"model")
    time.sleep(3)
    before = time.time()
    store.put_bytes(b"model")
    assert next(store.list()).written < before - 1  # S3 tells whole seconds
    monkeypatch.setattr("modelward_contracts.store.YOUNG", -60.0)
    store.put_bytes(b"model")
    assert next(store.list()).written > before - 1
    assert store.get_bytes(blob.digest) == b"model"


def test_blob_about_to_be_taken_away_is_written_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worst moment: it is seen as old, then put again, and then deleted."""
    blob, remove = store.put_bytes(b"model"), store._place.remove
    other = Store(store.url, "team-a")
    monkeypatch.setattr("modelward_contracts.store.YOUNG", -60.0)

    def late(path: str) -> None:
        if path == blob_path(blob.digest):
            writer.start()
            time.sleep(1.0)
        remove(path)

    writer = threading.Thread(target=lambda: other.put_bytes(b"model"))
    monkeypatch.setattr(store._place, "remove", late)
    assert store.take_away(blob.digest, before=time.time() + 60) == 5
    writer.join()
    assert store.get_bytes(blob.digest) == b"model"


def test_write_that_dies_half_way_leaves_nothing(on_disk: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*_: Any) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr("os.fsync", dies)
    with pytest.raises(StoreUnavailable, match="killed"):
        Store(on_disk.url, "team-a").write_record("runs/a.json", {"n": 1})
    assert files(on_disk.folder) == []


def test_full_volume_raises_store_full(on_disk: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreFull, match="is full: enlarge its volume"):
        Store(on_disk.url, "team-a").put_bytes(b"model")


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
