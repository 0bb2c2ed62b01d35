"""Two models on the same rows: how far apart they are in a metric, and how sure that is.

The interval is the normal one of the paired influences (see `metrics`), 95 %. It is never narrower than three times
what a single row can move the metric: rows that agree so far, n of them, say no more than that at most 3/n do not (the
rule of three; Hanley and Lippman-Hand, 1983). Two models that say the same of every row do not differ at all.
"""

from typing import NamedTuple

import numpy as np

from .metrics import Answers, Measured

QUANTILE = 1.959964
RULE_OF_THREE = 3.0


class Difference(NamedTuple):
    """`value` is the first's less the second's."""

    value: float
    low: float
    high: float

    def turned(self) -> "Difference":
        """The second's less the first's."""
        return Difference(-self.value, -self.high, -self.low)


def difference(one: Measured, other: Measured, same: bool = False) -> Difference:
    """`same`: both models say the same of every row."""
    value = one.value - other.value
    spread = QUANTILE * float(np.sqrt(((one.influence - other.influence) ** 2).sum()))
    half = 0.0 if same else max(spread, RULE_OF_THREE * max(one.leverage, other.leverage))
    return Difference(value, value - half, value + half)


def same(one: Answers, other: Answers) -> bool:
    if not np.array_equal(one.predicted, other.predicted):
        return False
    if one.probabilities is None or other.probabilities is None:
        return one.probabilities is other.probabilities
    return np.array_equal(one.probabilities, other.probabilities)
