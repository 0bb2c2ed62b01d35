"""How much more two versions differ than independent requests would: overdispersion, measured in blocks of time.

Failures come in clusters, and a busy minute is slow for many requests in a row. Then counts vary more than binomially,
and what looks like 500 requests of evidence is worth that of 100. Batch means measure by how much: time is cut
into blocks, the difference of the versions in each is compared with what independence would allow. Blocks are merged in
pairs whenever there are too many, so their length grows with the time that was seen and outgrows every cluster (Flegal
and Jones 2010, "Batch means and spectral variance estimators in Markov chain Monte Carlo"); what neighbouring blocks
still have in common is added as if it faded geometrically. What both versions do alike cancels in the difference.
"""

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

MOST = 48
"""Blocks are merged to half as many when they are that many."""
FIRST_SECONDS = 2.0

Cell = tuple[int, int, int, int]
"""Of one block: the candidate's hits and count, stable's hits and count."""


MOST_CORRELATED = 0.95
"""Blocks are taken to be no more alike than this."""


class Spread(NamedTuple):
    """What the blocks tell of dependence."""

    ratio: float = 1.0
    """Variance of the versions' differences in blocks over that of independent requests; 0 where nothing varied."""
    correlation: float = 0.0
    """Of neighbouring blocks' differences, corrected for the bias that short series have."""
    stable_ratio: float = 1.0
    """The same of stable alone, whose blocks hold more requests: it shows earlier that the load makes waves."""
    stable_correlation: float = 0.0
    share: float = 0.0
    """Of requests that the candidate got."""
    blocks: int = 0
    hits: int = 0

    def overdispersion(self, prior: float, weight: float, caution: float) -> float:
        """Variance over that of independent requests, for a long time: with the correlation `caution` standard errors
        (Bartlett 1946) above what was measured; drawn to `prior` the more, the less was measured. At least 1."""
        if self.blocks < 2 or not self.ratio:
            return prior
        freedom = 1 / (1 / (self.blocks - 1) + max(self.ratio, 1.0) / max(self.hits, 1))
        measured = self.ratio * self._lasting(self.correlation, caution)
        if caution > 0:
            waves = 2 * self.share * max(0.0, self.stable_ratio - 1)
            measured = max(measured, 1 + waves * self._lasting(self.stable_correlation, caution))
        return max(1.0, (prior * weight + measured * freedom) / (weight + freedom))

    def _lasting(self, correlation: float, caution: float) -> float:
        """By how much correlation that fades geometrically from block to block widens a mean's variance."""
        error = sqrt(max(0.0, 1 - correlation * correlation) / self.blocks)
        within = min(max(correlation + caution * error, 0.0), MOST_CORRELATED)
        return (1 + within) / (1 - within)


def spread(cells: Sequence[Cell], rate: float, stable_rate: float) -> Spread:
    """Of differences in blocks: n_c·n_s/(n_c + n_s)·(difference of rates), Mantel and Haenszel's weighting, less what
    the overall rates make of it."""
    total = expected = products = before = 0.0
    alone = alone_expected = alone_products = alone_before = 0.0
    blocks = hits = requests = stable_requests = 0
    of_candidate, of_stable, excess = rate * (1 - rate), stable_rate * (1 - stable_rate), rate - stable_rate
    for hit, count, stable_hit, stable_count in cells:
        if not count or not stable_count:
            continue
        both = count + stable_count
        share = stable_count / both
        weight = count * share
        residual = hit - (hit + stable_hit) * count / both - excess * weight
        expected += weight * (of_candidate * share + of_stable * (1 - share))
        total += residual * residual
        products += before * residual
        before = residual
        residual = stable_hit - stable_rate * stable_count
        alone_expected += of_stable * stable_count
        alone += residual * residual
        alone_products += alone_before * residual
        alone_before = residual
        blocks += 1
        hits += hit + stable_hit
        requests += count
        stable_requests += stable_count
    if blocks < 2 or not expected:
        return Spread(0.0, blocks=blocks)
    lost = blocks / (blocks - 1)
    return Spread(
        round(total / expected * lost, 6),
        round(_unbiased(products / total, blocks), 6) if total else 0.0,
        round(alone / alone_expected * lost, 6) if alone_expected else 1.0,
        round(_unbiased(alone_products / alone, blocks), 6) if alone else 0.0,
        round(requests / (requests + stable_requests), 6),
        blocks,
        hits,
    )


def _unbiased(correlation: float, blocks: int) -> float:
    """Kendall 1954: short series show less correlation than there is."""
    return correlation + (1 + 3 * correlation) / blocks
