"""A folder that the user's image may write to, which may run as another user of the pod's group."""

from pathlib import Path


def shared(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o2775)
