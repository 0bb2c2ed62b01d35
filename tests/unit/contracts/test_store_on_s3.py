"""A store in a bucket: what it asks of the server, and what becomes of it when the server, the network or the process
gives way. The server is a real one."""

import hashlib
import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest

from localcluster.progress import wait_for
from modelward_contracts.storage import access, s3
from modelward_contracts.store import Store, StoreDenied, StoreFull, StoreUnavailable
from objectstore import ObjectStore
from objectstore.kept import Kept

LARGE = 5 * s3.PART  # one part more than are sent at once
FIRST_PARTS_ONLY = """
import itertools, pathlib, time
from modelward_contracts import store
from modelward_contracts.storage import s3
numbers, md5 = itertools.count(), s3._md5
s3._md5 = lambda data: md5(data) if next(numbers) < s3.STREAMS else time.sleep(60)
"""
PAST = datetime(2020, 1, 1)  # noqa: DTZ001  as botocore has it


@pytest.fixture
def store(on_s3: Kept) -> Store:
    return Store(on_s3.url, "team-a")


@pytest.fixture
def server(on_s3: Kept) -> ObjectStore:
    assert on_s3.server
    on_s3.server.forget()
    return on_s3.server


@pytest.fixture
def fragile(tmp_path: Path, on_s3: Kept, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    """A server of the test's own, to be stopped."""
    with ObjectStore(tmp_path / "fragile") as server:
        server.bucket("models")
        monkeypatch.setenv(access.ENDPOINT, server.endpoint)
        yield server


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Until it is set, an upload sends its first parts and no other."""
    numbers, go_on, md5 = itertools.count(), threading.Event(), s3._md5

    def waiting(data: bytes) -> bytes:
        if next(numbers) >= s3.STREAMS:
            go_on.wait(60)
        return md5(data)

    monkeypatch.setattr(s3, "_md5", waiting)
    return go_on


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large"
    path.write_bytes(random.Random(7).randbytes(1 << 20) * (LARGE >> 20))
    return path


def asked(server: ObjectStore) -> list[str]:
    return [each.operation for each in server.requests()]


def test_small_blob_takes_one_look_and_one_request(store: Store, server: ObjectStore) -> None:
    blob = store.put_bytes(b"model")
    assert asked(server) == ["HeadObject", "PutObject"]
    server.forget()
    assert store.get_bytes(blob.digest) == b"model"
    assert asked(server) == ["GetObject"]


def test_blob_that_is_there_is_not_sent_again(store: Store, server: ObjectStore, large: Path) -> None:
    store.put_bytes(b"model")
    store.put_file(large)
    server.forget()
    store.put_bytes(b"model")
    store.put_file(large)
    assert asked(server) == ["HeadObject"] * 6  # the blob, that nobody takes it away, the blob


def test_blob_that_was_written_some_minutes_ago_takes_one_look(
    store: Store, server: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put_bytes(b"model")
    monkeypatch.setattr("modelward_contracts.store.GONE", -60.0)
    server.forget()
    store.put_bytes(b"model")
    assert asked(server) == ["HeadObject"]


def test_old_blob_that_is_there_is_made_young_by_the_server_itself(
    store: Store, server: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or, where the server takes no copy onto itself for a new object, by sending it again."""
    store.put_bytes(b"model")
    time.sleep(1)
    monkeypatch.setattr("modelward_contracts.store.YOUNG", -60.0)
    server.forget()
    store.put_bytes(b"model")
    print(asked(server))
    assert "CopyObject" in asked(server)
    assert asked(server)[-2:] == ["HeadObject"] * 2


def test_large_file_goes_in_parts_and_comes_back(
    store: Store, server: ObjectStore, large: Path, tmp_path: Path
) -> None:
    blob = store.put_file(large)
    assert asked(server).count("UploadPart") == -(-LARGE // s3.PART)
    store.get_file(blob.digest, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == large.read_bytes()


def test_what_another_process_writes_is_seen_at_once(store: Store, on_s3: Kept) -> None:
    assert store.read_record("runs/a.json", dict) is None
    assert list(store.list()) == []
    Store(on_s3.url, "team-a").write_record("runs/a.json", {"n": 1})
    assert store.read_record("runs/a.json", dict[str, int]) == {"n": 1}
    assert [each.path for each in store.list()] == ["runs/a.json"]


def test_listing_goes_on_after_the_first_thousand(store: Store, on_s3: Kept) -> None:
    (on_s3.folder / "team-a/runs").mkdir(parents=True)
    for number in range(1005):
        (on_s3.folder / f"team-a/runs/{number}.json").write_text("{}")
    assert len(list(store.list("runs/"))) == 1005


def test_server_away_for_a_while_is_waited_for(fragile: ObjectStore) -> None:
    store = Store("s3://models", "team-a")
    fragile.kill()
    with ThreadPoolExecutor(1) as pool:
        put = pool.submit(store.put_bytes, b"model")
        time.sleep(2)
        assert not put.done()
        fragile.start()
        assert store.get_bytes(put.result().digest) == b"model"


def test_server_that_dies_in_the_middle_of_an_upload_and_comes_back_has_all_of_it(
    fragile: ObjectStore, held: threading.Event, large: Path, tmp_path: Path
) -> None:
    store = Store("s3://models", "team-a")
    with ThreadPoolExecutor(1) as pool:
        put = pool.submit(store.put_file, large)
        wait_for("a part arrives", lambda: "UploadPart" in asked(fragile), 30, "")
        fragile.kill()
        held.set()
        time.sleep(1)
        fragile.start()
        store.get_file(put.result().digest, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == large.read_bytes()


def test_server_that_stays_away_ends_the_upload_with_nothing_registered(
    fragile: ObjectStore, held: threading.Event, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "PATIENCE", 1.0)
    store = Store("s3://models", "team-a")
    with ThreadPoolExecutor(1) as pool:
        put = pool.submit(store.put_file, large)
        wait_for("a part arrives", lambda: "UploadPart" in asked(fragile), 30, "")
        fragile.kill()
        held.set()
        with pytest.raises(StoreUnavailable, match=r"bucket models at http://127.0.0.1:\d+: it cannot be reached"):
            put.result()
    fragile.start()
    assert list(store.list()) == []


def test_upload_that_fails_by_itself_is_aborted(
    store: Store, server: ObjectStore, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = itertools.count()
    monkeypatch.setattr(s3, "_md5", lambda data: hashlib.md5(data if next(numbers) != 2 else b"changed").digest())
    with pytest.raises(StoreUnavailable, match=r"cannot be read or written .*(BadDigest|InvalidDigest)"):
        store.put_file(large)
    assert "AbortMultipartUpload" in asked(server)
    assert list(store.list()) == []
    assert store.clear(time.time() + 60) == 0


def test_upload_whose_process_was_killed_is_not_seen_and_is_cleared(
    store: Store, server: ObjectStore, large: Path, on_s3: Kept
) -> None:
    code = FIRST_PARTS_ONLY + f"store.Store({on_s3.url!r}, 'team-a').put_file(pathlib.Path({str(large)!r}))"
    process = subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": "operator"})
    wait_for("a part arrives", lambda: "UploadPart" in asked(server), 30, "")
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert list(store.list()) == []
    assert store.clear(before=time.time() - 3600) == 0
    assert store.clear(before=time.time() + 60) == 1
    assert store.clear(before=time.time() + 60) == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_server_with_a_full_disk_is_told_and_keeps_nothing_half(
    tmp_path: Path, on_s3: Kept, large: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = tmp_path / "full/data"
    disk.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)], check=True)
    try:
        with ObjectStore(tmp_path / "full") as server:
            monkeypatch.setenv(access.ENDPOINT, server.endpoint)
            (server.data / "models").mkdir()
            store = Store("s3://models", "team-a")
            for put in (lambda: store.put_file(large), lambda: store.put_bytes(bytes(20 << 20))):
                with pytest.raises(StoreFull, match=r"bucket models at .*: it is full: enlarge its quota"):
                    put()
            assert list(store.list()) == []
            assert store.clear(time.time() + 60) == 0
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_what_some_tools_put_there_for_a_folder_is_nothing(store: Store) -> None:
    store._place.write("runs/", b"")
    store.write_record("runs/a.json", {})
    assert [each.path for each in store.list()] == ["runs/a.json"]


def test_wrong_secret_key_is_named_and_not_shown(on_s3: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wr0ng-one")
    for attempt in (
        lambda s: s.put_bytes(b"x"),
        lambda s: s.read_record("runs/a.json", dict),
        lambda s: list(s.list()),
    ):
        with pytest.raises(
            StoreDenied, match=r"bucket models-\d+ at http://.*: the credentials are wrong: correct"
        ) as said:
            attempt(Store(on_s3.url, "team-a"))
        assert "wr0ng-one" not in str(said.value)


def test_unknown_access_key_is_told(on_s3: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    with pytest.raises(StoreDenied, match=r"the credentials are wrong: correct AWS_ACCESS_KEY_ID"):
        Store(on_s3.url, "team-a").put_bytes(b"x")


def test_no_credentials_are_told_with_what_to_do(on_s3: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in access.SECRETS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    with pytest.raises(StoreDenied, match=r"there are no credentials: put AWS_ACCESS_KEY_ID .* service account"):
        Store(on_s3.url, "team-a").put_bytes(b"x")


def test_bucket_that_is_not_there_is_named(on_s3: Kept) -> None:
    store = Store("s3://nowhere/store", "team-a")
    with pytest.raises(StoreDenied, match=r"bucket nowhere at http://.*: there is no such bucket: create it"):
        store.put_bytes(b"x")
    with pytest.raises(StoreDenied, match="there is no such bucket"):
        store.read_record("runs/a.json", dict)


def test_endpoint_that_nobody_listens_at_is_named(on_s3: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "PATIENCE", 0.5)
    monkeypatch.setenv(access.ENDPOINT, "http://127.0.0.1:9")
    with pytest.raises(StoreUnavailable, match=r"at http://127.0.0.1:9: it cannot be reached") as said:
        Store(on_s3.url, "team-a").put_bytes(b"x")
    assert not isinstance(said.value, StoreDenied)


def test_clock_that_is_wrong_is_told(on_s3: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.compat.get_current_datetime", lambda **_: PAST, raising=True)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda **_: PAST, raising=True)
    with pytest.raises(StoreUnavailable, match="clock"):
        Store(on_s3.url, "team-a").put_bytes(b"x")


def test_certificate_of_ones_own_is_trusted_when_given(
    tmp_path: Path, on_s3: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = tmp_path / "server.crt"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=s3"
    files = ["-addext", "subjectAltName=IP:127.0.0.1", "-out", certificate, "-keyout", certificate.with_suffix(".key")]
    subprocess.run([*command.split(), *map(str, files)], check=True, capture_output=True)
    with ObjectStore(tmp_path / "tls", certificate) as server:
        monkeypatch.setenv(access.ENDPOINT, server.endpoint)
        with pytest.raises(StoreDenied, match=r"at https://.*: its certificate is not trusted: put .* AWS_CA_BUNDLE"):
            Store("s3://models", "team-a").put_bytes(b"x")
        monkeypatch.setenv(access.BUNDLE, certificate.read_text())
        with pytest.raises(StoreDenied, match="there is no such bucket"):
            Store("s3://models", "team-a").put_bytes(b"x")
