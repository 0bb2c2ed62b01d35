"""A pod to run steps in, and a container of Azure's and a bucket of Google's of the test's own."""

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from clouds.emulators import Cloud, azure, google
from modelward_training import limits
from unit.training.harness import Pod

limits.cap_threads()
# Read when it is imported: what the emulator does not have, gcsfs otherwise waits for.
os.environ["GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT"] = "false"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def on_azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    pytest.importorskip("adlfs", reason="make test-clouds installs it")
    with azure(tmp_path_factory.mktemp("azure")) as cloud:
        yield cloud


@pytest.fixture(scope="session")
def on_google(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    pytest.importorskip("gcsfs", reason="make test-clouds installs it")
    with google(tmp_path_factory.mktemp("google")) as cloud:
        yield cloud


@pytest.fixture(params=["azure", "google"])
def cloud(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    found: Cloud = request.getfixturevalue(f"on_{request.param}")
    for variable, value in found.environment.items():
        monkeypatch.setenv(variable, value)
    return found


@pytest.fixture
def bucket(cloud: Cloud) -> str:
    name = f"bucket-{next(_numbers)}"
    cloud.filesystem().mkdir(name)
    return name


@pytest.fixture
def pod(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Pod:
    monkeypatch.setenv("MODELWARD_TERMINATION_LOG", "")
    return Pod(tmp_path / "pod", capsys)
