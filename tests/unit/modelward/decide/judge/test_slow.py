"""What is slow, and how much of it is allowed."""

from math import log

import numpy as np
import pytest
from scipy.stats import norm

from modelward.decide.judge.slow import LEAST, SHARE, allowed, at_weight, thresholds

EDGES = tuple(np.geomspace(0.005, 2.0, 60).tolist())


def histogram(median: float = 0.05, sigma: float = 0.5, n: int = 1_000_000) -> list[int]:
    below = norm.cdf((np.log(EDGES) - log(median)) / sigma)
    return [round(n * share) for share in np.diff([0, *below, 1])]


def test_slow_is_above_an_edge_near_the_share_of_stable_that_is_meant() -> None:
    counts = histogram()
    low, middle, high = thresholds(EDGES, counts)
    assert sum(counts[middle + 1 :]) / sum(counts) == pytest.approx(SHARE, abs=0.03)
    assert EDGES[low] < 0.7 * EDGES[middle] < EDGES[middle] < 0.7 * EDGES[high]


@pytest.mark.parametrize("sigma", [0.1, 0.5, 1.0])
def test_as_many_are_allowed_as_stable_would_have_were_it_so_many_times_slower(sigma: float) -> None:
    counts = histogram(sigma=sigma)
    edge = thresholds(EDGES, counts)[1]
    above = [1 - norm.cdf((log(EDGES[edge]) - log(0.05 * times)) / sigma) for times in (1.0, 1.4)]
    assert allowed(EDGES, counts, edge, 1.4) == pytest.approx(above[1] - above[0], rel=0.15)


def test_less_than_a_millisecond_harms_nobody() -> None:
    edges = (0.0001, 0.0002, 0.0004, 0.0008)
    assert allowed(edges, (10, 10, 10, 10, 10), 2, 1.4) == 1.0


def test_histograms_of_few_edges_or_none_have_their_thresholds_too() -> None:
    assert thresholds((), [7]) == ()
    assert thresholds((0.1,), [90, 10]) == (0,)
    assert thresholds((0.1, 0.2), [0, 0, 50]) == (1,) or thresholds((0.1, 0.2), [0, 0, 50])[-1] == 1


def test_where_stable_answers_in_less_than_the_slack_slow_is_what_takes_twice_as_long() -> None:
    edges = [0.0002 * 1.17**n for n in range(60)]
    counts = [100] * 8 + [0] * 53
    found = thresholds(edges, counts)
    assert all(0.0015 < edges[index] < 0.0025 for index in found)
    assert allowed(edges, counts, found[0], 1.45) == LEAST


@pytest.mark.parametrize(("weight", "seconds"), [(10, 0.011), (49, 0.011), (50, 0.002), (90, 0.002), (None, 0.002)])
def test_answers_within_ten_milliseconds_are_slow_only_where_both_are_asked_as_often(
    weight: float | None, seconds: float
) -> None:
    edges = [0.001, 0.002, 0.004, 0.009, 0.011, 0.02]
    assert edges[at_weight(edges, 1, weight)] == seconds
    assert at_weight(edges, 5, weight) == 5
    assert at_weight([0.001, 0.002], 0, 10) == 1, "the last edge, if all are below"
