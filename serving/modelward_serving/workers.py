"""Several processes behind one port: who forks them, who ends them, and what they know of each other.

The first process imports everything, forks, and from then on only waits: it has no event loop, no threads and no model,
so a fork of it is safe and shares its memory. Its first child, the lead, proves and measures the model and holds the
admin port; the others are forked when the lead found that they are worth it. Each loads the model for itself, because
an onnxruntime session does not survive a fork.

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
from dataclasses import dataclass

from .traffic.breaker import Cells

log = logging.getLogger(__name__)
FORK_OTHERS = signal.SIGUSR1
_HANDLED = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, FORK_OTHERS}


@dataclass(frozen=True, slots=True)
class Post:
    """A worker's place among the others."""

    lead: bool
    links: list[socket.socket]
    """The lead's, one to each of the others; another's, one to the lead."""
    lifeline: int
    """Readable when the first process is gone."""
    shared: Cells
    """A few counters that all workers see (traffic.breaker)."""

    def fork_others(self) -> None:
        os.kill(os.getppid(), FORK_OTHERS)


def supervise(workers: int, run: Callable[[Post], int]) -> int:
    """Forks, waits for all, and returns the server's exit code."""
    pairs = [socket.socketpair() for _ in range(workers - 1)]
    lifeline = os.pipe()
    shared = memoryview(mmap.mmap(-1, mmap.PAGESIZE)).cast("q")
    gc.collect()
    gc.freeze()  # the collector would write to every page, and unshare it
    signal.pthread_sigmask(signal.SIG_BLOCK, _HANDLED)
    children = {_fork(run, Post(True, [ours for ours, _ in pairs], lifeline[0], shared), lifeline[1])}
    stopping, code = False, 0
    while children:
        number = signal.sigwait(_HANDLED)
        if number == FORK_OTHERS and not stopping:
            children |= {_fork(run, Post(False, [link], lifeline[0], shared), lifeline[1]) for _, link in pairs}
        elif number == signal.SIGCHLD:
            ended = _reap(children)
            code = code or next((status for status in ended if status), 0)
            if ended and not stopping:
                stopping, code = True, code or 1
                log.error("a worker ended with %d: the server ends with it", code)
                _send(children, signal.SIGTERM)
        elif number in (signal.SIGTERM, signal.SIGINT):
            stopping = True
            _send(children, signal.Signals(number))
    return code


def _fork(run: Callable[[Post], int], post: Post, lifeline: int) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        os.close(lifeline)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
        code = run(post)
    except BaseException:
        log.exception("a worker failed")
    finally:
        sys.stderr.flush()
        os._exit(code)


def _reap(children: set[int]) -> list[int]:
    """Exit codes of those that ended; as a shell gives them for signals."""
    codes = []
    for pid in list(children):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            children.discard(pid)
            code = os.waitstatus_to_exitcode(status)
            codes.append(code if code >= 0 else 128 - code)
    return codes


def _send(children: set[int], number: signal.Signals) -> None:
    for pid in children:
        os.kill(pid, number)
