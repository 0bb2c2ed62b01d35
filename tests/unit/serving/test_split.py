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


def test_breaker_opens_at_the_fifth_failure_in_a_row_and_answers_of_forwards_under_way_do_not_close_it() -> None:
    breaker = Breaker()
    assert [breaker.failure(i) for i in range(OPENS_AFTER)] == [False] * 4 + [True]
    breaker.success()
    assert breaker.open


def opened(at: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(OPENS_AFTER):
        breaker.failure(at)
    return breaker


def test_open_breaker_tries_again_after_a_second_doubling_to_ten() -> None:
    breaker, now, waits = opened(), 0.0, []
    for _ in range(6):
        began = now
        while not breaker.try_now(now):
            now += 0.125
        waits.append(now - began)
        assert not breaker.try_now(now), "one at a time"
        breaker.tried(False, now)
    assert waits == [1, 2, 4, 8, 10, 10]


def test_trial_that_came_to_nothing_is_followed_by_the_next() -> None:
    breaker = opened()
    assert breaker.try_now(1.0)
    breaker.tried(None, 1.0)
    assert breaker.try_now(1.001)


def test_trial_that_got_lost_is_followed_by_another_in_time() -> None:
    breaker = opened()
    assert breaker.try_now(1.0)
    assert [breaker.try_now(10.9), breaker.try_now(11.0)] == [False, True]


def test_breaker_that_a_trial_closed_opens_at_the_next_failure_and_waits_longer() -> None:
    breaker = opened()
    assert breaker.try_now(1.0)
    breaker.tried(True, 1.0)
    assert not breaker.open
    assert breaker.failure(1.1)
    assert [breaker.try_now(3.0), breaker.try_now(3.2)] == [False, True]
    breaker.tried(True, 3.2)
    breaker.success()
    assert [breaker.failure(4.0) for _ in range(OPENS_AFTER)] == [False] * 4 + [True]


def test_trial_of_an_older_setting_says_nothing_about_the_new_one() -> None:
    shared = [0, 0, 0, 0]
    older = Breaker(shared, epoch=1)
    for _ in range(OPENS_AFTER):
        older.failure(0.0)
    assert older.try_now(1.0)
    newer = Breaker(shared, epoch=2)
    for _ in range(OPENS_AFTER):
        newer.failure(1.5)
    older.tried(True, 2.0)
    assert newer.open
    assert [newer.try_now(2.4), newer.try_now(2.5)] == [False, True]


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
