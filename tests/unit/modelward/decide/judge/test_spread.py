"""Overdispersion is found where it is, and only there."""

import numpy as np
import pytest

from modelward.decide.judge.spread import Cell, spread

Rng = np.random.Generator
BLOCKS = 48


def clustered(rng: Rng, requests: int, blocks: int, rate: float, mean: float) -> list[int]:
    """Failures in blocks of requests, in geometric runs."""
    failed = np.zeros(requests * blocks, int)
    for start in np.flatnonzero(rng.random(len(failed)) < rate / mean):
        failed[start : start + rng.geometric(1 / mean)] = 1
    return [int(n) for n in failed.reshape(blocks, requests).sum(axis=1)]


def measured(hits: list[int], stable_hits: list[int], requests: int, stable_requests: int) -> float:
    cells: list[Cell] = [(h, requests, s, stable_requests) for h, s in zip(hits, stable_hits, strict=True)]
    found = spread(cells, sum(hits) / (requests * BLOCKS), sum(stable_hits) / (stable_requests * BLOCKS))
    return found.overdispersion(1.0, 0.01, 0.0)


@pytest.mark.parametrize(("mean", "expected"), [(1.0, 1.0), (5.0, 9.0), (10.0, 19.0)])
def test_clusters_count_as_often_as_geometric_runs_repeat(mean: float, expected: float) -> None:
    rng = np.random.default_rng(1)
    found = [measured(*(clustered(rng, 500, BLOCKS, 0.02, mean) for _ in range(2)), 500, 500) for _ in range(60)]
    assert np.median(found) == pytest.approx(expected, rel=0.35)


def test_a_shift_that_both_versions_share_is_no_overdispersion() -> None:
    rng = np.random.default_rng(2)
    waves = 0.05 + 0.04 * np.sin(np.arange(BLOCKS))
    hits, stable_hits = ([int(n) for n in rng.binomial(500, waves)] for _ in range(2))
    assert measured(hits, stable_hits, 500, 500) < 2


def test_waves_of_stable_alone_warn_before_the_few_requests_of_the_candidate_show_any() -> None:
    rng = np.random.default_rng(3)
    level, cells = 0.0, []
    for _ in range(20):
        level = 0.9 * level + rng.normal(0, 0.44)
        share = 1 / (1 + np.exp(2 - level))
        cells.append((int(rng.binomial(5, 0.15)), 5, int(rng.binomial(180, share)), 180))
    found = spread(cells, 0.15, sum(c[2] for c in cells) / 3600)
    assert found.overdispersion(1.0, 0.01, 2.0) > 2 * found.overdispersion(1.0, 0.01, 0.0)


def test_nothing_measured_is_what_is_usual() -> None:
    assert spread([], 0.0, 0.0).overdispersion(9.0, 6.0, 0.0) == 9.0
    assert spread([(0, 10, 0, 90)] * 30, 0.0, 0.0).overdispersion(9.0, 6.0, 0.0) == 9.0
