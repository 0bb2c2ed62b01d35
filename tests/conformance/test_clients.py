"""Other projects' clients, unmodified, each in an environment of its own beside the checkout's."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.serving.environments import environment
from unit.serving.models import bare, columns
from unit.serving.processes import Running, serving

CLIENTS = Path(__file__).parent / "clients"
TRITON_AND_KSERVE = ("tritonclient[http]==2.73.0", "kserve==0.21.0")
MLSERVER = ("mlserver==1.7.1", "uvloop<0.22", "pandas<3", "requests")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Running]:
    with serving(bare(tmp_path / "m", columns())) as running:
        yield running


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("script", "requirements"),
    [
        ("triton.py", TRITON_AND_KSERVE),
        ("kserve_rest.py", TRITON_AND_KSERVE),
        ("mlserver_codecs.py", MLSERVER),
    ],
)
def test_client_works_unmodified(server: Running, script: str, requirements: tuple[str, ...]) -> None:
    command = [str(environment(requirements)), str(CLIENTS / script), f"127.0.0.1:{server.port}"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
