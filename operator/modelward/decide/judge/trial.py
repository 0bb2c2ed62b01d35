"""A candidate on trial: what is remembered of it, and what each look at the counters makes of that.

`judge` is a pure function (trial, look) → (trial, decision). The trial is small enough for a resource's status and
holds all that was ever concluded from: an operator that starts anew, a next step or another weight forget nothing.

Harm is concluded beyond doubt, at any time; promotion from proof that the excess is below what is allowed, never from
time; a step passes when it had its time and its answers and nothing speaks against the candidate. When time is up, what
was seen decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil, log
from typing import Literal

import msgspec

from modelward_contracts.trace import Counts, Look, Start
from modelward_contracts.wire import Wire

from . import blocks, slow
from .mixture import RARE, TENTH, Allowed, Prior, Table, log_fine, log_harm
from .sight import surprise

Outcome = Literal["Harm", "NoEvidence", "MetricsDown", "Passed", "Promoted", "SentBack"]
"""Harm rolls back with a verdict, SentBack without one. NoEvidence and MetricsDown hold. Passed: the next step."""

MISSED = 0.1
"""Probability that a candidate which is as bad as just not allowed is promoted all the same."""
BY_SIGHT = 0.1
"""When time is up, what would be rarer than this for an equal version sends it back."""
SUSPICIOUS = 0.02
"""What would be rarer than this for an equal version holds a step."""
SILENCE = 300.0
"""Seconds. In a longer pause between two looks nobody looked: the rest of it does not count towards the deadline."""
USUAL_CLUSTER = 0.8
"""Of failures: probability that the next request fails as well, for clusters of five on average."""
USUAL_FAILURES = 0.02
"""Share of failures up to which an honest version is common."""
LEAST_GROSS = 5

Sums = tuple[int, ...]
"""Counts of some time: see `REQUESTS` and below, then slow answers by threshold, the candidate's and stable's in turn."""
REQUESTS, FAILURES, STABLE_REQUESTS, STABLE_FAILURES, ANSWERS, STABLE_ANSWERS, SLOW = range(7)
NOTHING: Sums = (0, 0, 0, 0, 0, 0)


@dataclass(frozen=True)
class Terms:
    """What is allowed, and how often an equal version may be called harmful."""

    minimum_requests: int = 300
    error_increase: float = 0.01
    error_ratio: float = 0.75
    latency_ratio: float = 1.4
    false_rollbacks: float = 0.01


class Trial(Wire, frozen=True, kw_only=True):
    step: int = 0
    step_started: float | None = None
    """`t` of the step's first look."""
    seen: float | None = None
    """`t` of the newest look."""
    waited: float = 0.0
    """Seconds that count towards the deadline."""
    stable_latency: tuple[int, ...] = ()
    """Histogram of stable's answers since the candidate began."""
    thresholds: tuple[int, ...] = ()
    """Indexes of edges above which answers are counted as slow."""
    steps: tuple[Sums, ...] = ()
    """By step: the versions are compared within a step only, where both have the same share of all that happens."""
    closed: tuple[Sums, ...] = ()
    """Blocks of time, at most `blocks.MOST`."""
    open: Sums = NOTHING
    block_seconds: float = blocks.FIRST_SECONDS
    block_started: float | None = None
    errors: blocks.Spread = blocks.Spread()
    """Dependence of failures."""
    slow: blocks.Spread = blocks.Spread()
    """Of slow answers."""
    threshold: int = 0
    """Which of the thresholds decides."""
    slow_allowed: float = 1.0
    """Share of slow answers that the candidate may give beyond stable's."""


@dataclass(frozen=True)
class Decision:
    outcome: Outcome
    reason: str = ""
    message: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Metric:
    """Failures or slow answers: what was counted, what of it stands for independent requests, what is allowed."""

    name: str
    counted: Table
    spread: blocks.Spread
    usual: tuple[float, float]
    allowed: Allowed
    prior: Prior

    @property
    def table(self) -> Table:
        return self.counted.divided(self.spread.overdispersion(*FINE[self.name]))

    @property
    def cautious(self) -> Table:
        return self.counted.divided(self.spread.overdispersion(*HARM[self.name]))

FINE = {"Errors": (9.0, 24.0, -1.0), "Latency": (4.0, 4.0, -1.5)}
HARM = {"Errors": (9.0, 6.0, 1.5), "Latency": (16.0, 5.0, 2.5)}
LEAST_BLOCKS = {"Errors": 0, "Latency": 14}
NULL = Allowed(1e-9)
ERRORS_PRIOR, ERRORS_WEIGHT = 9.0, 14.0
SLOW_PRIOR, SLOW_WEIGHT = 4.0, 4.0


def judge(trial: Trial, look: Look, start: Start, terms: Terms) -> tuple[Trial, Decision]:
    trial = _counted(trial, look, start)
    trial = _measured(trial, look.t, start, terms)
    decision = _decide(trial, look, start, terms)
    if decision.outcome == "Passed":
        trial = msgspec.structs.replace(trial, step=trial.step + 1, step_started=None)
    return trial, decision


def _counted(trial: Trial, look: Look, start: Start) -> Trial:
    candidate, stable = look.candidate, look.stable
    latency = trial.stable_latency
    latency = tuple(map(int.__add__, latency, stable.latency)) if latency else tuple(stable.latency)
    thresholds = trial.thresholds
    sums: tuple[int, ...]
    if not thresholds and start.edges and sum(latency) >= slow.WARM_UP:
        thresholds = slow.thresholds(start.edges, latency)
    if thresholds:
        now, then = candidate.latency, stable.latency
        above: list[int] = []
        for index in thresholds:
            above += (sum(now[index + 1 :]), sum(then[index + 1 :]))
        sums = (sum(now), sum(then), *above)
    else:
        sums = (0, 0)
    sums = (candidate.requests, candidate.failures, stable.requests, stable.failures, *sums)
    steps = trial.steps
    steps = (*steps[:-1], _add(steps[-1], sums)) if len(steps) > trial.step else (*steps, sums)
    passed = 0.0 if trial.seen is None else look.t - trial.seen
    return Trial(
        step=trial.step,
        step_started=look.t if trial.step_started is None else trial.step_started,
        seen=look.t,
        waited=trial.waited + min(passed, SILENCE),
        stable_latency=latency,
        thresholds=thresholds,
        steps=steps,
        closed=trial.closed,
        open=_add(trial.open, sums),
        block_seconds=trial.block_seconds,
        block_started=look.t - blocks.FIRST_SECONDS if trial.block_started is None else trial.block_started,
        errors=trial.errors,
        slow=trial.slow,
        threshold=trial.threshold,
        slow_allowed=trial.slow_allowed,
    )


def _add(one: Sums, other: Sums) -> Sums:
    if len(one) < len(other):
        one = one + (0,) * (len(other) - len(one))
    elif len(other) < len(one):
        other = other + (0,) * (len(one) - len(other))
    return tuple(map(int.__add__, one, other))


def _measured(trial: Trial, t: float, start: Start, terms: Terms) -> Trial:
    assert trial.block_started is not None
    if t - trial.block_started < trial.block_seconds * 0.999:
        return trial
    if not trial.open[REQUESTS] or not trial.open[STABLE_REQUESTS]:
        return trial
    closed, seconds = (*trial.closed, trial.open), trial.block_seconds
    if len(closed) >= blocks.MOST:
        closed = tuple(_add(a, b) for a, b in zip(closed[::2], closed[1::2], strict=True))
        seconds *= 2
    errors = _table(trial.steps, FAILURES, REQUESTS)
    measured = blocks.spread([(s[FAILURES], s[REQUESTS], s[STABLE_FAILURES], s[STABLE_REQUESTS]) for s in closed], errors.rate, errors.stable_rate)
    changes: dict[str, object] = {}
    if trial.thresholds:
        k = _threshold(trial)
        table = _table(trial.steps, SLOW + 2 * k, ANSWERS)
        at = SLOW + 2 * k
        cells = [(s[at], s[ANSWERS], s[at + 1], s[STABLE_ANSWERS]) for s in closed if len(s) > at]
        changes = {
            "threshold": k,
            "slow": blocks.spread(cells, table.rate, table.stable_rate),
            "slow_allowed": slow.allowed(
                start.edges, trial.stable_latency, trial.thresholds[k], terms.latency_ratio
            ).flat,
        }
    return msgspec.structs.replace(
        trial, closed=closed, block_seconds=seconds, open=NOTHING, block_started=t, errors=measured, **changes
    )


def _threshold(trial: Trial) -> int:
    answers = sum(s[STABLE_ANSWERS] for s in trial.steps)
    def distance(k: int) -> float:
        above = sum(s[SLOW + 2 * k + 1] for s in trial.steps if len(s) > SLOW)
        return abs(log((above + 0.5) / (answers + 1) / slow.SHARE))
    return min(range(len(trial.thresholds)), key=distance)


def _table(steps: tuple[Sums, ...], hit: int, count: int) -> Table:
    hits = counted = expected = spread = 0.0
    stable_hit, stable_count = (STABLE_FAILURES, STABLE_REQUESTS) if hit == FAILURES else (hit + 1, STABLE_ANSWERS)
    for s in steps:
        if len(s) <= hit or not s[stable_count] or not s[count]:
            continue
        hits += s[hit]
        counted += s[count]
        expected += s[count] * s[stable_hit] / s[stable_count]
        spread += s[count] * s[count] / s[stable_count]
    if not counted:
        return Table(0.0, 0.0, 0.0, 0.0)
    size = counted * counted / spread
    return Table(hits, counted, expected / counted * size, size)


def _metrics(trial: Trial, terms: Terms) -> list[Metric]:
    counted = _table(trial.steps, FAILURES, REQUESTS)
    found = [
        Metric("Errors", counted, trial.errors, (ERRORS_PRIOR, ERRORS_WEIGHT), Allowed(terms.error_increase, 1 + terms.error_ratio), RARE)
    ]
    if trial.thresholds and trial.slow_allowed < 1:
        counted = _table(trial.steps, SLOW + 2 * trial.threshold, ANSWERS)
        found.append(Metric("Latency", counted, trial.slow, (SLOW_PRIOR, SLOW_WEIGHT), Allowed(trial.slow_allowed), TENTH))
    return found


def _decide(trial: Trial, look: Look, start: Start, terms: Terms) -> Decision:
    metrics = _metrics(trial, terms)
    level = terms.false_rollbacks
    requests = sum(s[REQUESTS] for s in trial.steps)
    failures = sum(s[FAILURES] for s in trial.steps)
    if failures == requests >= gross(level / 2) and metrics[0].counted.stable_rate < 0.5:
        return Decision("Harm", "Errors", f"all {requests} requests to the candidate failed")
    for metric in metrics:
        if metric.spread.blocks >= LEAST_BLOCKS[metric.name] and metric.counted.rate - metric.counted.stable_rate > metric.allowed.flat and log_harm(metric.cautious, NULL, metric.prior) >= log(4 / level):
            return Decision("Harm", metric.name, _said(metric))
    if not look.complete:
        return Decision("MetricsDown", "MetricsUnavailable")
    if trial.waited >= start.progress_deadline_seconds:
        return _by_sight(metrics, requests, failures)
    step = start.steps[trial.step]
    assert trial.step_started is not None
    if look.t - trial.step_started < step.duration:
        return Decision("NoEvidence", "StepDuration")
    minimum = step.minimum_requests or terms.minimum_requests
    answers = trial.steps[trial.step][REQUESTS] - trial.steps[trial.step][FAILURES]
    if answers < minimum:
        return Decision("NoEvidence", "TooFewRequests", f"{answers} of {minimum}")
    last = trial.step + 1 >= len(start.steps)
    if last or (start.steps[trial.step + 1].weight >= 100 > step.weight):
        if step.weight < 100:
            for metric in metrics:
                if metric.counted.rate - metric.counted.stable_rate > metric.allowed.flat or log_fine(metric.table, metric.allowed, metric.prior) < log(1 / MISSED):
                    return Decision("NoEvidence", "NotProven", _said(metric))
        return Decision("Promoted" if last else "Passed", "Proven", "; ".join(_said(m) for m in metrics))
    for metric in metrics:
        if surprise(metric.table) < SUSPICIOUS:
            return Decision("NoEvidence", "Suspicious", _said(metric))
    return Decision("Passed", "StepPassed")


def gross(level: float) -> int:
    return max(LEAST_GROSS, ceil(log(level / USUAL_FAILURES) / log(USUAL_CLUSTER)))


def _by_sight(metrics: list[Metric], requests: int, failures: int) -> Decision:
    if failures == requests > 1:
        return Decision("SentBack", "NoEvidence", f"all {requests} requests failed")
    for metric in metrics:
        if surprise(metric.table) < BY_SIGHT and log_fine(metric.table, metric.allowed, metric.prior) < 0:
            return Decision("SentBack", "NoEvidence", _said(metric))
    return Decision("Promoted", "NoEvidence")


def _said(metric: Metric) -> str:
    c = metric.counted
    return (f"{metric.name}: {c.hits:.0f}/{c.count:.0f} vs {c.stable_hits:.0f}/{c.stable_count:.0f}"
            f" phi {metric.spread.overdispersion(*FINE[metric.name]):.2f} allowed {metric.allowed.rate(c.stable_rate):.4f}")
