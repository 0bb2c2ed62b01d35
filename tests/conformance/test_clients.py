"""Other projects' clients, unmodified, each in an environment of its own beside the checkout's."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from unit.serving.models import bare, columns
from unit.serving.processes import Running, serving

CLIENTS = Path(__file__).parent / "clients"
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "modelward" / "conformance"
TRITON_AND_KSERVE = ("tritonclient[http]==2.73.0", "kserve==0.21.0")
MLSERVER = ("mlserver==1.7.1", "uvloop<0.22", "pandas<3", "requests")


def environment(requirements: tuple[str, ...]) -> Path:
    """The Python of an environment with these packages, made once."""
    key = hashlib.sha256(repr((sys.version_info[:2], requirements)).encode()).hexdigest()[:16]
    folder = CACHE / key
    if not (folder / "complete").exists():
        python = str(folder / "bin" / "python")
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        # uv resolves kserve's many requirements in seconds, pip in minutes.
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv"], check=True)
        subprocess.run([python, "-m", "uv", "pip", "install", "--quiet", "--python", python, *requirements], check=True)
        (folder / "complete").touch()
    return folder / "bin" / "python"


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
