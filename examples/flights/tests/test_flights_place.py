"""Where the demo plays, and that it goes again."""

import os
import sys
from pathlib import Path

import pytest

from demo import place
from demo.console import Parts
from demo.place import own_cluster
from localcluster import in_docker, stand_in


@pytest.fixture
def kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Docker and kind stand in: the folder of kind's clusters. No API server answers in them."""
    for name in ("docker", "kind"):
        program = tmp_path / name
        program.write_text(f"#!{sys.executable}\n{Path(stand_in.__file__).read_text()}")
        program.chmod(0o755)
    for variable, value in {"PATH": f"{tmp_path}:{os.environ['PATH']}", "STAND_IN": tmp_path / "engine"}.items():
        monkeypatch.setenv(variable, str(value))
    monkeypatch.setenv("MODELWARD_CACHE", str(tmp_path / "cache"))
    (tmp_path / "engine").mkdir()
    return tmp_path / "engine" / "kind"


def test_cluster_in_docker_goes_though_the_chart_could_not_be_installed(kind: Path) -> None:
    parts = Parts()
    with pytest.raises(SystemExit, match="kubectl"), own_cluster(parts, "kind", keep=False):
        pytest.fail("there is no API server")
    assert list(parts.seconds) == ["images", "cluster", "chart", "clean up"]
    assert not list(kind.iterdir())


def test_cluster_that_was_kept_is_taken_away_by_clean(kind: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "CLUSTER", "none-of-a-demo")  # somebody's may be there
    with pytest.raises(SystemExit, match="kubectl"), own_cluster(Parts(), "kind", keep=True):
        pytest.fail("there is no API server")
    assert [path.name for path in kind.iterdir()] == [in_docker.NAME]
    place.clean()
    assert not list(kind.iterdir())
