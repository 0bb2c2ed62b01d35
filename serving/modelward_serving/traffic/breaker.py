"""What keeps a bad candidate from costing more than a few requests: a breaker, and a window of forwards in flight."""

from modelward_serving.scoring.cells import DUE, EPOCH, RUN, WAITS, Cells, own_cells

OPENS_AFTER = 5
"""Failures in a row, by the following derivation.

A candidate that fails everything is left after r failures, so r must be at most 5. One that fails independently with
probability p starts a run of r at a given request with probability (1 − p)·p^r, so among n forwards a run is seen
with probability at most n·p^r (union bound). At p = 0.5 % and r = 5 that is 3.1·10⁻¹² a forward: 3·10⁻⁶ for a million.
A share of failures in a window would either need more than 5 of them or trip earlier at p.
The price: a candidate that fails a share q < 1 is left after about q⁻⁵ forwards (33 at q = 0.5, 3,125 at 0.2). Stable
answers for each of those failures, and judging such shares is the operator's, who sees them counted.
"""
FIRST_TRY, LONGEST_WAIT = 1.0, 10.0
"""Seconds until an open breaker tries the candidate again; twice as many after each time, up to the second."""
FIRST_WINDOW = 16
MAX_WINDOW = 512
SUSPECT_FROM = 8


class Breaker:
    """Opens at a run of failures, and closes when a trial shows that the candidate is back.

    After a trial the next failure opens it again: only an answer to a client ends the run. The run is counted over all
    workers of a server: `shared` is their memory. Two of them that write at the same moment may lose one count, which
    costs one more failure.
    """

    __slots__ = ("_epoch", "_last", "_shared")

    def __init__(self, shared: Cells | None = None, epoch: int = 0) -> None:
        self._shared = shared if shared is not None else own_cells()
        self._epoch = epoch
        self._last = float("-inf")
        if self._shared[EPOCH] < epoch:
            self._shared[RUN] = self._shared[DUE] = self._shared[WAITS] = 0
            self._shared[EPOCH] = epoch

    @property
    def open(self) -> bool:
        return self.left <= 0

    @property
    def left(self) -> int:
        """Failures until it opens."""
        return OPENS_AFTER - self._shared[RUN] if self._shared[EPOCH] == self._epoch else OPENS_AFTER

    def success(self) -> None:
        if self._shared[EPOCH] == self._epoch and not self.open:
            self._shared[RUN] = 0

    def same_pause(self, began: float) -> bool:
        """A forward that missed its deadline was under way when the last one failed: a pause of some milliseconds, as
        a CPU quota or a busy machine makes them, is one fault however many requests it met."""
        return began <= self._last

    def failure(self, at: float) -> bool:
        """True when this one opened it. What an older setting's forwards come to says nothing about this one."""
        self._last = max(self._last, at)
        if self._shared[EPOCH] != self._epoch or self.open:
            return False
        self._shared[RUN] += 1
        if self.open:
            self._wait(at)
        return self.open

    def try_now(self, now: float) -> bool:
        """A trial is due, and the caller's: it tells by `tried` what came of it."""
        if not self.open or now * 1e9 < self._shared[DUE]:
            return False
        self._shared[DUE] = int((now + LONGEST_WAIT) * 1e9)  # nobody else's; again, should it get lost
        return True

    def tried(self, good: bool | None, now: float) -> None:
        """None: the trial came to nothing, so that the next request may be one."""
        if self._shared[EPOCH] != self._epoch or not self.open:
            return
        if good:
            self._shared[RUN] = OPENS_AFTER - 1
        elif good is None:
            self._shared[DUE] = 0
        else:
            self._wait(now)

    def _wait(self, now: float) -> None:
        wait = min(FIRST_TRY * 2.0 ** self._shared[WAITS], LONGEST_WAIT)
        self._shared[WAITS] += 1
        self._shared[DUE] = int((now + wait) * 1e9)


class Window:
    """How many forwards may be in flight: more with each answer, and one at a time after a deadline.

    A candidate that hangs costs at most the first window and one request for each further failure. It shows by
    silence before deadlines pass: with several in flight and no answer for a while, no more are sent.
    """

    __slots__ = ("_limit", "_progress", "in_flight", "probing", "proven")

    def __init__(self) -> None:
        self.in_flight = 0
        self._limit = FIRST_WINDOW
        self._progress = 0.0
        self.proven = False
        """It has answered."""
        self.probing = False
        """A deadline passed, and no answer has come since."""

    def acquire(self, now: float, patience: float) -> bool:
        if self.in_flight == 0:
            self._progress = now
        if self.in_flight >= self._limit:
            return False
        if self.in_flight >= SUSPECT_FROM and now - self._progress > patience:
            return False
        self.in_flight += 1
        return True

    def answered(self, now: float) -> None:
        self.in_flight -= 1
        self._progress = now
        self.proven, self.probing = True, False
        self._limit = min(self._limit + 1, MAX_WINDOW)

    def failed(self, timed_out: bool) -> None:
        self.in_flight -= 1
        if timed_out:
            self.shrink()

    def shrink(self) -> None:
        """One at a time, until there is an answer."""
        self._limit, self.probing = 1, True
