"""Failures and slow answers of a trial, and what can be concluded of either.

Three numbers hold for each: the overdispersion to divide by where harm is concluded (cautious: an honest version must
not be branded), where proof is (the expected one), and before anything was measured. Where they come from: the
simulations of benchmarks/rollback, whose page in docs/ gives the rates that they lead to.
"""

from dataclasses import dataclass
from math import log

from .mixture import RARE, TENTH, Allowed, Prior, Table, log_fine, log_harm, log_supremum, most_likely
from .sight import surprise
from .spread import Spread
from .terms import Terms
from .trial import ANSWERS, FAILURES, REQUESTS, SLOW, STABLE_ANSWERS, STABLE_FAILURES, STABLE_REQUESTS, Trial

NO_EXCESS = Allowed(1e-9)
MISSED = 0.09
"""Probability that a candidate which is as bad as just not allowed is promoted all the same; less where it is worse."""
BY_SIGHT = 0.1
"""When time is up, what would be rarer than this for an equal version speaks against it, unless it is likelier still
for an equal one than for one as bad as just not allowed: which needs no overdispersion to tell."""
SUSPICIOUS = 0.02
"""What would be rarer than this for an equal version holds a step."""
ERROR_TOLERANCE = 0.75
"""Of stable's own error rate, on top of what is allowed, for the proof alone: the more stable fails, the more requests
it takes to see the same difference, and two equal versions would never be told from unequal ones in an hour."""


@dataclass(frozen=True)
class Dependence:
    """`Spread.overdispersion`'s arguments: what is usual, what that is worth, and how cautious to be."""

    prior: float
    weight: float
    caution: float


@dataclass(frozen=True)
class Kind:
    reason: str
    branding: Dependence
    proving: Dependence
    least_blocks: int
    least_seconds: float
    """Of a window: in a shorter one dependence looks like harm."""
    prior: Prior


ERRORS = Kind("Errors", Dependence(9.0, 6.0, 1.5), Dependence(9.0, 24.0, -1.0), 0, 10.0, RARE)
"""Nine is the overdispersion of clusters of five on average, geometric: (1 + 0.8) / (1 - 0.8)."""
LATENCY = Kind("Latency", Dependence(9.0, 4.0, 2.5), Dependence(4.0, 4.0, -1.5), 17, 120.0, TENTH)


@dataclass(frozen=True)
class Metric:
    kind: Kind
    words: str
    counted: Table
    """Stable's counts as they would be, had it had the candidate's share at each weight."""
    spread: Spread
    allowed: float
    """Rate beyond stable's."""
    limit: Allowed
    """What must be proven not to be reached."""

    @property
    def excess(self) -> float:
        return self.counted.rate - self.counted.stable_rate

    def overdispersion(self, of: Dependence) -> float:
        return self.spread.overdispersion(of.prior, of.weight, of.caution)

    def harmful(self, level: float, least_overdispersion: float = 1.0) -> bool:
        """Worse than stable beyond doubt, and by more than is allowed as far as can be seen."""
        if self.excess <= self.allowed or self.spread.blocks < self.kind.least_blocks:
            return False
        by = max(least_overdispersion, self.overdispersion(self.kind.branding))
        return log_harm(self.counted.divided(by), NO_EXCESS, self.kind.prior) >= -log(level)

    @property
    def fine(self) -> float:
        """Log e-value of the proof: from log(1 / MISSED) on it is one. -inf where more is seen than is allowed."""
        if self.excess > self.allowed:
            return float("-inf")
        return log_fine(self._proving, self.limit, self.kind.prior)

    @property
    def proven(self) -> bool:
        return self.fine >= -log(MISSED)

    @property
    def suspicious(self) -> bool:
        return surprise(self._proving) < SUSPICIOUS

    @property
    def surprising(self) -> bool:
        """When time is up."""
        table = self._proving
        if surprise(table) >= BY_SIGHT:
            return False
        if self.limit.rate(table.stable_rate) >= 1 or self.excess > self.allowed:
            return True
        return most_likely(table) < log_supremum(table, self.limit)

    @property
    def _proving(self) -> Table:
        return self.counted.divided(self.overdispersion(self.kind.proving))

    def __str__(self) -> str:
        c = self.counted
        return (
            f"{c.hits:.0f} of the candidate's {c.total:.0f} {self.words} ({percent(c.rate)}), of stable's"
            f" {percent(c.stable_rate)} (allowed: {percent(self.allowed)} more)"
        )


def percent(rate: float) -> str:
    return f"{100 * rate:.3g} %"


def metrics_of(trial: Trial, terms: Terms) -> list[Metric]:
    """What can be compared: failures always, slow answers once it is known what is slow."""
    allowed = terms.error_increase
    limit = Allowed(allowed, 1 + ERROR_TOLERANCE)
    failures = _standardised(trial, FAILURES, REQUESTS, STABLE_FAILURES, STABLE_REQUESTS)
    found = [Metric(ERRORS, "failed", failures, trial.errors, allowed, limit)]
    if trial.thresholds and trial.slow_allowed < 1:
        at = SLOW + 2 * trial.threshold
        answers = _standardised(trial, at, ANSWERS, at + 1, STABLE_ANSWERS)
        words = f"took more than {1000 * trial.slow_seconds:.3g} ms"
        found.append(Metric(LATENCY, words, answers, trial.slow, trial.slow_allowed, Allowed(trial.slow_allowed)))
    return found


def _standardised(trial: Trial, hit: int, count: int, stable_hit: int, stable_count: int) -> Table:
    """Direct standardisation: at one weight both versions have a fixed share of whatever happens, over weights stable's
    rates are weighted as the candidate's requests are, with as many of stable's as have the same variance. A shift that
    both see while weights change is then none of the candidate's."""
    hits = counted = expected = variance = 0.0
    for sums in trial.weights:
        if len(sums) <= stable_hit or not sums[stable_count] or not sums[count]:
            continue
        hits += sums[hit]
        counted += sums[count]
        expected += sums[count] * sums[stable_hit] / sums[stable_count]
        variance += sums[count] * sums[count] / sums[stable_count]
    if not counted:
        return Table(0.0, 0.0, 0.0, 0.0)
    stable = counted * counted / variance
    return Table(hits, counted, expected / counted * stable, stable)
