"""A pod to run steps in; and breast cancer, trained once for all tests that only look at the result."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelward_training import limits
from objectstore.kept import Kept
from postgresql import Server, server

from .database import THINGS, Database
from .harness import Ended, Pod, ingest_report, train_task
from .sets import breast_cancer

limits.cap_threads()


@pytest.fixture
def pod(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    store_of_test: Kept | None,
) -> Pod:
    monkeypatch.setenv("MODELWARD_TERMINATION_LOG", "")
    return Pod(tmp_path / "pod", capsys, store_of_test)


@pytest.fixture
def store_of_test(request: pytest.FixtureRequest) -> Kept | None:
    """On disk and on S3 where the test uses `kept`; on S3 always, where the whole run is to be; else beside the pod."""
    asked = [name for name in ("kept", "on_disk") if name in request.fixturenames]
    if not asked and os.environ.get("MODELWARD_TEST_STORE") == "s3":
        asked = ["on_s3"]
    return request.getfixturevalue(asked[0]) if asked else None


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    with server() as running:
        running.psql(*THINGS.split(";"))
        yield running


@pytest.fixture
def database(tmp_path: Path, capsys: pytest.CaptureFixture[str], postgresql: Server) -> Database:
    database = Database(tmp_path / "pod", capsys)
    database.server = postgresql
    return database


class Silent:
    """Stands in for capsys, which no session fixture can use."""

    def __init__(self) -> None:
        import contextlib
        import io

        self._out = io.StringIO()
        self._redirect = contextlib.redirect_stdout(self._out)
        self._redirect.__enter__()

    def readouterr(self) -> "Silent":
        self.out = self._out.getvalue()
        self._out.seek(0)
        self._out.truncate()
        return self

    def close(self) -> None:
        self._redirect.__exit__(None, None, None)


@pytest.fixture(scope="session")
def trained_folder(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A pod after fetch and train on breast cancer, and the dataset's digest."""
    root, silent = tmp_path_factory.mktemp("trained") / "pod", Silent()
    try:
        pod = Pod(root, silent)
        pod.csv(breast_cancer())
        digest = ingest_report(pod.ingest(label="diagnosis", id=None)).manifest
        for step in ("fetch", "train"):
            ended = pod.step(step, train_task(pod.url, digest))
            assert ended.code == 0, ended
    finally:
        silent.close()
    return root, digest


class Trained(Pod):
    """A pod in which train has ended."""

    digest: str

    def publish(self, **fields: object) -> Ended:
        return self.step("publish", train_task(self.url, self.digest, **fields))


@pytest.fixture
def trained(
    trained_folder: tuple[Path, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    store_of_test: Kept | None,
) -> Trained:
    source, digest = trained_folder
    pod = Trained(tmp_path / "pod", capsys, store_of_test)
    shutil.copytree(source, pod.root, dirs_exist_ok=True)
    if not pod.stored.exists():
        (pod.root / "store").rename(pod.stored)
    pod.digest = digest
    return pod
