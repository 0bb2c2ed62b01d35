"""What keeps a bad candidate from costing more than a few requests: a breaker, and a window of forwards in flight."""

OPENS_AFTER = 5
"""Failures in a row. At 0.5 % independent errors that is one false alarm in 3·10^11 requests."""
FIRST_WINDOW = 16
MAX_WINDOW = 512
SUSPECT_FROM = 8


class Breaker:
    """Opens at a run of failures and stays open: only a new setting closes it."""

    __slots__ = ("_last", "_run", "open")

    def __init__(self) -> None:
        self._run = 0
        self._last = float("-inf")
        self.open = False

    def success(self) -> None:
        self._run = 0

    def same_pause(self, began: float) -> bool:
        """A forward that missed its deadline was under way when the last one failed: a pause of some milliseconds, as
        a CPU quota or a busy machine makes them, is one fault however many requests it met."""
        return began <= self._last

    def failure(self, now: float) -> bool:
        """True when this one opened it."""
        self._run += 1
        self._last = now
        opened = self._run >= OPENS_AFTER and not self.open
        self.open |= opened
        return opened


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
            self._limit, self.probing = 1, True
