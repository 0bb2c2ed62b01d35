"""A folder that the user's image may write to, which may run as another user of the pod's group."""

import shutil
import tempfile
from pathlib import Path


def shared(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o2775)


def emptied(folder: Path) -> None:
    """What another user's training has left there may not all be ours to delete: it is put aside first."""
    if folder.exists():
        aside = Path(tempfile.mkdtemp(prefix="before-", dir=folder.parent))
        folder.rename(aside / folder.name)
        shutil.rmtree(aside, ignore_errors=True)
    shared(folder)
