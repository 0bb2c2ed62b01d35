"""A virtual environment for each foreign server or client: their requirements exclude one another."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "modelward" / "bench"


def environment(requirements: tuple[str, ...]) -> Path:
    """The Python of an environment with these packages, made once; the checkout's own without any."""
    if not requirements:
        return Path(sys.executable)
    key = hashlib.sha256(repr((sys.version_info[:2], requirements)).encode()).hexdigest()[:16]
    folder = CACHE / key
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        print(f"installing {requirements[0]} …", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        # uv resolves the larger servers' many requirements in seconds, pip in minutes.
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv"]
        subprocess.run(pip, check=True)
        install = [str(python), "-m", "uv", "pip", "install", "--quiet", "--python", str(python), *requirements]
        subprocess.run(install, check=True)
        (folder / "complete").touch()
    return python
