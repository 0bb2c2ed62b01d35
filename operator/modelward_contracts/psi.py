"""Population stability index over fixed bins, and how far a sample's may lie from the true one."""

from collections.abc import Sequence
from math import log

Shares = list[tuple[float, float]]
"""(p, q) of each bin: of the reference, of the sample."""


def psi(reference: Sequence[int], counts: Sequence[int]) -> float:
    """Sum of (p - q)·ln(p / q) over bins, less its expectation without any shift, (B - 1)(1/n + 1/N); at least 0.

    Half a row is added to each bin, so that an empty one neither divides by zero nor decides alone. 0 where either
    side has no rows.
    """
    n, N = sum(counts), sum(reference)  # noqa: N806 - the usual names of the two sample sizes
    if not n or not N:
        return 0.0
    bins = _shares(reference, counts)
    return max(0.0, sum((q - p) * log(q / p) for p, q in bins) - (len(bins) - 1) * (1 / n + 1 / N))


def psi_variance(reference: Sequence[int], counts: Sequence[int]) -> float:
    """Of `psi`, by the delta method for two multinomial samples: its slopes are ln(q/p) + 1 - p/q in q, and
    ln(p/q) + 1 - q/p in p. Large where rows fall into bins that the reference hardly knows. 0 where either side has
    no rows.
    """
    n, N = sum(counts), sum(reference)  # noqa: N806
    if not n or not N:
        return 0.0
    bins = _shares(reference, counts)
    of_counts = _spread([(q, log(q / p) + 1 - p / q) for p, q in bins])
    of_reference = _spread([(p, log(p / q) + 1 - q / p) for p, q in bins])
    return of_counts / n + of_reference / N


def _shares(reference: Sequence[int], counts: Sequence[int]) -> Shares:
    bins = [(r + 0.5, c + 0.5) for r, c in zip(reference, counts, strict=True) if r or c]
    total_r, total_c = sum(r for r, _ in bins), sum(c for _, c in bins)
    return [(r / total_r, c / total_c) for r, c in bins]


def _spread(weighted: list[tuple[float, float]]) -> float:
    """Variance of values that come with these shares."""
    mean = sum(share * value for share, value in weighted)
    return sum(share * (value - mean) ** 2 for share, value in weighted)
