"""Threads beside the event loop, for runs and bodies that would hold it up.

They are daemons, which no end of the process waits for: a run may take longer than there is time.
"""

import asyncio
import logging
import os
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from typing import NoReturn, TypeVar

T = TypeVar("T")
NAME = "modelward"
log = logging.getLogger(__name__)


class Threads:
    """As many as there are calls under way, up to `most`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, most: int = 64) -> None:
        self._loop, self._most = loop, most
        self._queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads = 0
        self.under_way = 0

    def call(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        """`done` gets on the loop what `work` yields, which must not raise. Raises `RuntimeError` where the system has
        no thread left."""
        if self._threads <= self.under_way and self._threads < self._most:
            threading.Thread(target=self._work, name=NAME, daemon=True).start()
            self._threads += 1
        self.under_way += 1
        self._queue.put(lambda: self._tell(done, work()))

    def close(self) -> None:
        for _ in range(self._threads):
            self._queue.put(None)

    def _work(self) -> None:
        while (work := self._queue.get()) is not None:
            try:
                work()
            except Exception as error:
                log.error("a thread failed", exc_info=error)
            del work  # and with it the request, while the next is waited for

    def _tell(self, done: Callable[[T], None], result: T) -> None:
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._done, done, result)

    def _done(self, done: Callable[[T], None], result: T) -> None:
        self.under_way -= 1
        done(result)


def leave(code: int) -> NoReturn:
    """End the process. What still runs in onnxruntime would be torn down under its feet."""
    for thread in threading.enumerate():
        if thread.name == NAME:
            thread.join(0.2)
    if any(thread.name == NAME for thread in threading.enumerate()):
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
