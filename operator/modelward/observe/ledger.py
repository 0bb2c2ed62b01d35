"""What the scoring servers counted, as windows of time.

Servers report counters that only grow within one life of a process. The ledger differences them per life, adds the
differences up per revision, and remembers the totals at marked moments (rollout start, step start, a traffic setting in
force), so that a window is a subtraction.

It is memory of this process only. A new one takes up what the one before it has written of its newest look, and counts
from there. Where nothing was written, windows begin with the first scrape, so that latency and signals of the versions
are still compared over the same time; what a server failed that started within the rollout counts from its own zero all
the same: harm done while nobody looked on is not forgotten.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from itertools import starmap, zip_longest
from operator import add, sub
from sys import intern
from typing import TypeAlias

from modelward.decide.drift import MINIMUM_ROWS, drifted
from modelward.decide.judge.evidence import Latency, SignalWindow, Window
from modelward.decide.judge.recording import Recording
from modelward.decide.judge.remembered import MOST_LIVES, Life, Remembered, Tally
from modelward.decide.observed import parse_time
from modelward.observe.checks import Questions
from modelward_contracts.monitor import Forwards, Snapshot

SAYS_NOTHING = ("capped", "refused", "same_pause")
"""Causes of failed forwards that are no fault of the candidate, or are counted as one already."""


Merge = Callable[[int, int], int]

LOOK = "look"
"""The mark of the newest look at a candidate on trial."""


@dataclass
class OnTrial:
    began: str
    """When the rollout did."""
    so_far: Remembered
    recording: Recording | None
    """None once it is stored, or too old."""


Bins: TypeAlias = "array[int]"


def _none() -> Bins:
    return array("q")


@dataclass(frozen=True, slots=True)
class Counts:
    """Counters of one revision; subtraction and addition go entry by entry. Never changed, so that marks share them."""

    scored: Counter[str] = field(default_factory=Counter)
    uncomputed: int = 0
    answered: Counter[str] = field(default_factory=Counter)
    """Forwarded requests that the candidate answered, by its revision."""
    failed: Counter[str] = field(default_factory=Counter)
    edges: tuple[float, ...] = ()
    latency: Bins = field(default_factory=_none)
    signals: dict[str, Bins] = field(default_factory=dict)
    references: dict[str, tuple[str, Bins]] = field(default_factory=dict)

    def plus(self, other: "Counts") -> "Counts":
        return self._merged(other, add)

    def minus(self, other: "Counts") -> "Counts":
        return self._merged(other, sub)

    def of_latency(self, bins: int) -> tuple[int, ...]:
        return (*self.latency, *(0 for _ in range(len(self.latency), bins)))

    def _merged(self, other: "Counts", merge: Merge) -> "Counts":
        ours = self.signals
        signals = {name: _bins(ours.get(name, _none()), bins, merge) for name, bins in other.signals.items()}
        references = self.references
        if other.references != references:
            references = references | other.references
        return Counts(
            scored=_counter(self.scored, other.scored, merge),
            uncomputed=merge(self.uncomputed, other.uncomputed),
            answered=_counter(self.answered, other.answered, merge),
            failed=_counter(self.failed, other.failed, merge),
            edges=other.edges or self.edges,
            latency=_bins(self.latency, other.latency, merge),
            signals={**ours, **signals} if ours.keys() - signals.keys() else signals,
            references=references,
        )


def _counter(one: Counter[str], other: Counter[str], merge: Merge) -> Counter[str]:
    return Counter({key: merge(one[key], other[key]) for key in {**one, **other}})


def _bins(one: Bins, other: Bins, merge: Merge) -> Bins:
    if len(one) == len(other):
        return array("q", map(merge, one, other))
    return array("q", starmap(merge, zip_longest(one, other, fillvalue=0)))


def counts_of(snapshot: Snapshot, like: Counts) -> Counts:
    """A snapshot's counters. Signals are named with their source: names are unique within a source only. What is the
    same as in `like` is not held twice."""
    signals = {intern(f"{s.source} {s.name}"): s for s in snapshot.signals}
    references = {name: (intern(s.source), array("q", s.reference)) for name, s in signals.items()}
    edges = tuple(snapshot.latency.edges)
    return Counts(
        scored=Counter(snapshot.scored),
        uncomputed=snapshot.uncomputed,
        answered=Counter({revision: f.answered for revision, f in snapshot.forwards.items()}),
        failed=Counter({revision: _failed(f) for revision, f in snapshot.forwards.items()}),
        edges=like.edges if edges == like.edges else edges,
        latency=array("q", snapshot.latency.counts),
        signals={name: array("q", s.counts) for name, s in signals.items()},
        references=like.references if references == like.references else references,
    )


def _failed(forwards: Forwards) -> int:
    """Trials of an open breaker too: a server in service had answered the same request well."""
    return forwards.failed_trials + sum(
        count for cause, count in forwards.failures.items() if cause not in SAYS_NOTHING
    )


def _tally(counts: Counts) -> Tally:
    return Tally(
        scored=counts.scored,
        uncomputed=counts.uncomputed,
        answered=counts.answered,
        failed=counts.failed,
        latency={index: count for index, count in enumerate(counts.latency) if count},
    )


def _counts(tally: Tally, now: Counts | None = None) -> Counts:
    """`now`: of the same server; what is not remembered is taken from it."""
    return Counts(
        scored=Counter(tally.scored),
        uncomputed=tally.uncomputed,
        answered=Counter(tally.answered),
        failed=Counter(tally.failed),
        edges=now.edges if now else (),
        latency=array("q", (tally.latency.get(index, 0) for index in range(max(tally.latency, default=-1) + 1))),
        signals=now.signals if now else {},
    )


def served(counts: Counts, signals: bool = True, uncomputed: bool = False) -> Window:
    """A revision's own answers; 5xx are failures, and where asked for what the model could not compute."""
    failures = sum(count for code, count in counts.scored.items() if code.startswith("5"))
    failures += counts.uncomputed if uncomputed else 0
    return Window(
        requests=sum(counts.scored.values()),
        failures=failures,
        latency=_latency(counts),
        signals=_signals(counts) if signals else {},
    )


def _latency(counts: Counts) -> Latency:
    """None where no server has told its edges yet."""
    if not counts.edges:
        return Latency()
    return Latency(counts.edges, counts.of_latency(len(counts.edges) + 1))


def _signals(counts: Counts) -> dict[str, SignalWindow]:
    return {
        name: SignalWindow(source, tuple(reference), tuple(counts.signals[name]))
        for name, (source, reference) in counts.references.items()
        if name in counts.signals
    }


class Ledger:
    """Of one ModelDeployment. `began`: Unix time from which it has looked on."""

    def __init__(self, began: float) -> None:
        self.began = began
        self._lives: dict[tuple[str, float], Counts] = {}
        self._totals: dict[str, Counts] = {}
        self._marks: dict[str, dict[str, Counts]] = {}
        self._drift_from: dict[str, Counts] = {}
        self._drift_found: dict[str, tuple[bool, str] | None] = {}
        self._known: dict[tuple[str, float], Life] = {}
        self._counted_since = began
        self._took_up = False
        self.trial: OnTrial | None = None
        """Of the present rollout."""
        self.questions = Questions()
        """Asked of it by the user."""

    def record(self, snapshots: Iterable[Snapshot], since: float | None = None) -> None:
        """Add what was counted since the last time. `since`: Unix time at which the rollout began, if there is one."""
        for snapshot in snapshots:
            totals = self._totals.get(snapshot.revision, Counts())
            life, now = (snapshot.pod, snapshot.started), counts_of(snapshot, like=totals)
            before = self._lives.get(life) or self._known_of(life, now) or self._missed(snapshot.started, now, since)
            if now != before or snapshot.revision not in self._totals:  # most have had no request since
                self._totals[snapshot.revision] = totals.plus(now.minus(before))
            self._lives[life] = now
        for revision, totals in self._totals.items():
            self._drift(revision, totals)

    def take_up(self, rollout: str, before: Remembered) -> None:
        """Go on from the newest look of the operator before this one."""
        if before.at is None:
            return
        self.mark(rollout)
        self._totals = {revision: _counts(tally) for revision, tally in before.since_rollout.items()}
        self.mark(LOOK)
        self._known = {(pod, life.started): life for pod, life in before.lives.items()}
        every_one = len(before.lives) < MOST_LIVES  # then others that the rollout has seen start never answered yet
        self._counted_since = parse_time(rollout).timestamp() if every_one else before.at
        self._took_up = True

    def lives(self, pods: Iterable[str]) -> dict[str, Life]:
        """As they were recorded last, whether or not they answer now."""
        newest = dict(sorted(self._lives))
        return {
            pod: Life(started=newest[pod], counted=_tally(self._lives[pod, newest[pod]]))
            for pod in pods
            if pod in newest
        }

    def tally_since(self, mark: str, revision: str) -> Tally:
        return _tally(self.since(mark, revision))

    def _known_of(self, life: tuple[str, float], now: Counts) -> Counts | None:
        known = self._known.get(life)
        return _counts(known.counted, now) if known else None

    def _missed(self, started: float, now: Counts, since: float | None) -> Counts:
        """What a server that is seen for the first time had counted before it was to be counted."""
        if started >= self._counted_since:
            return Counts()
        if not self._took_up and since is not None and started >= since:
            return Counts(edges=now.edges, latency=now.latency, signals=now.signals)
        return now

    def since(self, mark: str | None, revision: str) -> Counts:
        """Counts of a revision since `mark` was set; none if it was not."""
        if mark is None or mark not in self._marks:
            return Counts()
        return self._totals.get(revision, Counts()).minus(self._marks[mark].get(revision, Counts()))

    def marked(self, name: str) -> bool:
        return name in self._marks

    def mark_again(self, name: str) -> None:
        self._marks.pop(name, None)
        self.mark(name)

    def mark(self, name: str) -> None:
        """A window begins with what is recorded from now on. Set again, the mark stays where it is."""
        if name not in self._marks:
            self._marks[name] = dict(self._totals)

    def forget_marks(self, but: set[str]) -> None:
        """All others."""
        self._marks = {name: totals for name, totals in self._marks.items() if name in but}

    def rest(self, pods: Collection[str], revision: str) -> None:
        """Nothing is on trial: what is kept of pods that are gone, other revisions and moments past is dropped."""
        self._marks = {}
        self._lives = {life: counts for life, counts in self._lives.items() if life[0] in pods}
        for of in (self._totals, self._drift_from, self._drift_found):
            for other in of.keys() - {revision}:
                del of[other]

    def drift(self, revision: str) -> tuple[bool, str] | None:
        """Of the newest whole window; None before the first."""
        return self._drift_found.get(revision)

    def _drift(self, revision: str, totals: Counts) -> None:
        start = self._drift_from.setdefault(revision, Counts())
        counted = start.signals
        rows = max((sum(bins) - sum(counted.get(name, ())) for name, bins in totals.signals.items()), default=0)
        if rows >= MINIMUM_ROWS:
            self._drift_found[revision] = drifted(served(totals.minus(start)))
            self._drift_from[revision] = totals
