"""Evidence that may be looked at after every request: binomial mixtures.

For two binomial samples and a hypothesis H about their rates, the e-value

    E = ∫ L(p_c, p_s) dπ(p_c, p_s)  /  sup over H of L(p_c, p_s)

is at any time at most (mixture likelihood / true likelihood) if H is true, a martingale that starts at 1: so by Ville's
inequality it ever reaches 1/α with probability at most α, however often one looks. Mixtures of likelihood ratios:
Robbins 1970, "Statistical methods related to the law of the iterated logarithm"; Lindon and Malek 2022 for counts; the
supremum in the denominator: Wasserman, Ramdas and Balakrishnan 2020, "Universal inference". Nothing is asymptotic: with
no failure seen it says what n good answers are worth.

Counts need not be whole: dependent counts are divided by their overdispersion first (`spread`), which makes L a
quasi-likelihood (McCullagh and Nelder 1989, chapter 9).
"""

from collections.abc import Sequence
from math import exp, inf, lgamma, log, log1p
from typing import NamedTuple

MOST = 1e9
"""Larger counts are scaled down, which only makes the evidence weaker: beyond it, log-gammas lose their digits."""

Prior = Sequence[tuple[float, float]]
"""Beta distributions (a, b), in equal parts."""
ANY: Prior = ((0.5, 0.5),)
RARE: Prior = ((0.5, 50.0), (0.5, 0.5))
"""Of failures: mostly below some percent, of any size where they are not."""
TENTH: Prior = ((2.0, 18.0), (0.5, 0.5))
"""Of answers above a threshold that some tenths of stable's exceed."""


class Table(NamedTuple):
    """Hits (failures, or slow answers) among what was counted, of either version."""

    hits: float
    total: float
    stable_hits: float
    stable_total: float

    def divided(self, overdispersion: float) -> "Table":
        by = max(overdispersion, (self.total + self.stable_total) / MOST, 1.0)
        return Table(self.hits / by, self.total / by, self.stable_hits / by, self.stable_total / by)

    @property
    def rate(self) -> float:
        return self.hits / self.total if self.total else 0.0

    @property
    def stable_rate(self) -> float:
        return self.stable_hits / self.stable_total if self.stable_total else 0.0


class Allowed(NamedTuple):
    """The candidate's rate may be `flat` + `slope` × stable's, and at most 1."""

    flat: float
    slope: float = 1.0

    def rate(self, stable: float) -> float:
        return min(1.0, self.flat + self.slope * stable)


def log_harm(table: Table, allowed: Allowed, prior: Prior) -> float:
    """Log e-value against "the candidate's rate is at most what is allowed". -inf where it seems to be."""
    if not table.total or not table.stable_total or table.rate <= allowed.rate(table.stable_rate):
        return -inf
    seen = log_mixture(table.hits, table.total, ANY) + log_mixture(table.stable_hits, table.stable_total, prior)
    return seen - log_supremum(table, allowed)


def log_fine(table: Table, allowed: Allowed, prior: Prior) -> float:
    """Log e-value against "the candidate's rate is at least what is allowed". -inf where it seems to be.

    The mixture is over one rate for both, which is where a good candidate lies.
    """
    if not table.total or not table.stable_total or table.rate >= allowed.rate(table.stable_rate):
        return -inf
    both = log_mixture(table.hits + table.stable_hits, table.total + table.stable_total, prior)
    return both - log_supremum(table, allowed)


def most_likely(table: Table) -> float:
    """Log of the largest likelihood of two equal rates."""
    hits, count = table.hits + table.stable_hits, table.total + table.stable_total
    return _log_likelihood(hits, count - hits, hits / count) if count else 0.0


def upper_excess(table: Table, level: float, prior: Prior) -> float:
    """Always-valid upper bound of (the candidate's rate - stable's): every larger excess has log_fine > log(1/level).
    1 where nothing is known."""
    low, high = max(table.rate - table.stable_rate, 1e-9), 1.0 - 1e-9
    for _ in range(30):
        middle = (low + high) / 2
        out = log_fine(table, Allowed(middle), prior) >= -log(level)
        low, high = (low, middle) if out else (middle, high)
    return high


def lower_excess(table: Table, level: float, prior: Prior) -> float:
    """Always-valid lower bound of (the candidate's rate - stable's); 0 where it may be none."""
    low, high = 0.0, max(table.rate - table.stable_rate, 1e-9)
    for _ in range(30):
        middle = (low + high) / 2
        out = log_harm(table, Allowed(max(middle, 1e-9)), prior) >= -log(level)
        low, high = (middle, high) if out else (low, middle)
    return low


def log_mixture(hits: float, count: float, prior: Prior) -> float:
    """Log of ∫ p^hits (1 - p)^(count - hits) dπ(p)."""
    terms = [log_beta(a + hits, b + count - hits) - log_beta(a, b) for a, b in prior]
    if len(terms) == 1:
        return terms[0]
    highest = max(terms)
    return highest + log(sum(exp(term - highest) for term in terms) / len(terms))


def log_beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def log_supremum(table: Table, allowed: Allowed) -> float:
    """Log of the largest likelihood on the line p_c = flat + slope·p_s, at which the supremum over either side lies.

    The log-likelihood is concave in p_s: the root of its slope is found by Newton's steps inside a shrinking bracket.
    """
    hits, count, stable_hits, stable_count = table
    flat, slope = allowed
    good, stable_good = count - hits, stable_count - stable_hits
    low, high = 0.0, min(1.0, (1.0 - flat) / slope)
    if not stable_hits and slope * (hits / flat - good / (1.0 - flat)) <= stable_good:
        return _log_likelihood(hits, good, flat)
    p = min((stable_hits + 0.5) / (stable_count + 1.0), high * (1 - 1e-9))
    for _ in range(60):
        q = flat + slope * p
        a, b, c, d = hits / q, good / max(1 - q, 1e-300), stable_hits / p, stable_good / (1 - p)
        gradient = slope * (a - b) + c - d
        low, high = (p, high) if gradient > 0 else (low, p)
        curvature = slope * slope * (a / q + b / max(1 - q, 1e-300)) + c / p + d / (1 - p)
        following = p + gradient / curvature if curvature else high
        if not low < following < high:
            following = (low + high) / 2
        if abs(following - p) <= 1e-10 * p or high - low <= 1e-13:
            break
        p = following
    return _log_likelihood(hits, good, flat + slope * p) + _log_likelihood(stable_hits, stable_good, p)


def _log_likelihood(hits: float, good: float, p: float) -> float:
    return (hits * log(p) if hits > 0 else 0.0) + (good * log1p(-p) if good > 0 else 0.0)
