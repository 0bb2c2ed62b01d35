"""How long a run of so many rows will take, learnt from the runs before."""

WEIGHT = 0.1
OUTLIER = 4.0
"""A run that takes this much longer than expected was interrupted, more likely than not, and counts as this much."""


class Pace:
    """Moving averages by the power of two of the rows: a run's cost is far from proportional to them."""

    __slots__ = ("_seconds",)

    def __init__(self, one_row: float = 0.0) -> None:
        self._seconds: dict[int, float] = {1: one_row} if one_row else {}

    def expect(self, rows: int) -> float:
        """0.0 as long as nothing is known."""
        size = rows.bit_length()
        known = self._seconds.get(size)
        if known is not None:
            return known
        nearest = min(self._seconds, key=lambda other: abs(other - size), default=None)
        return 0.0 if nearest is None else self._seconds[nearest] * 2.0 ** max(size - nearest, 0)

    def learn(self, rows: int, seconds: float) -> None:
        size = rows.bit_length()
        known = self._seconds.get(size)
        if known is None:
            self._seconds[size] = seconds
        else:
            self._seconds[size] = known + WEIGHT * (min(seconds, OUTLIER * known) - known)
