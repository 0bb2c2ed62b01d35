"""Shares, keys and the breaker, without a network."""

import random

import pytest

from modelward_contracts.traffic import Traffic
from modelward_serving.traffic.breaker import FIRST_WINDOW, OPENS_AFTER, Breaker, Window
from modelward_serving.traffic.split import Split, sticky_share


def split(weight: int, **fields: object) -> Split:
    return Split(Traffic(deployment="ns/d", revision="r1", epoch=1, weight=weight, **fields), random.Random(1))  # type: ignore[arg-type]


@pytest.mark.parametrize("weight", [0, 1, 10, 33, 99, 100])
def test_every_hundred_requests_hold_exactly_the_weight(weight: int) -> None:
    chosen = split(weight)
    for _ in range(50):
        assert sum(chosen.picks({}) for _ in range(100)) == weight


def test_order_within_a_block_is_shuffled() -> None:
    chosen = split(50)
    blocks = {tuple(chosen.picks({}) for _ in range(100)) for _ in range(20)}
    assert len(blocks) == 20


def test_growing_weight_only_adds_sticky_keys() -> None:
    keys = [f"user-{i}".encode() for i in range(2000)]
    sides = {
        weight: {key for key in keys if split(weight, sticky_header="u").picks({b"u": key})}
        for weight in (0, 10, 50, 100)
    }
    assert sides[0] <= sides[10] <= sides[50] <= sides[100] == set(keys)
    assert not sides[0]
    assert 150 < len(sides[10]) < 250
    assert all(0 <= sticky_share(key) < 100 for key in keys)


def test_half_a_percent_of_errors_never_opens_the_breaker_in_a_million_requests() -> None:
    source, breaker = random.Random(7), Breaker()
    for now in range(1_000_000):
        if source.random() < 0.005:
            breaker.failure(now)
        else:
            breaker.success()
    assert not breaker.open


def test_breaker_opens_at_the_fifth_failure_in_a_row_and_stays_open() -> None:
    breaker = Breaker()
    assert [breaker.failure(i) for i in range(OPENS_AFTER)] == [False] * 4 + [True]
    breaker.success()
    assert breaker.open


def test_requests_that_met_the_same_pause_count_once() -> None:
    breaker = Breaker()
    breaker.failure(1.0)
    assert breaker.same_pause(0.99)
    assert not breaker.same_pause(1.01)


def test_hanging_candidate_gets_the_first_window_and_one_probe_at_a_time() -> None:
    window = Window()
    sent = sum(window.acquire(0.0, patience=1.0) for _ in range(100))
    assert sent == FIRST_WINDOW
    for _ in range(sent):
        window.failed(timed_out=True)
    assert [window.acquire(1.0, 1.0) for _ in range(3)] == [True, False, False]


def test_window_grows_with_answers_and_closes_at_silence() -> None:
    window = Window()
    for _ in range(100):
        assert window.acquire(0.0, patience=1.0)
        window.answered(0.0)
    assert sum(window.acquire(0.5, patience=1.0) for _ in range(60)) == 60
    assert not window.acquire(2.0, patience=1.0)
