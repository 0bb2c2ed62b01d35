"""What the scoring servers counted, as windows of time.

Servers report counters that only grow within one life of a process. The ledger differences them per life, adds the
differences up per revision, and remembers the totals at marked moments (rollout start, step start, a traffic setting in
force), so that a window is a subtraction.

It is memory of this process only. A new one takes up what the one before it has written of its newest look, and counts
from there. Where nothing was written, windows begin with the first scrape, so that latency and signals of the versions
are still compared over the same time; what a server failed that started within the rollout counts from its own zero all
the same: harm done while nobody looked on is not forgotten.
"""

from collections import Counter
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass, field

from modelward.decide.drift import MINIMUM_ROWS
from modelward.decide.judge.evidence import Latency, SignalWindow, Window
from modelward.decide.judge.recording import Recording
from modelward.decide.judge.remembered import MOST_LIVES, Life, Remembered, Tally
from modelward.decide.observed import parse_time
from modelward.observe.checks import Questions
from modelward_contracts.monitor import Forwards, Snapshot

SAYS_NOTHING = ("capped", "refused", "same_pause")
"""Causes of failed forwards that are no fault of the candidate, or are counted as one already."""


LOOK = "look"
"""The mark of the newest look at a candidate on trial."""


@dataclass
class OnTrial:
    began: str
    """When the rollout did."""
    so_far: Remembered
    recording: Recording | None
    """None once it is stored, or too old."""


@dataclass
class Counts:
    """Counters of one revision; subtraction and addition go entry by entry."""

    scored: Counter[str] = field(default_factory=Counter)
    uncomputed: int = 0
    answered: Counter[str] = field(default_factory=Counter)
    """Forwarded requests that the candidate answered, by its revision."""
    failed: Counter[str] = field(default_factory=Counter)
    edges: tuple[float, ...] = ()
    latency: Counter[int] = field(default_factory=Counter)
    signals: dict[str, Counter[int]] = field(default_factory=dict)
    references: dict[str, tuple[str, tuple[int, ...]]] = field(default_factory=dict)

    def add(self, other: "Counts") -> None:
        self._merge(other, 1)

    def minus(self, other: "Counts") -> "Counts":
        difference = deepcopy(self)
        difference._merge(other, -1)
        return difference

    def _merge(self, other: "Counts", sign: int) -> None:
        for mine, theirs in (
            (self.scored, other.scored),
            (self.answered, other.answered),
            (self.failed, other.failed),
        ):
            for key, count in theirs.items():
                mine[key] += sign * count
        for index, count in other.latency.items():
            self.latency[index] += sign * count
        for name, counts in other.signals.items():
            mine_signal = self.signals.setdefault(name, Counter())
            for index, count in counts.items():
                mine_signal[index] += sign * count
        self.uncomputed += sign * other.uncomputed
        self.edges = other.edges or self.edges
        self.references |= other.references


def counts_of(snapshot: Snapshot) -> Counts:
    """A snapshot's counters. Signals are named with their source: names are unique within a source only."""
    return Counts(
        scored=Counter(snapshot.scored),
        uncomputed=snapshot.uncomputed,
        answered=Counter({revision: f.answered for revision, f in snapshot.forwards.items()}),
        failed=Counter({revision: _failed(f) for revision, f in snapshot.forwards.items()}),
        edges=tuple(snapshot.latency.edges),
        latency=Counter(dict(enumerate(snapshot.latency.counts))),
        signals={f"{s.source} {s.name}": Counter(dict(enumerate(s.counts))) for s in snapshot.signals},
        references={f"{s.source} {s.name}": (s.source, tuple(s.reference)) for s in snapshot.signals},
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
        latency={index: count for index, count in counts.latency.items() if count},
    )


def _counts(tally: Tally, now: Counts | None = None) -> Counts:
    """`now`: of the same server; what is not remembered is taken from it."""
    return Counts(
        scored=Counter(tally.scored),
        uncomputed=tally.uncomputed,
        answered=Counter(tally.answered),
        failed=Counter(tally.failed),
        edges=now.edges if now else (),
        latency=Counter(tally.latency),
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
    return Latency(counts.edges, tuple(counts.latency[i] for i in range(len(counts.edges) + 1)))


def _signals(counts: Counts) -> dict[str, SignalWindow]:
    return {
        name: SignalWindow(source, reference, tuple(counts.signals[name][i] for i in range(len(reference))))
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
        self._recent: dict[str, Window] = {}
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
            life, now = (snapshot.pod, snapshot.started), counts_of(snapshot)
            before = self._lives.get(life) or self._known_of(life, now) or self._missed(snapshot.started, now, since)
            self._totals.setdefault(snapshot.revision, Counts()).add(now.minus(before))
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
            self._marks[name] = deepcopy(self._totals)

    def forget_marks(self, but: set[str]) -> None:
        """All others."""
        self._marks = {name: totals for name, totals in self._marks.items() if name in but}

    def recent(self, revision: str) -> Window:
        """The newest whole window for drift; empty before the first."""
        return self._recent.get(revision, Window())

    def _drift(self, revision: str, totals: Counts) -> None:
        start = self._drift_from.setdefault(revision, Counts())
        window = served(totals.minus(start))
        rows = max((sum(s.counts) for s in window.signals.values()), default=0)
        if rows >= MINIMUM_ROWS:
            self._recent[revision] = window
            self._drift_from[revision] = deepcopy(totals)
