"""Several processes behind one port: who forks them, who ends them, and what they know of each other.

The first process is the lead: it proves and measures the model, serves like the others, and holds the admin port. It
forks the others when everything is imported, and before there is an event loop, a thread or a session: so a fork is
safe and shares its memory. They wait until the lead found that they are worth it. Each loads the model for itself,
because an onnxruntime session does not survive a fork.

A worker that dies takes the server with it: the others drain, and the exit code is the dead one's. A worker started
again in silence would hide a crashing model from everyone who watches the container's restarts, the operator included,
and would make counters go back.
"""

import gc
import logging
import mmap
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from modelward_serving.scoring.cells import Cells

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Post:
    """A worker's place among the others."""

    lead: bool
    links: list[socket.socket]
    """The lead's, one to each of the others; another's, one to the lead. They end with the process at their end."""
    shared: Cells
    """Counters that all workers see (scoring.cells)."""
    pids: list[int] = field(default_factory=list)
    """Of the others that live; the lead's."""

    def call(self) -> None:
        """The others are to load the model and serve."""
        for link in self.links:
            link.sendall(b"\n")

    def dismiss(self) -> int:
        """Waits for the others, those that were never called included. The first exit code that is not 0."""
        for link in self.links:
            link.close()
        return self.reap()

    def reap(self, options: int = 0) -> int:
        code = 0
        for pid in list(self.pids):
            ended, status = os.waitpid(pid, options)
            if ended:
                self.pids.remove(pid)
                exited = os.waitstatus_to_exitcode(status)
                code = code or (exited if exited >= 0 else 128 - exited)
        return code

    def signal(self, number: int) -> None:
        for pid in self.pids:
            with suppress(ProcessLookupError):
                os.kill(pid, number)


def fork_others(workers: int, run: Callable[[Post], int]) -> Post:
    """Returns in the lead only."""
    pairs = [socket.socketpair() for _ in range(workers - 1)]
    post = Post(True, [ours for ours, _ in pairs], memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("q"))
    gc.collect()
    gc.freeze()  # the collector would write to every page, and unshare it
    for _, theirs in pairs:
        pid = os.fork()
        if not pid:
            # What ends with a process must be open in that process only.
            for ours, other in pairs:
                ours.close()
                if other is not theirs:
                    other.close()
            _wait_and_run(run, Post(False, [theirs], post.shared))
        post.pids.append(pid)
    for _, theirs in pairs:
        theirs.close()
    return post


def _wait_and_run(run: Callable[[Post], int], post: Post) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    code = 1
    try:
        code = run(post) if post.links[0].recv(1) else 0
    except BaseException:
        log.exception("a worker failed")
    finally:
        sys.stderr.flush()
        os._exit(code)
