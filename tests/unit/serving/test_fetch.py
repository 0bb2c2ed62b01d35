"""The init step: a proven folder, or a refusal that says why."""

import json
from pathlib import Path

import pytest

from modelward_contracts.store import Store
from modelward_contracts.verdicts import StoredService, StoredVerdict, served_key, verdict_key
from modelward_serving.fetch import main
from objectstore.kept import Kept

from .models import published


@pytest.fixture
def termination(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "termination"
    monkeypatch.setenv("MODELWARD_TERMINATION_LOG", str(path))
    return path


@pytest.fixture
def stored(tmp_path: Path, kept: Kept) -> tuple[Store, str]:
    """A store that holds a model, and its manifest's digest."""
    folder, digest = published(tmp_path / "source")
    store = Store(kept.url, "ns")
    for path in folder.iterdir():
        store.put_bytes(path.read_bytes())
    return store, digest


def fetch(store: Store, digest: str, folder: Path, retry: int = 0) -> int:
    options = {
        "store": store.url,
        "namespace": "ns",
        "manifest": digest,
        "to": folder,
        "deployment": "d",
        "revision": "r1",
    }
    return main(
        [part for name, value in options.items() for part in (f"--{name}", str(value))] + ["--retry", str(retry)]
    )


def reject(store: Store, retry: int) -> None:
    verdict = StoredVerdict(
        deployment="d",
        revision="r1",
        retry=retry,
        reason="Errors",
        message="bad",
        model="m",
        decided="2026-01-01T00:00:00Z",
    )
    store.write_record(verdict_key("d", "r1"), verdict)


def record_service(store: Store, revision: str) -> None:
    service = StoredService(
        revision=revision,
        since="2026-01-01T00:00:00Z",
        serving={"image": "registry.example.com/team/scoring@sha256:" + "2" * 64, "digest": "sha256:" + "1" * 64},
    )
    store.write_record(served_key("d"), service)


def test_all_files_arrive_as_they_were_published(stored: tuple[Store, str], tmp_path: Path) -> None:
    assert fetch(*stored, tmp_path / "model") == 0
    for path in (tmp_path / "source").iterdir():
        assert (tmp_path / "model" / path.name).read_bytes() == path.read_bytes()


def test_rejected_revision_is_refused_until_a_larger_retry(
    stored: tuple[Store, str], tmp_path: Path, termination: Path
) -> None:
    reject(stored[0], retry=1)
    assert fetch(*stored, tmp_path / "model", retry=1) == 3
    said = json.loads(termination.read_bytes())
    assert said["reason"] == "RejectedRevision"
    assert "rollout.retry to 2" in said["message"]
    assert fetch(*stored, tmp_path / "model", retry=2) == 0


@pytest.mark.parametrize("rejected", [False, True])
def test_what_was_in_service_is_told(
    stored: tuple[Store, str], tmp_path: Path, termination: Path, rejected: bool
) -> None:
    record_service(stored[0], "r0")
    if rejected:
        reject(stored[0], retry=0)
    assert fetch(*stored, tmp_path / "model") == (3 if rejected else 0)
    said = json.loads(termination.read_bytes())
    assert said["result"] == ("Failed" if rejected else "Succeeded")
    assert said["serving"]["revision"] == "r0"
    assert len(termination.read_bytes()) <= 1024


def test_revision_that_was_in_service_itself_says_nothing(
    stored: tuple[Store, str], tmp_path: Path, termination: Path
) -> None:
    record_service(stored[0], "r1")
    assert fetch(*stored, tmp_path / "model") == 0
    assert not termination.exists()


def test_changed_bytes_are_an_error_that_is_not_retried(
    stored: tuple[Store, str], kept: Kept, tmp_path: Path, termination: Path
) -> None:
    for blob in (kept.folder / "ns" / "blobs" / "sha256").iterdir():
        if blob.stat().st_size < 400:
            blob.write_bytes(blob.read_bytes() + b" ")
    assert fetch(*stored, tmp_path / "model") == 1
    assert json.loads(termination.read_bytes())["reason"] == "DigestMismatch"


def test_missing_model_is_an_error_that_is_not_retried(
    stored: tuple[Store, str], tmp_path: Path, termination: Path
) -> None:
    assert fetch(stored[0], "sha256:" + "5" * 64, tmp_path / "model") == 1
    assert json.loads(termination.read_bytes())["reason"] == "BlobMissing"


def test_unreachable_store_is_retried(on_disk: Kept, tmp_path: Path, termination: Path) -> None:
    on_disk.folder.write_text("a file where the store was")
    assert fetch(Store(on_disk.url, "ns"), "sha256:" + "5" * 64, tmp_path / "model") == 75
    assert json.loads(termination.read_bytes())["retryable"] is True


def test_store_with_a_wrong_password_is_named_and_asked_again(
    on_s3: Kept, tmp_path: Path, termination: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wr0ng")
    assert fetch(Store(on_s3.url, "ns"), "sha256:" + "5" * 64, tmp_path / "model") == 75
    said = json.loads(termination.read_bytes())
    assert (said["reason"], said["retryable"]) == ("StoreDenied", True)
    assert "the credentials are wrong" in said["message"]
