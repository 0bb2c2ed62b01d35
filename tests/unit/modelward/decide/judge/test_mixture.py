"""The e-values, against an independent implementation and by exact enumeration."""

from collections import defaultdict
from math import log

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import betaln, xlog1py, xlogy

from modelward.decide.judge.mixture import (
    ANY,
    RARE,
    TENTH,
    Allowed,
    Table,
    log_fine,
    log_harm,
    log_mixture,
    log_supremum,
    lower_excess,
    upper_excess,
)

TABLES = [
    Table(0, 300, 0, 2700),
    Table(7, 7, 0, 63),
    Table(3.5, 120.2, 1.25, 990.1),
    Table(40, 200, 9, 1800),
    Table(200, 200, 200, 200),
    Table(12e6, 900e6, 5e6, 950e6),
]
LINES = [Allowed(1e-9), Allowed(0.01), Allowed(0.01, 1.75), Allowed(0.3)]


@pytest.mark.parametrize("prior", [ANY, RARE, TENTH])
@pytest.mark.parametrize("table", TABLES)
def test_mixture_is_that_of_scipy(table: Table, prior: tuple[tuple[float, float], ...]) -> None:
    terms = [betaln(a + table.hits, b + table.total - table.hits) - betaln(a, b) for a, b in prior]
    expected = np.logaddexp.reduce(terms) - log(len(terms))
    assert log_mixture(table.hits, table.total, prior) == pytest.approx(expected, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("table", TABLES)
def test_supremum_is_that_of_a_numerical_search(table: Table, line: Allowed) -> None:
    def minus(p: float) -> float:
        q = line.flat + line.slope * p
        both = xlogy(table.hits, q) + xlog1py(table.total - table.hits, -q)
        return -float(both + xlogy(table.stable_hits, p) + xlog1py(table.stable_total - table.stable_hits, -p))

    top = min(1.0, (1 - line.flat) / line.slope)
    inner = minimize_scalar(minus, bounds=(0, top), method="bounded", options={"xatol": 1e-14})
    best = -min(inner.fun, minus(0.0), minus(top * (1 - 1e-15)))
    assert log_supremum(table, line) == pytest.approx(best, rel=1e-6, abs=1e-5)


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5])
def test_equal_versions_are_called_harmful_at_most_so_often_however_often_one_looks(rate: float) -> None:
    level = 0.1
    wrong = ever(rate, rate, lambda table: log_harm(table, Allowed(1e-9), RARE) >= -log(level))
    assert wrong <= level


@pytest.mark.parametrize(("rate", "excess"), [(0.05, 0.2), (0.3, 0.3)])
def test_what_is_as_bad_as_just_not_allowed_is_proven_fine_at_most_so_often(rate: float, excess: float) -> None:
    level = 0.1
    wrong = ever(rate + excess, rate, lambda table: log_fine(table, Allowed(excess), RARE) >= -log(level))
    assert wrong <= level


def ever(rate: float, stable_rate: float, decided, looks: int = 60) -> float:  # type: ignore[no-untyped-def]
    """Exact probability that something is decided at any of the looks, with one request to either version a look."""
    states: dict[tuple[int, int], float] = {(0, 0): 1.0}
    done = 0.0
    for n in range(1, looks + 1):
        after: defaultdict[tuple[int, int], float] = defaultdict(float)
        for (hits, stable_hits), probability in states.items():
            for hit, p in ((0, 1 - rate), (1, rate)):
                for stable_hit, q in ((0, 1 - stable_rate), (1, stable_rate)):
                    after[hits + hit, stable_hits + stable_hit] += probability * p * q
        states = {}
        for (hits, stable_hits), probability in after.items():
            if decided(Table(hits, n, stable_hits, n)):
                done += probability
            else:
                states[hits, stable_hits] = probability
    return done


def test_bounds_hold_the_excess_between_them_and_narrow() -> None:
    few, many = Table(6, 300, 15, 2700), Table(600, 30_000, 1500, 270_000)
    excess = few.rate - few.stable_rate
    for table in (few, many):
        assert lower_excess(table, 0.01, RARE) <= excess <= upper_excess(table, 0.05, RARE)
    assert upper_excess(many, 0.05, RARE) < upper_excess(few, 0.05, RARE) < 1
    assert lower_excess(many, 0.01, RARE) > 0


def test_no_failure_seen_proves_only_what_its_number_of_requests_can() -> None:
    assert upper_excess(Table(0, 30, 0, 270), 0.1, RARE) > 0.05
    assert upper_excess(Table(0, 3000, 0, 3000), 0.1, RARE) < 0.002
