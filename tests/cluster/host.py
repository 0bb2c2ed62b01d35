"""Servers of this machine, as pods of the node reach them."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from localcluster.progress import wait_for

from .world import connects


@contextmanager
def reachable(host: str, port: int) -> Iterator[None]:
    """What listens on loopback alone, at the same port of `host`."""
    relay = subprocess.Popen(["socat", f"TCP-LISTEN:{port},bind={host},fork,reuseaddr", f"TCP:127.0.0.1:{port}"])
    try:
        wait_for("the relay listens", lambda: connects(host, port), 10, "is socat there?")
        yield
    finally:
        relay.terminate()
        relay.wait(10)
