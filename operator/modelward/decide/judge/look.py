"""What each look at the counters makes of a candidate on trial.

`judge` is a pure function (trial, look) → (trial, decision). Harm is concluded beyond doubt, at any time. A step passes
when it had its time and its answers and nothing speaks against the candidate. Promotion, and a step that leaves stable
without requests, take proof that the excess is below the limit: never time alone. When time is up, what was seen
decides.
"""

from dataclasses import dataclass
from math import ceil, log
from typing import Literal

import msgspec

from modelward_contracts.trace import Look, Start

from .metric import MISSED, Metric, metrics_of
from .mixture import lower_excess, upper_excess
from .terms import Terms
from .trial import FAILURES, REQUESTS, STABLE_FAILURES, STABLE_REQUESTS, Trial, counted

Outcome = Literal["Harm", "NoEvidence", "MetricsDown", "Passed", "Promoted", "SentBack"]
"""Harm: roll back, with a verdict. SentBack: roll back without one. NoEvidence and MetricsDown: hold. Passed: the next
step is in force."""

FAILS_NEXT = 0.8
"""Probability that the request after a failed one fails as well, in clusters of five on average (geometric)."""
HONEST = 0.02
"""Share of failures up to which a version in service is common."""


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
    metrics = metrics_of(trial, terms)
    decision = (
        _harm(trial, metrics, terms)
        or _blind(look)
        or _time_is_up(trial, metrics, start)
        or _held(trial, metrics, start, terms)
        or _passed(trial, start)
    )
    if decision.outcome == "Passed":
        trial = msgspec.structs.replace(trial, step=trial.step + 1, step_started=None)
    return trial, decision


def run_of_failures(level: float) -> int:
    """So many failures and no answer at all, from the first request on, brand a version: one that fails a share HONEST
    in clusters starts with such a run with probability HONEST·FAILS_NEXT^(n - 1), at most about `level`."""
    return max(3, ceil(log(level / HONEST) / log(FAILS_NEXT)))


def _harm(trial: Trial, metrics: list[Metric], terms: Terms) -> Decision | None:
    """Half of the false-alarm budget goes to what fails from the start, a quarter each to errors and latency."""
    requests, failures = _total(trial, REQUESTS), _total(trial, FAILURES)
    if failures == requests >= run_of_failures(terms.false_rollbacks / 2) and not _stable_down(trial):
        return Decision("Harm", "Errors", f"each of the first {requests} requests to the candidate failed")
    for metric in metrics:
        if metric.harmful(terms.false_rollbacks / 4):
            return Decision("Harm", metric.kind.reason, str(metric))
    return None


def _total(trial: Trial, index: int) -> int:
    return sum(sums[index] for sums in trial.steps)


def _stable_down(trial: Trial) -> bool:
    """It fails half of its own requests: nothing of that is compared."""
    return 2 * _total(trial, STABLE_FAILURES) > _total(trial, STABLE_REQUESTS)


def _blind(look: Look) -> Decision | None:
    if look.complete:
        return None
    return Decision("MetricsDown", "MetricsUnavailable", "a scoring pod did not answer the last look at its counters")


def _time_is_up(trial: Trial, metrics: list[Metric], start: Start) -> Decision | None:
    """Nobody is branded for lack of evidence. One failure, or one cluster of them, surprises nobody. No step is cut
    short of the time that it was given."""
    if trial.waited < start.progress_deadline_seconds or _lasts(trial, start):
        return None
    requests, failures = _total(trial, REQUESTS), _total(trial, FAILURES)
    if failures == requests > 1:
        return Decision("SentBack", "NoEvidence", f"time is up, and each of {requests} requests failed")
    for metric in metrics:
        if metric.surprising:
            return Decision("SentBack", "NoEvidence", f"time is up, and an equal version would surprise: {metric}")
    return Decision("Promoted", "NoEvidence", f"time is up, and nothing speaks against it in {requests} requests")


def _held(trial: Trial, metrics: list[Metric], start: Start, terms: Terms) -> Decision | None:
    step, sums = start.steps[trial.step], trial.steps[trial.step]
    answers, needed = sums[REQUESTS] - sums[FAILURES], step.minimum_requests or terms.minimum_requests
    if answers < needed:
        return Decision("NoEvidence", "TooFewRequests", f"{answers} of {needed} answers in this step")
    if _lasts(trial, start):
        return Decision("NoEvidence", "StepDuration", f"the step lasts {step.duration:g} s")
    if _leaves_stable(trial, start):
        unproven = [metric for metric in metrics if not metric.proven]
        return Decision("NoEvidence", "NotProven", _missing(unproven, trial)) if unproven else None
    against = next((metric for metric in metrics if metric.suspicious), None)
    return Decision("NoEvidence", "Suspicious", f"an equal version would surprise: {against}") if against else None


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
    """A proof grows in proportion to the requests: from what there is, how many more it takes, in round numbers."""
    worst = min(unproven, key=lambda metric: metric.fine)
    if worst.fine <= 0:
        return f"not proven yet: {worst}"
    more = _total(trial, REQUESTS) * (-log(MISSED) / worst.fine - 1)
    return f"about {rounded(more)} more answers are missing for a proof: {worst}"


def rounded(count: float) -> int:
    """Up to 1, 2 or 5 times a power of ten."""
    power = int("1" + "0" * (len(str(int(count))) - 1))
    return next(times * power for times in (1, 2, 5, 10) if times * power >= count)


def _passed(trial: Trial, start: Start) -> Decision:
    if trial.step + 1 >= len(start.steps):
        return Decision("Promoted", "Proven", f"every step passed with {_total(trial, REQUESTS)} requests")
    return Decision("Passed", "StepPassed", f"step {trial.step + 1} of {len(start.steps)} passed")


def numbers(trial: Trial, terms: Terms) -> dict[str, float]:
    """What a decision rests on: counts, rates, always-valid bounds of the excess, and what is allowed."""
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
            f"{name}AtLeast": round(lower_excess(branding, terms.false_rollbacks / 4, kind.prior), 6),
            f"{name}AtMost": round(upper_excess(proving, MISSED, kind.prior), 6),
            f"{name}Allowed": round(metric.allowed, 6),
            f"{name}Limit": round(metric.limit.rate(table.stable_rate) - table.stable_rate, 6),
            f"{name}Overdispersion": round(metric.overdispersion(kind.proving), 3),
        }
    return found
