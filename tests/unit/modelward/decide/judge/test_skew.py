"""Drift of the candidate's own is told from what chance makes of a split."""

from collections import Counter
from random import Random
from statistics import pvariance

import pytest

from modelward.decide.judge.evidence import Evidence, SignalWindow, Window
from modelward.decide.judge.skew import judge_skew
from modelward_contracts.psi import psi, psi_variance

FLIGHTS = [1 / 64] * 64
"""Shares of the flight numbers that were known in training; the last bin is for those that were not."""
REFERENCE = [1500] * 64 + [0]
LEVEL = 0.01 / 16
NEW = 0.035
"""Of a new month's requests have a flight number that is new."""


def sample(random: Random, shares: list[float], rows: int) -> tuple[int, ...]:
    drawn = Counter(random.choices(range(len(shares)), shares, k=rows))
    return tuple(drawn[index] for index in range(len(shares)))


def outcome(candidate: tuple[int, ...], stable: tuple[int, ...], reference: list[int]) -> str:
    windows = [Window(signals={"x": SignalWindow("input", tuple(reference), c)}) for c in (candidate, stable)]
    return judge_skew(Evidence(*windows), 0.2, 300, LEVEL).outcome


def test_rare_values_that_both_versions_see_are_no_skew_however_the_split_falls() -> None:
    random, shares = Random(1), [share * (1 - NEW) for share in FLIGHTS] + [NEW]
    pairs = [(sample(random, shares, 324), sample(random, shares, 324)) for _ in range(500)]
    apart = [psi(REFERENCE, one) - psi(REFERENCE, other) for one, other in pairs]
    assert max(apart) > 0.2, "the numbers alone would have rolled a good version back"
    assert {outcome(one, other, REFERENCE) for one, other in pairs} == {"Ok"}


@pytest.mark.parametrize("rows", [300, 3000])
def test_another_unit_is_skew_from_the_first_rows_on(rows: int) -> None:
    random, reference = Random(2), [1000] * 10
    for _ in range(50):
        stable = sample(random, [0.1] * 10, rows)
        kilometres = sample(random, [0.06] * 5 + [0.06] * 4 + [0.46], rows)
        assert outcome(kilometres, stable, reference) == "Harm"


def test_looks_at_every_moment_and_at_every_signal_find_nothing_in_equal_versions() -> None:
    """With no allowance at all, so that the bound alone decides: 12 signals, looks from 300 to 6,000 rows."""
    random, reference, told = Random(5), tuple(1000 for _ in range(10)), 0
    for _ in range(60):
        sides = [[[0] * 10 for _ in range(12)] for _ in range(2)]
        for look in range(40):
            for side in sides:
                for counts in side:
                    for value in random.choices(range(10), k=300 if look == 0 else 150):
                        counts[value] += 1
            windows = [
                Window(
                    signals={str(n): SignalWindow("input", reference, tuple(counts)) for n, counts in enumerate(side)}
                )
                for side in sides
            ]
            if judge_skew(Evidence(*windows), 1e-9, 300, 0.2).outcome == "Harm":
                told += 1
                break
    assert told <= 12, f"{told} of 60, and a fifth was allowed"


def batches(random: Random, requests: int) -> Window:
    """Each request brings 500 rows of one store, of whom there are ten."""
    stores = Counter(random.choices(range(10), k=requests))
    return Window(
        requests=requests, signals={"x": SignalWindow("input", (1000,) * 10, tuple(500 * stores[s] for s in range(10)))}
    )


@pytest.mark.parametrize(("candidate", "stable"), [(6, 54), (40, 360), (400, 3600)])
def test_requests_of_many_rows_that_are_alike_are_no_skew_however_they_fall(candidate: int, stable: int) -> None:
    random = Random(4)
    found = {
        judge_skew(Evidence(batches(random, candidate), batches(random, stable)), 0.2, 100, LEVEL).outcome
        for _ in range(200)
    }
    assert "Harm" not in found


def test_column_is_named_rather_than_the_projection_that_shows_more() -> None:
    reference, stable = (1000,) * 4, (250,) * 4

    def window(distance: tuple[int, ...], projection: tuple[int, ...]) -> Window:
        signals = {
            "input distance": SignalWindow("input", reference, distance),
            "projection ~pc1": SignalWindow("projection", reference, projection),
        }
        return Window(signals=signals)

    found = judge_skew(Evidence(window((50, 50, 100, 800), (0, 0, 0, 1000)), window(stable, stable)), 0.2, 300, LEVEL)
    assert found.message.startswith("input distance has PSI")


def test_variance_is_that_of_repeated_samples() -> None:
    random, shares, reference = Random(3), [0.3, 0.3, 0.25, 0.15], [20_000, 30_000, 30_000, 20_000]
    samples = [sample(random, shares, 2000) for _ in range(1000)]
    found = pvariance([psi(reference, counts) for counts in samples])
    assert psi_variance(reference, samples[0]) == pytest.approx(found, rel=0.35)
