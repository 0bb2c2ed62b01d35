"""A candidate on trial: all that is remembered of it.

Small enough for a resource's status (`MOST_BYTES` as JSON), and all that was ever concluded from: an operator that
starts anew, a next step and another weight forget nothing. Counts are sums over time, so looks may come as they like.
"""

from collections.abc import Sequence
from math import log
from operator import add

import msgspec

from modelward_contracts.trace import Counts, Look, Start
from modelward_contracts.wire import Wire

from . import slow, spread
from .spread import Spread
from .terms import Terms

MOST_BYTES = 32_768
SILENCE = 300.0
"""Seconds. In a longer pause between two looks nobody looked: the rest of it does not count towards the deadline."""
WINDOW_SECONDS = (40.0, 300.0, 1200.0)
"""A trial is begun anew every so often, by half of it after the start first: no two of them at the same time."""
WINDOW_BLOCKS = 26

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
    began: float | None = None
    """`t` of the first look."""
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
    slow_seconds: float = 0.0
    """Answers that took longer are slow."""
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
    failed_in_a_row: int = 0
    """The candidate's failures since the newest look with a good answer of it: as many at least."""
    windows: "tuple[Window, ...]" = ()
    """By length, as far as they have begun: a fault that begins late must not drown in what was good before it."""


class Window(Wire, frozen=True, kw_only=True):
    """The newest part of a trial, as if that had begun then."""

    nth: int
    ends: float
    """`t`."""
    trial: Trial


def counted(trial: Trial, look: Look, start: Start, terms: Terms) -> Trial:
    """The trial after a look in its present step."""
    unseen = trial.seen is None and trial.began is not None
    windows = _windows(trial, look, start, terms, unseen)
    return msgspec.structs.replace(_counted(trial, look, start, terms, spread.MOST, unseen), windows=windows)


def _windows(trial: Trial, look: Look, start: Start, terms: Terms, unseen: bool) -> tuple[Window, ...]:
    """Those that are open after a look. `unseen`: nobody looked for some time before it."""
    began = look.t if trial.began is None else trial.began
    found = []
    for index, seconds in enumerate(WINDOW_SECONDS):
        window = trial.windows[index] if index < len(trial.windows) else None
        if window is None or look.t >= window.ends:
            if look.t < began + seconds / 2:
                break
            anew = Trial(thresholds=trial.thresholds, threshold=trial.threshold)
            window = Window(nth=window.nth + 1 if window else 1, ends=look.t + seconds, trial=anew)
            if unseen:
                found.append(window)
                continue
        newest = _counted(window.trial, look, start, terms, WINDOW_BLOCKS, unseen)
        found.append(msgspec.structs.replace(window, trial=newest))
    return tuple(found)


def _counted(trial: Trial, look: Look, start: Start, terms: Terms, most_blocks: int, unseen: bool) -> Trial:
    latency = trial.stable_latency or (0,) * len(look.stable.latency)
    if look.stable.latency:
        latency = tuple(map(add, latency, look.stable.latency))
    thresholds = trial.thresholds
    if not thresholds and start.edges and sum(latency) >= slow.WARM_UP:
        thresholds = slow.thresholds(start.edges, latency)
    sums = _sums(look.candidate, look.stable, [slow.at_weight(start.edges, each, look.weight) for each in thresholds])
    same = look.weight == trial.weight
    failures, good = look.candidate.failures, look.candidate.requests > look.candidate.failures
    passed = 0.0 if trial.seen is None else min(look.t - trial.seen, SILENCE)
    block_started = look.t - spread.FIRST_SECONDS if trial.block_started is None else trial.block_started
    trial = msgspec.structs.replace(
        trial,
        began=look.t if trial.began is None else trial.began,
        step_started=look.t if trial.step_started is None else trial.step_started,
        seen=look.t,
        waited=trial.waited + passed,
        stable_latency=latency,
        thresholds=thresholds,
        weight=look.weight,
        weights=_with(trial.weights, sums, same and len(trial.weights) > trial.first),
        failed_in_a_row=0 if good else trial.failed_in_a_row + failures,
        # What came while nobody looked is no block like the others: it tells nothing of dependence.
        open=NOTHING if unseen else _added(trial.open, sums),
        block_started=look.t if unseen else block_started,
    )
    whole = (
        look.t - block_started >= trial.block_seconds * 0.999 and trial.open[REQUESTS] and trial.open[STABLE_REQUESTS]
    )
    return _measured(trial, start, terms, most_blocks) if whole else trial


def in_step(trial: Trial, step: int) -> Trial:
    """The same trial, from now on in another step. Nothing is forgotten."""
    return msgspec.structs.replace(trial, step=step, step_started=None, first=len(trial.weights))


def _with(weights: tuple[Sums, ...], sums: Sums, same: bool) -> tuple[Sums, ...]:
    """Counted at the same weight as the last of them, or at another."""
    return (*weights[:-1], _added(weights[-1], sums)) if same and weights else (*weights, sums)


def taken_up(trial: Trial) -> Trial:
    """The same trial after nobody looked for some time, which counts towards no deadline."""
    return msgspec.structs.replace(trial, seen=None)


def _sums(candidate: Counts, stable: Counts, thresholds: Sequence[int]) -> Sums:
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


def _measured(trial: Trial, start: Start, terms: Terms, most_blocks: int) -> Trial:
    """Close the open block, and measure the dependence anew."""
    blocks, seconds = (*trial.blocks, trial.open), trial.block_seconds
    if len(blocks) >= most_blocks:
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
    edge = slow.at_weight(start.edges, trial.thresholds[nth], trial.weight)
    return msgspec.structs.replace(
        trial,
        threshold=nth,
        slow_seconds=start.edges[edge],
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
