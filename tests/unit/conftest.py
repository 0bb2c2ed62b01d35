"""Places to keep a store in: a folder, and a real S3 server on this machine."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelward_contracts.storage import access
from objectstore import ObjectStore
from objectstore.kept import Kept

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def object_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    with ObjectStore(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def on_s3(object_store: ObjectStore, monkeypatch: pytest.MonkeyPatch) -> Kept:
    """A bucket of the test's own, and the environment that our containers have."""
    name = f"models-{next(_numbers)}"
    folder = object_store.data / name
    folder.mkdir()
    for variable, value in object_store.environment.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv(access.ENDPOINT, object_store.endpoint)
    return Kept(f"s3://{name}/store", folder / "store", object_store)


@pytest.fixture
def on_disk(tmp_path: Path) -> Kept:
    return Kept(f"file://{tmp_path}/store", tmp_path / "store")


@pytest.fixture(params=["disk", "s3"])
def kept(request: pytest.FixtureRequest) -> Kept:
    found: Kept = request.getfixturevalue(f"on_{request.param}")
    return found
