"""Latency counts over fixed edges, fine enough to compare two versions by their quantiles."""

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

from modelward_contracts.monitor import Histogram

_STEPS: tuple[float, ...] = (1, 1.2, 1.5, 1.8, 2.2, 2.5, 3, 3.5, 4, 5, 6, 7, 8.5)
EDGES: tuple[float, ...] = tuple(round(step * 10.0**decade, 10) for decade in range(-5, 2) for step in _STEPS)
"""10 µs to 85 s, at most 25 % apart."""


_EDGES = np.array(EDGES)
FOLD_AT = 512


class LatencyHistogram:
    """Counts only grow; `quantile` looks at the observations since the last few rotations.

    Observations are noted first and counted many at once, which is what the data path can afford.
    """

    __slots__ = ("_counts", "_noted", "_older", "_recent", "_sum")

    def __init__(self) -> None:
        self._counts = np.zeros(len(EDGES) + 1, np.int64)
        self._sum = 0.0
        self._noted: list[float] = []
        self._older = self._recent = self.counts

    def observe_all(self, seconds: list[float]) -> None:
        noted = self._noted
        noted += seconds
        if len(noted) > FOLD_AT:
            self._fold()

    def observe_alike(self, seconds: float, times: int) -> None:
        self._counts[bisect_left(EDGES, seconds)] += times
        self._sum += seconds * times

    @property
    def counts(self) -> list[int]:
        self._fold()
        counts: list[int] = self._counts.tolist()
        return counts

    @property
    def sum(self) -> float:
        self._fold()
        return self._sum

    def _fold(self) -> None:
        if self._noted:
            values = np.array(self._noted)
            self._noted.clear()
            self._counts += np.bincount(np.searchsorted(_EDGES, values), minlength=len(self._counts))
            self._sum += float(values.sum())

    def rotate(self, minimum: int = 1000) -> None:
        """Forget what is older than the last two rotations, once there is enough to go on."""
        if sum(self.counts) - sum(self._recent) >= minimum:
            self._older, self._recent = self._recent, self.counts

    def quantile(self, q: float, minimum: int = 100) -> float | None:
        """Upper edge of the recent q-quantile, None below `minimum` observations."""
        window = [now - then for now, then in zip(self.counts, self._older, strict=True)]
        total = sum(window)
        if total < minimum:
            return None
        seen = 0
        for edge, count in zip((*EDGES, EDGES[-1]), window, strict=True):
            seen += count
            if seen >= q * total:
                return edge
        return EDGES[-1]

    def as_histogram(self) -> Histogram:
        return Histogram(edges=list(EDGES), counts=self.counts, sum=self.sum)


def coarse(histogram: Histogram, edges: Sequence[float]) -> list[tuple[str, float]]:
    """Cumulative counts at some of the edges, as Prometheus wants them."""
    buckets, at, total = [], 0, 0
    for edge in edges:
        while at < len(histogram.edges) and histogram.edges[at] <= edge:
            total += histogram.counts[at]
            at += 1
        buckets.append((repr(edge), float(total)))
    buckets.append(("+Inf", float(sum(histogram.counts))))
    return buckets
