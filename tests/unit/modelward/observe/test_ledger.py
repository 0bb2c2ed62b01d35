"""Counters of many lives of many servers, as windows of time."""

from typing import Any

from modelward.observe.ledger import Ledger, served
from modelward_contracts.monitor import Forwards, Histogram, Snapshot

BEGAN = 1000.0


def snapshot(pod: str, answered: int, started: float = BEGAN - 100, revision: str = "a", **more: Any) -> Snapshot:
    values = {
        "scored": {"200": answered},
        "model": "m",
        "profile": "p",
        "epoch": 1,
        "ready": True,
        "latency": Histogram(edges=[0.01], counts=[answered, 0], sum=0.0),
        "forwards": {},
        "connections": 0,
        "in_flight": 0,
        "signals": [],
    }
    return Snapshot(pod=pod, revision=revision, started=started, **{**values, **more})


def requests(ledger: Ledger, mark: str, revision: str = "a") -> int:
    return served(ledger.since(mark, revision)).requests


def looking_on(*snapshots: Snapshot) -> Ledger:
    ledger = Ledger(BEGAN)
    ledger.mark("rollout")
    ledger.record(snapshots)
    return ledger


def test_operator_that_comes_back_compares_over_the_same_time_and_forgets_no_failure() -> None:
    """The candidate's pod is younger than the rollout, and older than this process."""

    def seen(old: int, new: int, failed: int) -> list[Snapshot]:
        scored = {"200": new, "500": failed}
        return [snapshot("old", old), snapshot("new", new, started=BEGAN - 10, revision="b", scored=scored)]

    ledger = Ledger(BEGAN)
    ledger.mark("rollout")
    ledger.record(seen(5000, 700, 40), since=BEGAN - 20)
    ledger.record(seen(5090, 710, 41), since=BEGAN - 20)
    stable, candidate = served(ledger.since("rollout", "a")), served(ledger.since("rollout", "b"))
    assert (stable.latency.total, candidate.latency.total) == (90, 10)
    assert (candidate.requests, candidate.failures) == (751, 41)


def test_server_that_starts_while_we_look_on_counts_from_its_own_zero() -> None:
    ledger = looking_on(snapshot("old", 5000))
    ledger.record([snapshot("old", 5000), snapshot("new", 7, started=BEGAN + 5)])
    assert requests(ledger, "rollout") == 7


def test_server_that_answers_only_later_brings_no_past_with_it() -> None:
    ledger = looking_on(snapshot("one", 10))
    ledger.record([snapshot("one", 11), snapshot("other", 900)])
    ledger.record([snapshot("one", 12), snapshot("other", 903)])
    assert requests(ledger, "rollout") == 5


def test_restarted_process_loses_nothing_that_was_counted() -> None:
    ledger = looking_on(snapshot("pod", 100))
    ledger.record([snapshot("pod", 150)])
    ledger.record([snapshot("pod", 20, started=BEGAN + 60)])
    assert requests(ledger, "rollout") == 70


def test_window_is_what_was_counted_since_its_mark() -> None:
    ledger = looking_on(snapshot("pod", 100))
    ledger.record([snapshot("pod", 150)])
    ledger.mark("step")
    ledger.record([snapshot("pod", 160)])
    assert (requests(ledger, "rollout"), requests(ledger, "step")) == (60, 10)


def test_failures_that_say_nothing_of_the_candidate_are_not_counted() -> None:
    def handed(answered: int, **failures: int) -> Snapshot:
        tried = answered + sum(failures.values())
        forwards = Forwards(attempts=tried, answered=answered, failures=failures, breaker_open=False)
        return snapshot("pod", 0, forwards={"b": forwards})

    ledger = looking_on(handed(0))
    ledger.record([handed(10, status5xx=2, deadline=1, capped=50, refused=4, same_pause=3)])
    assert ledger.since("rollout", "a").failed["b"] == 3
    assert ledger.since("rollout", "a").answered["b"] == 10
