"""How long a run of some size will take, learnt from the runs before."""

WEIGHT = 0.1
OUTLIER = 4.0
"""A run that takes this much longer than expected was interrupted, more likely than not, and counts as this much."""


class Pace:
    """Moving averages by the power of two of the size: a run's cost is far from proportional to it.

    `size`: rows of fixed length, whose cost grows no faster than their number; or values, where the length is free.
    """

    __slots__ = ("_proportional", "_seconds")

    def __init__(self, seconds: float | None = None, size: int = 1, proportional: bool = True) -> None:
        self._seconds: dict[int, float] = {} if seconds is None else {size.bit_length(): seconds}
        self._proportional = proportional

    def expect(self, size: int) -> float:
        """Infinite where nothing is known: of any run before the first, of longer rows than any before."""
        of = size.bit_length()
        known = self._seconds.get(of)
        if known is not None:
            return known
        nearest = min(self._seconds, key=lambda other: abs(other - of), default=None)
        if nearest is None or (of > nearest and not self._proportional):
            return float("inf")
        return self._seconds[nearest] * 2.0 ** max(of - nearest, 0)

    def learn(self, size: int, seconds: float) -> None:
        of = size.bit_length()
        known = self._seconds.get(of)
        if known is None:
            self._seconds[of] = seconds
        else:
            self._seconds[of] = known + WEIGHT * (min(seconds, OUTLIER * known) - known)
