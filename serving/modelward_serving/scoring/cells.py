"""The few numbers that all workers of a server see of each other."""

from typing import Protocol

EPOCH, RUN, DUE, WAITS, MIXED = range(5)
"""What each cell holds. The breaker's: the setting's epoch, failures in a row, when the next trial is due (nanoseconds
of the system's monotonic clock, which all processes share), and how many waits there were. The scorer's: 1 once a
worker found that batches mix rows."""


class Cells(Protocol):
    """Numbers: a list, or memory that workers share."""

    def __getitem__(self, at: int, /) -> int: ...

    def __setitem__(self, at: int, value: int, /) -> None: ...


def own_cells() -> Cells:
    return [0] * (MIXED + 1)
