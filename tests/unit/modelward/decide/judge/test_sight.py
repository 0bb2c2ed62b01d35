"""The tail that decides when time is up, against scipy's."""

import numpy as np
import pytest
from scipy.special import betainc
from scipy.stats import binom

from modelward.decide.judge.mixture import Table
from modelward.decide.judge.sight import beta_below, surprise


def test_incomplete_beta_is_that_of_scipy() -> None:
    rng = np.random.default_rng(1)
    for _ in range(500):
        x, a, b = rng.random(), *np.exp(rng.uniform(-3, 8, 2))
        assert beta_below(x, a, b) == pytest.approx(betainc(a, b, x), rel=1e-6, abs=1e-12)


@pytest.mark.parametrize(("hits", "stable_hits"), [(1, 0), (5, 2), (30, 200)])
def test_whole_counts_give_the_binomial_tail(hits: int, stable_hits: int) -> None:
    expected = binom.sf(hits - 1, hits + stable_hits, 0.1)
    assert surprise(Table(hits, 100, stable_hits, 900)) == pytest.approx(expected, rel=1e-9)


def test_many_hits_go_over_into_the_normal_tail_without_a_jump() -> None:
    def around(hits: float) -> float:
        return surprise(Table(hits, 1e5, 1e4 - hits + (0.5 if hits % 1 else -0.5), 9e5))

    below, above = around(1030), around(1030.5)
    assert below == pytest.approx(above, abs=0.03)


def test_nothing_to_compare_surprises_nobody() -> None:
    assert surprise(Table(3, 10, 0, 0)) == surprise(Table(0, 10, 5, 10)) == 1
