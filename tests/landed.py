"""The last landed state of this repository: what people upgrade from."""

import os
import subprocess
from functools import cache
from pathlib import Path
from shutil import rmtree

import pytest

from localcluster import locks, paths

COMMIT = (paths.REPOSITORY / "tests/cluster/upgrade_from").read_text().strip()


@cache
def repository() -> Path:
    """Its files, as `git archive` gives them, in the cache. Who asks is skipped where git does not have them."""
    folder = paths.cache() / "landed" / COMMIT
    with locks.held(f"landed-{COMMIT}"):
        if not folder.exists():
            _extract(folder)
    return folder


def _extract(folder: Path) -> None:
    git = ["git", "-C", str(paths.REPOSITORY)]
    if subprocess.run([*git, "cat-file", "-e", f"{COMMIT}^{{commit}}"], capture_output=True).returncode:
        pytest.skip(
            f"there is nothing to upgrade from: commit {COMMIT} (tests/cluster/upgrade_from) is not in this clone's "
            "history; a shallow one gets it by `git fetch --unshallow`"
        )
    scratch = folder.with_name(f".{COMMIT}.{os.getpid()}")
    rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    archive = subprocess.run([*git, "archive", COMMIT], capture_output=True, check=True).stdout
    subprocess.run(["tar", "--extract", f"--directory={scratch}"], input=archive, check=True)
    scratch.rename(folder)
