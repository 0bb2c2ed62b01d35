"""Would these counts surprise anyone if both versions were equal? What decides when time is up."""

from math import erfc, exp, lgamma, log, log1p, sqrt

from .mixture import Table

MANY = 10_000
"""Hits from which on the normal distribution is as good."""


def surprise(table: Table) -> float:
    """Probability that of the hits of two equal versions so many, or more, fall to the candidate: the upper tail of a
    binomial with its share of the counts (the conditional test of Przyborowski and Wilenski 1940). 1 where there were
    no hits or nothing to compare with. Conservative where hits are no rare events."""
    hits, count, stable_hits, stable_count = table
    if hits <= 0 or not count or not stable_count:
        return 1.0
    share = count / (count + stable_count)
    total = hits + stable_hits
    if total > MANY:
        return erfc((hits - total * share) / sqrt(2 * total * share * (1 - share))) / 2
    return beta_below(share, hits, stable_hits + 1.0)


def beta_below(x: float, a: float, b: float) -> float:
    """Regularized incomplete beta function I_x(a, b), by its continued fraction (DLMF 8.17.22, evaluated after Lentz).

    For whole a and b it is the probability of at least a hits among a + b - 1 trials with probability x.
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):
        return 1 - beta_below(1 - x, b, a)
    fraction = c = 1.0
    d = 0.0
    for j in range(1, 2000):
        m = j // 2
        if j % 2:
            term = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        else:
            term = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        d = 1 / (1 + term * d)
        c = 1 + term / c
        fraction *= c * d
        if abs(c * d - 1) < 1e-12:
            break
    return exp(lgamma(a + b) - lgamma(a + 1) - lgamma(b) + a * log(x) + b * log1p(-x)) / fraction
