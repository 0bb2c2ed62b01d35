"""What each look at the counters makes of a candidate on trial.

`judge` is a pure function (trial, look) → (trial, decision), for traces. A rollout asks `harm`, `held` and `against`
one by one, because pods, pauses and people have a say there as well.

Harm is concluded beyond doubt, at any time. A step passes when it had its time and its answers and nothing speaks
against the candidate. Promotion, and a step that leaves stable without requests, take proof that the excess is below
the limit: never time alone. When time is up, what was seen decides.
"""

from dataclasses import dataclass
from math import ceil, log
from typing import Literal

from modelward_contracts.trace import Look, Start

from .evidence import UNANSWERED
from .metric import ERRORS, LATENCY, MISSED, Kind, Metric, metrics_of
from .mixture import lower_excess, upper_excess
from .terms import Terms
from .trial import FAILURES, REQUESTS, STABLE_FAILURES, STABLE_REQUESTS, WINDOW_SECONDS, Trial, counted, in_step

Outcome = Literal["Harm", "NoEvidence", "MetricsDown", "Passed", "Promoted", "SentBack"]
"""Harm: roll back, with a verdict. SentBack: roll back without one. NoEvidence and MetricsDown: hold. Passed: the next
step is in force."""

FAILS_NEXT = 0.8
"""Probability that the request after a failed one fails as well, in clusters of five on average (geometric)."""
HONEST = 0.02
"""Share of failures up to which a version in service is common."""
MANY_RUNS = 4
"""Sum of 1 / n over 30 runs, as many as an honest version has in an hour at 2 % errors and two requests/s."""


@dataclass(frozen=True)
class Decision:
    outcome: Outcome
    reason: str
    message: str

    @property
    def final(self) -> bool:
        return self.outcome in ("Harm", "Promoted", "SentBack")


def judge(trial: Trial, look: Look, start: Start, terms: Terms) -> tuple[Trial, Decision]:
    """`look`: what was counted since the look before, under the weight of the trial's step."""
    trial = counted(trial, look, start, terms)
    decision = (
        harm(trial, terms)
        or _blind(look)
        or _time_is_up(trial, start, terms)
        or held(trial, start, terms)
        or _passed(trial, start)
    )
    if decision.outcome == "Passed":
        trial = in_step(trial, trial.step + 1)
    return trial, decision


def run_of_failures(level: float, starts: float = HONEST) -> int:
    """So many failures in a row brand a version: a run is that long in an honest one with probability
    FAILS_NEXT^(n - 1), at most about `level` over `starts` runs."""
    return max(3, ceil(log(level / starts) / log(FAILS_NEXT)))


def harm(trial: Trial, terms: Terms, at_random: bool = True) -> Decision | None:
    """`at_random`: both versions see the same requests. Where they do not, only failures are the candidate's doing:
    the version in service answered each of those requests.

    Of the false-alarm budget seven sixteenths go to what fails from the start, an eighth each to errors, to latency,
    and to both in what came lately, a sixteenth each to failures in a row later on, to what comes after the promotion,
    and to drift of the candidate's own."""
    kinds = (ERRORS, LATENCY) if at_random else (ERRORS,)
    return _fails_all(trial, terms.false_rollbacks) or _worse(trial, terms, kinds) or _worse_lately(trial, terms, kinds)


def _fails_all(trial: Trial, budget: float) -> Decision | None:
    if _stable_down(trial):
        return None
    requests, failures = _total(trial, REQUESTS), _total(trial, FAILURES)
    if failures == requests >= run_of_failures(budget * 7 / 16):
        return Decision("Harm", "Errors", f"each of the first {requests} requests to the candidate failed")
    run = trial.failed_in_a_row
    if failures < requests and run >= _run_by_now(trial, budget):
        return Decision("Harm", "Errors", f"each of the last {run} requests to the candidate failed")
    return None


def _run_by_now(trial: Trial, budget: float) -> int:
    """So many failures in a row are harm: the n-th run has 1 / n of a sixteenth of the budget over `MANY_RUNS`."""
    requests, earlier = _total(trial, REQUESTS), _total(trial, FAILURES) - trial.failed_in_a_row
    share = requests / (requests + _total(trial, STABLE_REQUESTS)) if requests else 1.0
    runs = 1 + (earlier + _total(trial, STABLE_FAILURES) * share) * (1 - FAILS_NEXT)
    return run_of_failures(budget / 16 / MANY_RUNS, runs)


def _worse(trial: Trial, terms: Terms, kinds: tuple[Kind, ...]) -> Decision | None:
    for metric in metrics_of(trial, terms):
        if metric.kind in kinds and metric.harmful(terms.false_rollbacks / 8):
            return Decision("Harm", metric.kind.reason, str(metric))
    return None


def _worse_lately(trial: Trial, terms: Terms, kinds: tuple[Kind, ...]) -> Decision | None:
    """Half of the budget for each metric, a third of that for each length; the n-th has 1 / (n(n + 1)) of it. Little
    time shows less dependence than there is: what is usual is assumed at least, and failures that could be one run
    are judged as that."""
    one_run = _run_by_now(trial, terms.false_rollbacks)
    for window in trial.windows:
        level = terms.false_rollbacks / 16 / len(WINDOW_SECONDS) / (window.nth * (window.nth + 1))
        for metric in metrics_of(window.trial, terms):
            kind = metric.kind
            if (
                kind in kinds
                and window.trial.waited >= kind.least_seconds
                and (kind is not ERRORS or _total(window.trial, FAILURES) >= one_run)
                and metric.harmful(level, kind.branding.prior)
            ):
                return Decision("Harm", kind.reason, f"lately, {metric}")
    return None


def _total(trial: Trial, index: int) -> int:
    return sum(sums[index] for sums in trial.weights)


def answers_in_step(trial: Trial) -> int:
    """Good ones, of the candidate."""
    return sum(sums[REQUESTS] - sums[FAILURES] for sums in trial.weights[trial.first :])


def _stable_down(trial: Trial) -> bool:
    """It fails half of its own requests: nothing of that is compared."""
    return 2 * _total(trial, STABLE_FAILURES) > _total(trial, STABLE_REQUESTS)


def _blind(look: Look) -> Decision | None:
    if look.complete:
        return None
    return Decision("MetricsDown", "MetricsUnavailable", UNANSWERED)


def _time_is_up(trial: Trial, start: Start, terms: Terms) -> Decision | None:
    """No step is cut short of the time that it was given."""
    if trial.waited < start.progress_deadline_seconds or _lasts(trial, start):
        return None
    if seen := against(trial, terms):
        return Decision("SentBack", "NoEvidence", f"time is up, and {seen}")
    requests = _total(trial, REQUESTS)
    return Decision("Promoted", "NoEvidence", f"time is up, and nothing speaks against it in {requests} requests")


def against(trial: Trial, terms: Terms) -> str:
    """What was seen that an equal version would hardly show. One failure, or one cluster of them, surprises nobody."""
    requests, failures = _total(trial, REQUESTS), _total(trial, FAILURES)
    if failures == requests > 1:
        return f"each of {requests} requests failed"
    metric = next((metric for metric in metrics_of(trial, terms) if metric.surprising), None)
    return f"an equal version would surprise: {metric}" if metric else ""


def held(trial: Trial, start: Start, terms: Terms) -> Decision | None:
    """Why the step does not pass yet."""
    answers, needed = answers_in_step(trial), _needed(trial, start, terms)
    if answers < needed:
        return Decision("NoEvidence", "TooFewRequests", f"{answers} of {needed} answers in this step")
    if _lasts(trial, start):
        return Decision("NoEvidence", "StepDuration", f"the step lasts {start.steps[trial.step].duration:g} s")
    metrics = metrics_of(trial, terms)
    if _leaves_stable(trial, start) and (unproven := [metric for metric in metrics if not metric.proven]):
        return Decision("NoEvidence", "NotProven", _missing(unproven, trial))
    lately = metrics_of(trial.windows[-1].trial, terms) if trial.windows else metrics
    suspicious = next((metric for metric in lately if metric.suspicious), None)
    message = f"an equal version would surprise: {suspicious}"
    return Decision("NoEvidence", "Suspicious", message) if suspicious else None


def _needed(trial: Trial, start: Start, terms: Terms) -> int:
    step = start.steps[trial.step]
    return (step.minimum_requests or terms.minimum_requests) if step.weight else 0


def _lasts(trial: Trial, start: Start) -> bool:
    """The step has not had its time yet."""
    assert trial.seen is not None
    assert trial.step_started is not None
    return trial.seen - trial.step_started < start.steps[trial.step].duration


def _leaves_stable(trial: Trial, start: Start) -> bool:
    """After this step nothing more can be compared. Where all goes to the candidate, nothing can even now."""
    following = trial.step + 1
    last = following >= len(start.steps) or start.steps[following].weight >= 100
    return last and start.steps[trial.step].weight < 100


def _missing(unproven: list[Metric], trial: Trial) -> str:
    worst = min(unproven, key=lambda metric: metric.fine)
    more = _more(worst, trial)
    return f"about {rounded(more)} more answers are missing for a proof: {worst}" if more else f"not proven: {worst}"


def answers_missing(trial: Trial, start: Start, terms: Terms) -> float:
    """About so many more of the candidate's answers pass the step; 0 where none are missing, or nobody can say."""
    few = max(0, _needed(trial, start, terms) - answers_in_step(trial))
    if not _leaves_stable(trial, start):
        return few
    return max([few, *(_more(metric, trial) for metric in metrics_of(trial, terms) if not metric.proven)])


def _more(metric: Metric, trial: Trial) -> float:
    """A proof grows in proportion to the requests: from what there is, how many more it takes."""
    return _total(trial, REQUESTS) * (-log(MISSED) / metric.fine - 1) if metric.fine > 0 else 0.0


def rounded(count: float) -> int:
    """Up to 1, 2 or 5 times a power of ten."""
    power = int("1" + "0" * (len(str(int(count))) - 1))
    return next(times * power for times in (1, 2, 5, 10) if times * power >= count)


def _passed(trial: Trial, start: Start) -> Decision:
    if trial.step + 1 >= len(start.steps):
        return Decision("Promoted", "Proven", f"every step passed with {_total(trial, REQUESTS)} requests")
    return Decision("Passed", "StepPassed", f"step {trial.step + 1} of {len(start.steps)} passed")


def numbers(trial: Trial, terms: Terms) -> dict[str, float]:
    """What a decision rests on: counts, rates, always-valid bounds of the excess, what is allowed, and from where on
    an answer is slow."""
    found: dict[str, float] = {
        "requests": _total(trial, REQUESTS),
        "failures": _total(trial, FAILURES),
        "stableRequests": _total(trial, STABLE_REQUESTS),
        "stableFailures": _total(trial, STABLE_FAILURES),
    }
    for metric in metrics_of(trial, terms):
        name, kind, table = metric.kind.reason.lower(), metric.kind, metric.counted
        branding, proving = (table.divided(metric.overdispersion(of)) for of in (kind.branding, kind.proving))
        found |= {
            f"{name}Rate": round(table.rate, 6),
            f"{name}StableRate": round(table.stable_rate, 6),
            f"{name}AtLeast": round(lower_excess(branding, terms.false_rollbacks / 8, kind.prior), 6),
            f"{name}AtMost": round(upper_excess(proving, MISSED, kind.prior), 6),
            f"{name}Allowed": round(metric.allowed, 6),
            f"{name}Limit": round(metric.limit.rate(table.stable_rate) - table.stable_rate, 6),
            f"{name}Overdispersion": round(metric.overdispersion(kind.proving), 3),
        }
    if trial.slow_seconds:
        found["slowSeconds"] = trial.slow_seconds
    return found
