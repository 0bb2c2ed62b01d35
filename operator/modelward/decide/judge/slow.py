"""What counts as a slow answer, and how many more of them than stable a candidate may give.

Slow is what lies above an edge that about a seventh of stable's own answers exceed. A candidate may give as many slow
answers as stable would, were each of its answers `ratio` times as slow. So the limit needs no knowledge of the
distribution's form: where answers are much alike it is wide, where they are spread it is narrow.
"""

from bisect import bisect_left
from collections.abc import Sequence
from math import log

SHARE = 0.15
"""Of stable's answers are called slow, as near as the edges allow."""
WARM_UP = 40
"""Answers of stable after which the edges are chosen."""
FACTORS = (0.6, 1.0, 1.7)
"""Of the edge that seemed right at first: load may have been unusual just then, so some others are counted as well."""
SLACK_SECONDS = 0.001
"""A difference below it harms nobody, whatever the ratio."""
QUICK_SECONDS = 0.010
EVEN_WEIGHT = 50
"""Percent. Where the candidate gets fewer requests than stable, no quicker answer is called slow: its caches are cold.
Of two equal versions that answer in 0.4 ms, 1 % of stable's answers took more than 2.2 ms and 7 % of the candidate's,
with a tenth of the requests and a node that had time to spare."""
LEAST = 0.02
"""Share of answers that may always be slow beyond stable's."""


def thresholds(edges: Sequence[float], counts: Sequence[int]) -> tuple[int, ...]:
    """Indexes of the edges above which answers are counted, rising; none where there are no edges. Below the slack an
    edge would tell nothing: where stable answers in less than that, slow is what takes twice the slack."""
    if not edges:
        return ()
    total, above, first = sum(counts), 0, len(edges) - 1
    for index in range(len(edges) - 1, -1, -1):
        above += counts[index + 1]
        if above > SHARE * total:
            break
        first = index
    wanted = (max(edges[first] * factor, 2 * SLACK_SECONDS) for factor in FACTORS)
    return tuple(sorted({_nearest(edges, seconds) for seconds in wanted}))


def at_weight(edges: Sequence[float], threshold: int, weight: float | None) -> int:
    """The edge above which an answer is called slow where the candidate gets so many percent."""
    if weight is None or weight >= EVEN_WEIGHT:
        return threshold
    return max(threshold, min(bisect_left(edges, QUICK_SECONDS), len(edges) - 1))


def _nearest(edges: Sequence[float], seconds: float) -> int:
    return min(range(len(edges)), key=lambda index: abs(log(edges[index] / seconds)))


def allowed(edges: Sequence[float], counts: Sequence[int], threshold: int, ratio: float) -> float:
    """Share of its answers that the candidate may have above the edge beyond stable's: as many as stable has between
    edge / ratio and the edge. 1: the edge tells nothing.

    Within a bin of stable's histogram answers are taken to be spread evenly over the logarithm of time.
    """
    edge = edges[threshold]
    lower = min(edge / ratio, edge - SLACK_SECONDS)
    if lower <= 0:
        return 1.0
    total, between, index = sum(counts), 0.0, threshold
    while index >= 0 and edges[index] > lower:
        bottom = edges[index - 1] if index else 0.0
        if bottom >= lower:
            between += counts[index]
        else:
            between += counts[index] * _upper_part(bottom, lower, edges[index])
        index -= 1
    return max(LEAST, between / total) if total else 1.0


def _upper_part(bottom: float, cut: float, top: float) -> float:
    """Share of a bin's answers above the cut."""
    return log(top / cut) / log(top / bottom) if bottom > 0 else (top - cut) / top
