"""Locks between processes that the kernel gives back when their holder dies, however it dies."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from localcluster import paths
from localcluster.progress import say


@contextmanager
def held(what: str, shared: bool = False) -> Iterator[None]:
    """Hold the machine-wide lock `what`; tell the user whenever somebody else has it first."""
    kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
    with _file(what) as file:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another process that works on {what}")
            fcntl.flock(file, kind)
        yield


def free(what: str) -> bool:
    """Nobody holds it just now."""
    with _file(what) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _file(what: str) -> TextIO:
    folder = paths.cache() / "locks"
    folder.mkdir(exist_ok=True)
    return (folder / what).open("w")
