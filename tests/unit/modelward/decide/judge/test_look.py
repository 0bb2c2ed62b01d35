"""What each look makes of a candidate."""

from collections.abc import Callable
from itertools import count

import msgspec
import numpy as np
import pytest

from modelward.decide.judge.look import Decision, judge
from modelward.decide.judge.terms import Terms
from modelward.decide.judge.trial import MOST_BYTES, Trial, taken_up
from modelward_contracts.trace import Counts, Look, Start, TraceStep

EDGES = [0.01, 0.02, 0.03, 0.05, 0.1, 0.2]
START = Start(edges=EDGES, steps=[TraceStep(weight=10), TraceStep(weight=50)])
Numbers = tuple[int, int, int, int]
"""Of one look: the candidate's requests and failures, stable's requests and failures."""


def latency(answers: int, slower: int = 0) -> list[int]:
    shares = [0.1, 0.3, 0.3, 0.2, 0.1, 0.0, 0.0]
    counts = [int(answers * share) for share in shares[-slower:] + shares[:-slower]] if slower else []
    counts = counts or [int(answers * share) for share in shares]
    counts[2 + slower] += answers - sum(counts)
    return counts


def look(t: float, weight: float, numbers: Numbers, slower: int = 0, complete: bool = True) -> Look:
    requests, failures, stable_requests, stable_failures = numbers
    return Look(
        t=t,
        weight=weight,
        candidate=Counts(requests=requests, failures=failures, latency=latency(requests - failures, slower)),
        stable=Counts(
            requests=stable_requests, failures=stable_failures, latency=latency(stable_requests - stable_failures)
        ),
        complete=complete,
    )


def play(
    numbers: Callable[[float, float], Numbers], until: float = 4000, start: Start = START, slower: int = 0
) -> tuple[Decision, float, Trial]:
    """Look every two seconds; `numbers(weight, t)` are what is counted in between."""
    trial, decision, t = Trial(), Decision("NoEvidence", "", ""), 0.0
    for t in map(float, range(2, int(until) + 1, 2)):
        weight = start.steps[trial.step].weight
        trial, decision = judge(trial, look(t, weight, numbers(weight, t), slower), start, Terms())
        if decision.final:
            break
    return decision, t, trial


def of(rng: np.random.Generator, rate: float, errors: float, stable_errors: float) -> Callable[[float, float], Numbers]:
    def numbers(weight: float, t: float) -> Numbers:
        total = int(rng.poisson(2 * rate))
        n = int(rng.binomial(total, weight / 100))
        return n, int(rng.binomial(n, errors)), total - n, int(rng.binomial(total - n, stable_errors))

    return numbers


def test_equal_versions_are_promoted_on_proof() -> None:
    decision, t, trial = play(of(np.random.default_rng(1), 100, 0.005, 0.005))
    assert (decision.outcome, decision.reason, trial.step) == ("Promoted", "Proven", 1)
    assert t < 900


def test_ten_of_ten_failures_are_harm() -> None:
    each = count()
    decision, _, _ = play(lambda w, t: (1, 1, 9, 0) if next(each) < 10 else (0, 0, 10, 0))
    assert (decision.outcome, decision.reason) == ("Harm", "Errors")


def test_a_run_of_failures_after_good_answers_is_no_harm() -> None:
    decision, _, _ = play(lambda w, t: (20, 8 if t == 100 else 0, 180, 0), until=120)
    assert decision.outcome == "NoEvidence"


def test_answers_that_are_all_slow_where_none_of_stable_are_is_harm() -> None:
    start = Start(edges=[0.01, 0.02], steps=[TraceStep(weight=10)])
    trial, decision = Trial(), Decision("NoEvidence", "", "")
    for t in range(0, 60, 2):
        answers = Counts(requests=50, latency=[0, 0, 50]), Counts(requests=500, latency=[500, 0, 0])
        counted = Look(t=float(t), weight=10, candidate=answers[0], stable=answers[1])
        trial, decision = judge(trial, counted, start, Terms())
    assert (decision.outcome, decision.reason) == ("Harm", "Latency")


@pytest.mark.parametrize(("slow_at", "reason"), [(2, "Proven"), (4, "Latency")])
def test_tenth_of_the_requests_makes_cold_caches_and_no_slow_version(slow_at: int, reason: str) -> None:
    """A third of the candidate's answers takes 4 ms where stable's take 0.5: nothing. Where they take 20 ms: harm."""
    start = Start(edges=[0.0005, 0.001, 0.004, 0.01, 0.02], steps=[TraceStep(weight=10)])
    trial, decision = Trial(), Decision("NoEvidence", "", "")
    for t in range(0, 3000, 2):
        slow = [5 if index == slow_at else 0 for index in range(6)]
        candidate, stable = [10, *slow[1:]], [150, 2, 1, 0, 0, 0]
        counted = Look(
            t=float(t),
            weight=10,
            candidate=Counts(requests=15, latency=candidate),
            stable=Counts(requests=153, latency=stable),
        )
        trial, decision = judge(trial, counted, start, Terms())
        if decision.final:
            break
    assert decision.reason == reason


def test_pause_of_the_operator_counts_towards_no_deadline() -> None:
    numbers = (0, 0, 10, 0)
    trial, _ = judge(Trial(), look(0.0, 10, numbers), START, Terms())
    trial, _ = judge(taken_up(trial), look(9000.0, 10, numbers), START, Terms())
    assert trial.waited == 0
    trial, _ = judge(trial, look(9002.0, 10, numbers), START, Terms())
    assert trial.waited == 2


def test_twenty_percent_errors_are_harm_within_three_minutes() -> None:
    decision, t, _ = play(of(np.random.default_rng(2), 10, 0.2, 0.005))
    assert decision.outcome == "Harm"
    assert t <= 180


@pytest.mark.parametrize("fault", [60, 300, 1000])
@pytest.mark.parametrize(("errors", "within"), [(0.5, 150), (0.2, 200)])
def test_fault_that_begins_late_does_not_drown_in_what_was_good_before(errors: float, within: int, fault: int) -> None:
    rng = np.random.default_rng(fault)
    good, bad = of(rng, 100, 0.005, 0.005), of(rng, 100, errors, 0.005)
    pause = Start(edges=EDGES, steps=[TraceStep(weight=10, duration=7200)])
    decision, t, _ = play(lambda w, t: (good if t < fault else bad)(w, t), start=pause)
    assert (decision.outcome, decision.reason) == ("Harm", "Errors")
    assert fault < t <= fault + within


def test_one_run_of_failures_is_no_harm_however_good_all_was_before() -> None:
    """Of runs of five on average one in 200 is as long; the breaker draws it out."""
    pause = Start(edges=EDGES, steps=[TraceStep(weight=10, duration=7200)])
    shielded = lambda w, t: (t % 10 == 0, t % 10 == 0, 10, t % 300 == 0) if 600 < t <= 860 else (10, 0, 10, 0)  # noqa: E731
    decision, _, _ = play(shielded, start=pause, until=2000)
    assert decision.reason == "StepDuration"


def test_many_failures_in_a_row_are_harm_however_rare_their_tries() -> None:
    """The breaker lets one request through every ten seconds."""
    pause = Start(edges=EDGES, steps=[TraceStep(weight=10, duration=7200)])
    shielded = lambda w, t: (20, 0, 180, 0) if t < 1000 else (t % 10 == 0, t % 10 == 0, 200, 0)  # noqa: E731
    decision, t, _ = play(shielded, start=pause)
    assert (decision.outcome, decision.reason) == ("Harm", "Errors")
    assert t <= 1390


def test_slower_answers_are_harm_within_two_minutes() -> None:
    decision, t, _ = play(of(np.random.default_rng(3), 10, 0.0, 0.0), slower=2)
    assert (decision.outcome, decision.reason) == ("Harm", "Latency")
    assert t <= 120


def test_a_single_failure_in_72_requests_sends_nobody_back() -> None:
    each = count()
    decision, t, _ = play(lambda w, t: (next(each) % 25 == 0, t == 102, 1, 0))
    assert (decision.outcome, decision.reason) == ("Promoted", "NoEvidence")
    assert t == pytest.approx(3602, abs=2)


def test_no_traffic_at_all_is_promoted_when_time_is_up() -> None:
    decision, _, _ = play(lambda w, t: (0, 0, 0, 0))
    assert (decision.outcome, decision.reason) == ("Promoted", "NoEvidence")


def test_a_step_that_lasts_longer_than_the_deadline_is_not_cut_short() -> None:
    start = Start(edges=EDGES, steps=[TraceStep(weight=10, duration=7200)])
    decision, t, _ = play(lambda w, t: (0, 0, 0, 0), start=start, until=8000)
    assert (decision.outcome, decision.reason) == ("Promoted", "NoEvidence")
    assert t == pytest.approx(7202, abs=2)


def test_a_third_of_few_requests_failing_is_sent_back_without_a_verdict() -> None:
    each = count()
    decision, _, _ = play(lambda w, t: (1, next(each) % 75 == 0, 9, 0) if t % 50 == 0 else (0, 0, 0, 0), until=3700)
    assert decision.outcome == "Promoted"
    each = count()
    decision, _, _ = play(lambda w, t: (1, next(each) % 3 == 2, 9, 0) if t % 100 == 0 else (0, 0, 0, 0))
    assert (decision.outcome, decision.reason) == ("SentBack", "NoEvidence")


def test_a_shift_that_both_see_while_weights_change_is_nobodys() -> None:
    rng = np.random.default_rng(4)
    good, bad = of(rng, 100, 0.001, 0.001), of(rng, 100, 0.08, 0.08)
    decision, _, _ = play(lambda w, t: (good if w == 10 else bad)(w, t))
    assert (decision.outcome, decision.reason) == ("Promoted", "Proven")


def test_where_stable_answers_nothing_a_good_candidate_is_promoted() -> None:
    decision, t, _ = play(of(np.random.default_rng(5), 10, 0.0, 1.0))
    assert decision.outcome == "Promoted"
    assert t < 1200


def test_where_both_fail_everything_nothing_is_concluded_before_time_is_up() -> None:
    decision, t, _ = play(of(np.random.default_rng(6), 10, 1.0, 1.0))
    assert (decision.outcome, decision.reason) == ("SentBack", "NoEvidence")
    assert t > 3600


def test_an_incomplete_look_holds_past_the_deadline_and_harm_is_seen_through_it() -> None:
    trial = Trial()
    for t in range(0, 4000, 2):
        trial, decision = judge(trial, look(t, 10, (0, 0, 0, 0), complete=False), START, Terms())
    assert decision.outcome == "MetricsDown"
    trial, decision = judge(trial, look(4000, 10, (9, 9, 90, 0), complete=False), START, Terms())
    assert decision.outcome == "Harm"


def test_an_hour_in_which_nobody_looked_does_not_use_up_the_time() -> None:
    trial, _ = judge(Trial(), look(0, 10, (1, 0, 9, 0)), START, Terms())
    trial, decision = judge(trial, look(3700, 10, (1, 0, 9, 0)), START, Terms())
    assert decision.outcome == "NoEvidence"


def test_a_rollout_of_one_step_to_everything_passes_with_its_time_and_answers() -> None:
    start = Start(edges=EDGES, steps=[TraceStep(weight=100, duration=30)])
    decision, t, _ = play(lambda w, t: (40, 0, 0, 0), start=start)
    assert (decision.outcome, t) == ("Promoted", 32)


def test_before_everything_goes_to_the_candidate_there_is_proof() -> None:
    start = Start(edges=EDGES, steps=[TraceStep(weight=50), TraceStep(weight=100)])
    rng = np.random.default_rng(7)
    _, _, trial = play(of(rng, 10, 0.03, 0.005), start=start, until=1000)
    assert trial.step == 0


@pytest.mark.parametrize("slower", [0, 2])
def test_an_operator_that_starts_anew_at_every_look_comes_to_the_same_verdict(slower: int) -> None:
    def verdict(again: bool) -> tuple[str, float]:
        numbers, trial = of(np.random.default_rng(8), 100, 0.005, 0.005), Trial()
        for t in range(2, 2000, 2):
            weight = START.steps[trial.step].weight
            trial, decision = judge(trial, look(t, weight, numbers(weight, t), slower), START, Terms())
            if decision.final:
                return decision.outcome, t
            if again:
                trial = msgspec.json.decode(msgspec.json.encode(trial), type=Trial)
        return "Held", t

    assert verdict(True) == verdict(False)


def test_the_trial_stays_small_however_long_it_takes_and_however_large_the_counts() -> None:
    many = Look(
        t=0.0,
        weight=10,
        candidate=Counts(requests=10**12, failures=3 * 10**9, latency=[10**11] * 92),
        stable=Counts(requests=10**13, failures=3 * 10**10, latency=[10**12] * 92),
        complete=False,
    )
    edges = np.geomspace(1e-5, 85, 91).tolist()
    start = Start(edges=edges, steps=[TraceStep(weight=10)], progress_deadline_seconds=1e9)
    trial = Trial()
    for t in range(0, 2000, 2):
        trial, decision = judge(trial, msgspec.structs.replace(many, t=float(t)), start, Terms())
        assert decision.outcome == "MetricsDown"
    assert len(msgspec.json.encode(trial)) < MOST_BYTES
