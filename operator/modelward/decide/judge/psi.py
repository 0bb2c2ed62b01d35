"""Population stability index over fixed bins."""

from collections.abc import Sequence
from math import log


def psi(reference: Sequence[int], counts: Sequence[int]) -> float:
    """Sum of (p - q)·ln(p / q) over bins, less its expectation without any shift, (B - 1)(1/n + 1/N); at least 0.

    Half a row is added to each bin, so that an empty one neither divides by zero nor decides alone. 0 where either
    side has no rows.
    """
    n, N = sum(counts), sum(reference)  # noqa: N806 - the usual names of the two sample sizes
    if not n or not N:
        return 0.0
    bins = [(r + 0.5, c + 0.5) for r, c in zip(reference, counts, strict=True) if r or c]
    total_r, total_c = sum(r for r, _ in bins), sum(c for _, c in bins)
    raw = sum((c / total_c - r / total_r) * log((c / total_c) / (r / total_r)) for r, c in bins)
    return max(0.0, raw - (len(bins) - 1) * (1 / n + 1 / N))
