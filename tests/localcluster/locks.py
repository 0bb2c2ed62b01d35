"""Locks between processes that the kernel gives back when their holder dies, however it dies."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from localcluster import paths
from localcluster.progress import say


@contextmanager
def held(what: str) -> Iterator[None]:
    """Hold the machine-wide lock `what`; tell the user whenever somebody else has it first."""
    folder = paths.cache() / "locks"
    folder.mkdir(exist_ok=True)
    with (folder / what).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another process that works on {what}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
