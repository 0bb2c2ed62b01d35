"""An ingest that dies at any write to the store, or runs beside another: the next one makes the version that an
undisturbed one makes, and of none there is a part that anybody would take for a whole.
"""

from pathlib import Path
from typing import Any

import pytest

from modelward_contracts.store import Store
from modelward_contracts.tasks import TASK_DIR, TASK_FILE
from modelward_contracts.wire import canonical
from objectstore.kept import Kept

from .harness import Pod, ingest_report, ingest_task
from .sets import things
from .test_process import ended, started

WRITES = ("put_file", "put_json", "write_record")


class Killed(BaseException):
    """As SIGKILL: nothing of the process's own runs afterwards."""


class Counted:
    """Writes to the store; the process dies before one of them."""

    def __init__(self, patch: pytest.MonkeyPatch, at: int | None) -> None:
        self.done = 0
        for name in WRITES:
            patch.setattr(Store, name, self._counting(getattr(Store, name), at))

    def _counting(self, write: Any, at: int | None) -> Any:
        def counted(store: Store, *words: Any) -> Any:
            self.done += 1
            if self.done == at:
                raise Killed
            return write(store, *words)

        return counted


def ingest(pod: Pod) -> str:
    return ingest_report(pod.ingest()).manifest


def fresh(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> Pod:
    pod = Pod(tmp_path / name, capsys)
    pod.csv(things())
    return pod


def test_ingest_killed_before_any_write_is_made_good_by_the_next(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELWARD_TERMINATION_LOG", "")
    whole = fresh(tmp_path, capsys, "whole")
    with monkeypatch.context() as patch:
        counted = Counted(patch, None)
        expected = ingest(whole)
    assert counted.done >= 8
    for at in range(1, counted.done + 1):
        pod = fresh(tmp_path, capsys, f"killed-{at}")
        with monkeypatch.context() as patch:
            Counted(patch, at)
            with pytest.raises(Killed):
                pod.ingest()
        assert ingest(pod) == expected
        assert names(pod) == names(whole)


def names(pod: Pod) -> list[str]:
    """Of everything in the store, blobs by their digests."""
    return sorted(str(path.relative_to(pod.stored)) for path in pod.stored.rglob("*") if path.is_file())


def test_two_ingests_at_once_make_one_version(pod: Pod, kept: Kept) -> None:
    pod.csv(things())
    (pod.paths.at(TASK_DIR) / TASK_FILE).write_bytes(canonical(ingest_task(pod.url)))
    both = [started(pod, "ingest") for _ in range(2)]
    said = [process.communicate(timeout=110)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert ended(pod).reason in ("Ingested", "Unchanged")
    again = ingest_report(pod.ingest())
    assert all(again.manifest.encode() in out for out in said)
    assert pod.store.get_json(again.manifest, type(pod.dataset(pod.ingest()))).rows == again.rows
