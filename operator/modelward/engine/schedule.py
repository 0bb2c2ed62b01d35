"""Which key is due when: pure bookkeeping, told the time by its caller.

A key waits at most once, at the earliest time that anyone asked for. It is never handed out while it is being worked
on; asked for in that time, it becomes due again afterwards. Failures in a row double its delay, success resets it.
"""

import heapq
import itertools
import random
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)

_FIRST, _LONGEST = 1.0, 300.0


class Schedule(Generic[K]):
    def __init__(self, jitter: Callable[[], float] = random.random) -> None:
        self._due: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._active: set[K] = set()
        self._failures: dict[K, int] = {}
        self._order = itertools.count()
        self._jitter = jitter

    def add(self, key: K, due: float) -> None:
        if due < self._due.get(key, float("inf")):
            self._due[key] = due
            self._wait(key)

    def pop(self, now: float) -> K | None:
        """A due key, from now on active until `done`."""
        due = self.next_due()
        if due is None or due > now:
            return None
        key = heapq.heappop(self._heap)[2]
        del self._due[key]
        self._active.add(key)
        return key

    def done(self, key: K) -> None:
        self._active.discard(key)
        if key in self._due:
            self._wait(key)

    def failed(self, key: K, first: float = _FIRST) -> float:
        """How long to wait before the next try: doubled with each failure in a row, with up to half as much jitter."""
        failures = self._failures.get(key, 0)
        self._failures[key] = failures + 1
        return min(_LONGEST, first * 2.0 ** min(failures, 30) * (1 + self._jitter() / 2))

    def failures(self, key: K) -> int:
        """In a row, up to now."""
        return self._failures.get(key, 0)

    def succeeded(self, key: K) -> None:
        self._failures.pop(key, None)

    def next_due(self) -> float | None:
        """When the first key that may be handed out is due."""
        while self._heap:
            due, _, key = self._heap[0]
            if key not in self._active and self._due.get(key) == due:
                return due
            heapq.heappop(self._heap)
        return None

    def depth(self, now: float) -> int:
        """Keys that are due and wait for a worker."""
        return sum(due <= now for due in self._due.values())

    def _wait(self, key: K) -> None:
        if key not in self._active:
            heapq.heappush(self._heap, (self._due[key], next(self._order), key))
