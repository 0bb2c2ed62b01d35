"""The schedule on the event loop's clock: workers wait here until a key is due."""

import asyncio

from modelward.decide.plan import Key
from modelward.engine.schedule import Schedule
from modelward.telemetry.metrics import QUEUE_ADDS, QUEUE_RETRIES


class Closed(Exception):
    """No more keys: the operator stops."""


class Queue:
    """Created inside a running loop."""

    def __init__(self) -> None:
        self._schedule: Schedule[Key] = Schedule()
        self._loop = asyncio.get_running_loop()
        self._alarm: asyncio.TimerHandle | None = None
        self._waiting: set[asyncio.Future[None]] = set()
        self._closed = False
        self._named: set[Key] = set()

    def add(self, key: Key, delay: float = 0.0) -> None:
        """Something has named it: what was read of it before counts no more."""
        self._named.add(key)
        self.again(key, delay)

    def again(self, key: Key, delay: float = 0.0) -> None:
        """A look that was to come, without news."""
        QUEUE_ADDS.inc()
        self._schedule.add(key, self._loop.time() + delay)
        self._ring()

    async def get(self) -> Key:
        """The next due key; call `done` when it is dealt with. Raises Closed."""
        while not self._closed:
            key = self._schedule.pop(self._loop.time())
            if key is not None:
                self._ring()
                return key
            waiter: asyncio.Future[None] = self._loop.create_future()
            self._waiting.add(waiter)
            self._ring()
            try:
                await waiter
            finally:
                self._waiting.discard(waiter)
        raise Closed

    def take_name(self, key: Key) -> bool:
        """Whether something has named it since the last time; asked when its look begins."""
        named = key in self._named
        self._named.discard(key)
        return named

    def close(self) -> None:
        """Hand out nothing more, and let waiting workers go."""
        self._closed = True
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)

    def done(self, key: Key) -> None:
        self._schedule.done(key)
        self._ring()

    def retry(self, key: Key, first: float = 1.0, longest: float | None = None) -> float:
        """Again after a delay that doubles with each failure in a row, up to `longest`; returned."""
        QUEUE_RETRIES.inc()
        delay = self._schedule.failed(key, first)
        delay = delay if longest is None else min(delay, longest)
        self.add(key, delay)
        return delay

    def succeeded(self, key: Key) -> None:
        self._schedule.succeeded(key)

    def failures(self, key: Key) -> int:
        """In a row, up to now."""
        return self._schedule.failures(key)

    @property
    def depth(self) -> int:
        return self._schedule.depth(self._loop.time())

    @property
    def lag(self) -> float:
        """Seconds that the first due key has waited for a worker."""
        due = self._schedule.next_due()
        return 0.0 if due is None else max(0.0, self._loop.time() - due)

    def _ring(self) -> None:
        """Wake a waiting worker when the first key is due, which may be now."""
        if self._alarm:
            self._alarm.cancel()
            self._alarm = None
        due = self._schedule.next_due()
        if due is not None and self._waiting:
            self._alarm = self._loop.call_at(due, self._wake)

    def _wake(self) -> None:
        self._alarm = None
        waiter = next((w for w in self._waiting if not w.done()), None)
        if waiter:
            waiter.set_result(None)
