"""A request on its way to the candidate. Whatever happens there, the client gets one good answer.

It ends in exactly one of: the candidate's answer is relayed; this server answers itself (connect error, 5xx, deadline,
broken reply, or a 4xx where this server finds nothing wrong with the request).
"""

import asyncio
from collections import deque
from collections.abc import Callable
from time import perf_counter
from typing import Protocol

from modelward_contracts.traffic import Target
from modelward_serving.http.messages import Request, forwarded
from modelward_serving.monitor.counters import ForwardCounts
from modelward_serving.refusal import Refused

from .breaker import Breaker, Window
from .upstream import Pool, Upstream

WAITING_UNPROVEN, MAX_WAITING = 4, 256
"""How many forwards may wait for a turn, before and after the candidate has answered anything."""
LATE = 0.005
GRACE = 0.010
"""A deadline that fires late means that this process was paused: replies may lie unread, so they get this long."""


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

    def forward(self, request: Request) -> None:
        if self.breaker.open:
            self.local.score(request)
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

    def succeeded(self, forward: "Forward") -> None:
        self.active.discard(forward)
        self.counts.answered += 1
        self.breaker.success()
        self.window.answered(perf_counter())
        self._next()

    def failed(self, forward: "Forward", cause: str) -> None:
        """An open breaker gives up on the forwards that still hang: they would only wait for the same."""
        self.active.discard(forward)
        timed_out = cause == "deadline"
        again = timed_out and self.breaker.same_pause(forward.began)
        self.counts.fail("same_pause" if again else cause)
        self.window.failed(timed_out)
        if not again and cause != "refused" and self.breaker.failure(perf_counter()):
            while self._waiting:
                self._waiting.popleft().capped()
            active, self.active = self.active, set()
            for other in active:
                other.give_up()
        self._next()

    def _room(self) -> int:
        """After a deadline nobody waits: the next forwards only probe."""
        if self.window.probing:
            return 0
        return MAX_WAITING if self.window.proven else WAITING_UNPROVEN

    def leave_queue(self, forward: "Forward") -> None:
        if forward in self._waiting:
            self._waiting.remove(forward)

    def close(self) -> None:
        self.pool.close()

    def _next(self) -> None:
        while self._waiting and not self.breaker.open and self.window.acquire(perf_counter(), self.patience):
            forward = self._waiting.popleft()
            self.active.add(forward)
            forward.start()


class Forward:
    """One request. Implements `upstream.Receiver`."""

    __slots__ = ("_candidate", "_done", "_due", "_request", "_timer", "_upstream", "began")

    def __init__(self, candidate: Candidate, request: Request) -> None:
        self._candidate, self._request = candidate, request
        self._upstream: Upstream | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._done = False

    def wait(self) -> None:
        self._timer = self._candidate.loop.call_later(self._candidate.patience, self._no_slot)

    def start(self) -> None:
        candidate = self._candidate
        if self._timer is not None:
            self._timer.cancel()
        self.began = perf_counter()
        deadline = candidate.deadline()
        self._due = self.began + deadline
        self._timer = candidate.loop.call_later(deadline, self._late)
        upstream = candidate.pool.idle()
        if upstream is not None:
            self._send(upstream)
        else:
            candidate.pool.connect(self._connected)

    def capped(self) -> None:
        """No turn for this one; says nothing about the candidate."""
        self._end()
        self._candidate.counts.fail("capped")
        self._score()

    def give_up(self) -> None:
        """The breaker opened on others: this one is not waited for, and blames nobody."""
        self._drop()
        self._candidate.window.failed(timed_out=True)
        self.capped()

    # upstream.Receiver

    def replied(self, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
        if self._done:
            return
        if status >= 500:
            self._fail("status5xx" if self._acceptable() else "refused")
        elif status >= 400 and self._acceptable():
            self._fail("rejected")
        elif 300 <= status < 400:
            self._fail("protocol")
        else:
            self._end()
            self._candidate.succeeded(self)
            self._request.relay(status, headers, body)

    def broken(self, cause: str, unanswered: bool) -> None:
        if self._done:
            return
        self._upstream = None
        if unanswered:
            # The candidate closed an idle connection while this request was on its way: no fault, so once more.
            self._candidate.pool.connect(self._connected)
        else:
            self._fail(cause)

    def _connected(self, upstream: Upstream | None) -> None:
        if self._done:
            if upstream is not None:
                self._candidate.pool.give_back(upstream)
        elif upstream is None:
            self._fail("connect")
        else:
            self._send(upstream)

    def _send(self, upstream: Upstream) -> None:
        self._upstream = upstream
        upstream.send(forwarded(self._request, self._candidate.pool.host_header), self)

    def _late(self) -> None:
        if perf_counter() - self._due > LATE:
            self._due = float("inf")
            self._timer = self._candidate.loop.call_later(GRACE, self._late)
            return
        self._drop()
        self._fail("deadline")

    def _no_slot(self) -> None:
        self._candidate.leave_queue(self)
        self.capped()

    def _drop(self) -> None:
        if self._upstream is not None:
            self._upstream.abort()
            self._upstream = None

    def _fail(self, cause: str) -> None:
        if self._done:
            return
        self._end()
        self._candidate.failed(self, cause)
        self._score()

    def _score(self) -> None:
        # Its latency as this server's own counts from here: waiting for the candidate is not this model's time.
        self._request.started = perf_counter()
        self._candidate.local.score(self._request)

    def _end(self) -> None:
        self._done = True
        if self._timer is not None:
            self._timer.cancel()

    def _acceptable(self) -> bool:
        try:
            self._candidate.local.validate(self._request)
        except Refused:
            return False
        return True
