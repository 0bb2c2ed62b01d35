"""A candidate on trial: all that is remembered of it.

Small enough for a resource's status (`MOST_BYTES` as JSON), and all that was ever concluded from: an operator that
starts anew, a next step and another weight forget nothing. Counts are sums over time, so looks may come as they like.
"""

from math import log
from operator import add

import msgspec

from modelward_contracts.trace import Counts, Look, Start
from modelward_contracts.wire import Wire

from . import slow, spread
from .spread import Spread
from .terms import Terms

MOST_BYTES = 16_384
SILENCE = 300.0
"""Seconds. In a longer pause between two looks nobody looked: the rest of it does not count towards the deadline."""

Sums = tuple[int, ...]
"""Counts of some time: those named below, then slow answers by threshold, the candidate's and stable's in turn."""
REQUESTS, FAILURES, STABLE_REQUESTS, STABLE_FAILURES, ANSWERS, STABLE_ANSWERS, SLOW = range(7)
NOTHING: Sums = (0, 0, 0, 0, 0, 0)


class Trial(Wire, frozen=True, kw_only=True):
    step: int = 0
    weight: float | None = None
    """Of the newest look."""
    first: int = 0
    """Where the present step begins in `weights`."""
    step_started: float | None = None
    """`t` of the step's first look."""
    seen: float | None = None
    """`t` of the newest look."""
    waited: float = 0.0
    """Seconds that count towards the deadline."""
    stable_latency: tuple[int, ...] = ()
    """Histogram of stable's answers since the candidate began."""
    thresholds: tuple[int, ...] = ()
    """Indexes of the edges above which answers are counted as slow."""
    threshold: int = 0
    """Which of them decides."""
    slow_allowed: float = 1.0
    """Share of slow answers that the candidate may give beyond stable's."""
    weights: tuple[Sums, ...] = ()
    """Counts for each time at one weight: within it both versions have a fixed share of whatever happens."""
    blocks: tuple[Sums, ...] = ()
    """Counts by block of time, for the dependence of neighbouring requests."""
    open: Sums = NOTHING
    block_seconds: float = spread.FIRST_SECONDS
    block_started: float | None = None
    errors: Spread = Spread()
    slow: Spread = Spread()


def counted(trial: Trial, look: Look, start: Start, terms: Terms) -> Trial:
    """The trial after a look in its present step."""
    latency = trial.stable_latency or (0,) * len(look.stable.latency)
    if look.stable.latency:
        latency = tuple(map(add, latency, look.stable.latency))
    thresholds = trial.thresholds
    if not thresholds and start.edges and sum(latency) >= slow.WARM_UP:
        thresholds = slow.thresholds(start.edges, latency)
    sums = _sums(look.candidate, look.stable, thresholds)
    weights = trial.weights
    if look.weight == trial.weight and len(weights) > trial.first:
        weights = (*weights[:-1], _added(weights[-1], sums))
    else:
        weights = (*weights, sums)
    passed = 0.0 if trial.seen is None else min(look.t - trial.seen, SILENCE)
    began = look.t - spread.FIRST_SECONDS if trial.block_started is None else trial.block_started
    trial = msgspec.structs.replace(
        trial,
        step_started=look.t if trial.step_started is None else trial.step_started,
        seen=look.t,
        waited=trial.waited + passed,
        stable_latency=latency,
        thresholds=thresholds,
        weight=look.weight,
        weights=weights,
        open=_added(trial.open, sums),
        block_started=began,
    )
    whole = look.t - began >= trial.block_seconds * 0.999 and trial.open[REQUESTS] and trial.open[STABLE_REQUESTS]
    return _measured(trial, start, terms) if whole else trial


def in_step(trial: Trial, step: int) -> Trial:
    """The same trial, from now on in another step. Nothing is forgotten."""
    return msgspec.structs.replace(trial, step=step, step_started=None, first=len(trial.weights))


def _sums(candidate: Counts, stable: Counts, thresholds: tuple[int, ...]) -> Sums:
    """Answers count from when it is known which of them are slow."""
    named = (candidate.requests, candidate.failures, stable.requests, stable.failures)
    if not thresholds:
        return (*named, 0, 0)
    above: list[int] = []
    for index in thresholds:
        above += (sum(candidate.latency[index + 1 :]), sum(stable.latency[index + 1 :]))
    return (*named, sum(candidate.latency), sum(stable.latency), *above)


def _added(one: Sums, other: Sums) -> Sums:
    short, long = sorted((one, other), key=len)
    return (*map(add, short, long), *long[len(short) :])


def _measured(trial: Trial, start: Start, terms: Terms) -> Trial:
    """Close the open block, and measure the dependence anew."""
    blocks, seconds = (*trial.blocks, trial.open), trial.block_seconds
    if len(blocks) >= spread.MOST:
        blocks = tuple(_added(one, other) for one, other in zip(blocks[::2], blocks[1::2], strict=True))
        seconds *= 2
    trial = msgspec.structs.replace(
        trial,
        blocks=blocks,
        open=NOTHING,
        block_seconds=seconds,
        block_started=trial.seen,
        errors=_spread(trial.weights, blocks, FAILURES, REQUESTS, STABLE_FAILURES, STABLE_REQUESTS),
    )
    if not trial.thresholds:
        return trial
    nth = _threshold(trial)
    at = SLOW + 2 * nth
    edge = trial.thresholds[nth]
    return msgspec.structs.replace(
        trial,
        threshold=nth,
        slow_allowed=slow.allowed(start.edges, trial.stable_latency, edge, terms.latency_ratio),
        slow=_spread(trial.weights, blocks, at, ANSWERS, at + 1, STABLE_ANSWERS),
    )


def _spread(
    weights: tuple[Sums, ...], blocks: tuple[Sums, ...], hit: int, count: int, hit_s: int, count_s: int
) -> Spread:
    hits, counts, hits_s, counts_s = (
        sum(sums[index] for sums in weights if len(sums) > hit_s) for index in (hit, count, hit_s, count_s)
    )
    cells = [(sums[hit], sums[count], sums[hit_s], sums[count_s]) for sums in blocks if len(sums) > hit_s]
    return spread.spread(cells, hits / counts if counts else 0.0, hits_s / counts_s if counts_s else 0.0)


def _threshold(trial: Trial) -> int:
    """The one above which stable's share is nearest to what is meant."""
    weights = [sums for sums in trial.weights if len(sums) > SLOW]
    answers = sum(sums[STABLE_ANSWERS] for sums in weights)

    def distance(nth: int) -> float:
        above = sum(sums[SLOW + 2 * nth + 1] for sums in weights)
        return abs(log((above + 0.5) / (answers + 1) / slow.SHARE))

    return min(range(len(trial.thresholds)), key=distance)
