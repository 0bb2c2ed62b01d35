"""Servers that several tests share; each test that changes one starts its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from .models import published
from .processes import Operator, Running, serving


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path / "traffic")


@pytest.fixture
def stable(tmp_path: Path, operator: Operator) -> Iterator[Running]:
    folder, digest = published(tmp_path / "stable")
    with serving(folder, "--digest", digest, "--traffic-dir", str(operator.folder)) as server:
        yield server


@pytest.fixture
def second(tmp_path: Path) -> Iterator[Running]:
    """A healthy server of revision r2 whose answers are twice the stable's."""
    folder, digest = published(tmp_path / "second", scale=2.0)
    with serving(folder, "--digest", digest, revision="r2") as server:
        yield server
