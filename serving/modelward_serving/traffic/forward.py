"""A request on its way to the candidate. Whatever happens there, the client gets one good answer.

It ends in exactly one of: the candidate's answer is relayed; this server answers itself (connect error, 5xx, deadline,
broken reply, or a 4xx where this server finds nothing wrong with the request). Only then, when its own answer is known
to be good, does the failure count against the candidate.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Protocol

from modelward_contracts.traffic import Target
from modelward_serving.http.messages import Request, forwarded
from modelward_serving.monitor.counters import ForwardCounts

from .breaker import Breaker, Window
from .exchange import Exchange
from .trial import Trial
from .upstream import Pool
from .witness import watch

WAITING_UNPROVEN, MAX_WAITING = 4, 256
"""How many forwards may wait for a turn, before and after the candidate has answered anything."""


class Local(Protocol):
    """This server's own scoring."""

    def validate(self, request: Request) -> None:
        """Raises `Refused`."""

    def score(self, request: Request) -> None: ...


class Candidate:
    """Where forwards go, and how they fared since the setting came."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        target: Target,
        counts: ForwardCounts,
        local: Local,
        deadline: Callable[[], float],
        breaker: Breaker,
        window: Window | None = None,
        reached: bool = False,
    ) -> None:
        self.loop, self.target, self.counts, self.local, self.deadline = loop, target, counts, local, deadline
        self.pool = Pool(loop, target.host, target.port, reached)
        self.breaker = breaker
        self.window = window or Window()
        self._waiting: deque[Forward] = deque()
        self.active: set[Forward] = set()
        self._suspected = 0
        """Failures that count if this server's own answers, still to come, are good."""

    def forward(self, request: Request) -> None:
        if self._suspected >= self.breaker.left:
            self._keep(request)
            return
        self.counts.attempts += 1
        forward = Forward(self, request)
        if self.window.acquire(perf_counter(), self.patience):
            self.active.add(forward)
            forward.start()
        elif len(self._waiting) < self._room():
            self._waiting.append(forward)
            forward.wait()
        else:
            forward.capped()

    @property
    def patience(self) -> float:
        """How long silence is tolerated, and how long a forward waits for its turn."""
        return self.deadline() / 2

    @property
    def forwarding(self) -> int:
        """Forwards that wait for their turn or their answer."""
        return len(self._waiting) + len(self.active)

    def succeeded(self, forward: "Forward", proven: bool) -> None:
        """`proven`: with an answer that a candidate which fails every good request could not have given."""
        self.active.discard(forward)
        self.counts.answered += 1
        if proven:
            self.breaker.success()
        self.window.answered(perf_counter())
        self._next()

    def refused(self, forward: "Forward") -> None:
        """By the candidate, and rightly so."""
        self.active.discard(forward)
        self.counts.fail("refused")
        self.window.failed(timed_out=False)
        self._next()

    def suspect(self, forward: "Forward", cause: str) -> None:
        """It failed; what that says is known when this server has answered."""
        self.active.discard(forward)
        self.window.failed(timed_out=cause == "deadline")
        self._suspected += 1
        self._next()

    def judge(self, cause: str, began: float, failed: float, good: bool) -> None:
        """This server's own answer is there."""
        self._suspected -= 1
        if not good:
            self.counts.fail("refused")
        elif self.breaker.open:
            self.counts.fail("capped")
        elif cause == "deadline" and self.breaker.same_pause(began):
            self.counts.fail("same_pause")
        else:
            self._count(cause, failed)
        self._next()

    def leave_queue(self, forward: "Forward") -> None:
        if forward in self._waiting:
            self._waiting.remove(forward)

    def give_up(self) -> None:
        """All that is under way is answered here."""
        while self._waiting:
            self._waiting.popleft().capped()
        active, self.active = self.active, set()
        for forward in active:
            forward.give_up()

    def close(self) -> None:
        self.pool.close()

    def _count(self, cause: str, failed: float) -> None:
        self.counts.fail(cause)
        if self.breaker.failure(failed):
            self.give_up()  # what still hangs would only wait for the same
            self.window.shrink()

    def _keep(self, request: Request) -> None:
        """Nothing goes to the candidate but now and then, once it is answered here, a copy that tries it again."""
        if self.breaker.try_now(perf_counter()):
            watch(self.loop, request, partial(self._try, request))
        self.local.score(request)

    def _try(self, request: Request, good: bool, seconds: float) -> None:
        deadline = self.deadline()
        if good and seconds <= deadline:
            Trial(self.loop, self.pool, self._tried).send(lambda: forwarded(request, self.pool.host_header), deadline)
        else:
            self.breaker.tried(None, perf_counter())

    def _tried(self, good: bool) -> None:
        if not good:
            self.counts.failed_trials += 1
        self.breaker.tried(good, perf_counter())

    def _room(self) -> int:
        """After a deadline nobody waits: the next forwards only probe."""
        if self.window.probing:
            return 0
        return MAX_WAITING if self.window.proven else WAITING_UNPROVEN

    def _next(self) -> None:
        while (
            self._waiting and self._suspected < self.breaker.left and self.window.acquire(perf_counter(), self.patience)
        ):
            forward = self._waiting.popleft()
            self.active.add(forward)
            forward.start()


class Forward(Exchange):
    """One request."""

    __slots__ = ("_began", "_candidate", "_deadline", "_request")

    def __init__(self, candidate: Candidate, request: Request) -> None:
        super().__init__(candidate.loop, candidate.pool)
        self._candidate, self._request = candidate, request

    def wait(self) -> None:
        self._timer = self._loop.call_later(self._candidate.patience, self._no_slot)

    def start(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._began, self._deadline = perf_counter(), self._candidate.deadline()
        self.send(self._bytes, self._deadline)

    def capped(self) -> None:
        """No turn for this one; says nothing about the candidate."""
        self.end()
        self._candidate.counts.fail("capped")
        self._score()

    def give_up(self) -> None:
        """Not waited for, and blames nobody."""
        self.drop()
        self._candidate.window.failed(timed_out=True)
        self.capped()

    def came(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        if status < 400 or (status < 500 and not self._acceptable()):
            self._candidate.succeeded(self, proven=status < 400)
            self._request.relay(status, headers, body)
        elif self._acceptable():
            self.failed("status5xx" if status >= 500 else "rejected")
        else:
            self._candidate.refused(self)
            self._score()

    def failed(self, cause: str) -> None:
        watch(self._loop, self._request, partial(self._answered, cause, perf_counter()))
        self._candidate.suspect(self, cause)
        self._score()

    def _answered(self, cause: str, failed: float, good: bool, seconds: float) -> None:
        # The deadline is held against the candidate only where this server would have kept it.
        kept = cause != "deadline" or seconds <= self._deadline
        self._candidate.judge(cause, self._began, failed, good and kept)

    def _bytes(self) -> bytes:
        return forwarded(self._request, self._pool.host_header)

    def _no_slot(self) -> None:
        self._candidate.leave_queue(self)
        self.capped()

    def _score(self) -> None:
        # Its latency as this server's own counts from here: waiting for the candidate is not this model's time.
        request = self._request
        request.started = perf_counter()
        try:
            self._candidate.local.score(request)
        except Exception as error:  # as where it came in: a defect must cost one request, not the answer to it
            request.connection.port.failed(request, error)

    def _acceptable(self) -> bool:
        try:
            self._candidate.local.validate(self._request)
        except Exception:  # a defect here is no fault of the candidate either
            return False
        return True
