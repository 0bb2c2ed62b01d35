"""Simulated traffic of two versions, look by look.

Every request of a version's own stream fails or not, in clusters or alone; the breaker decides which requests the
candidate gets; latencies are log-normal around a log-median that may wander.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.special import ndtr  # type: ignore[import-untyped]

EDGES = np.round(np.geomspace(0.005, 2.0, 40), 6)
LOOK_SECONDS = 2.0
DAY = 86_400.0
"""Seconds. Rollouts begin at any time of it."""

Outcomes = np.ndarray[Any, np.dtype[np.bool_]]
Numbers = np.ndarray[Any, np.dtype[Any]]


class Looks(NamedTuple):
    """Arrays with one entry a look."""

    t: Numbers
    requests: Numbers
    failures: Numbers
    latency: Numbers
    stable_requests: Numbers
    stable_failures: Numbers
    stable_latency: Numbers


@dataclass(frozen=True)
class Version:
    errors: float = 0.0
    cluster: float = 1.0
    """Mean length of a run of failures, geometric."""
    median: float = 0.05
    sigma: float = 0.5


@dataclass(frozen=True)
class Shape:
    rate: float = 10.0
    stable: Version = Version()
    candidate: Version = Version()
    later: Version | None = None
    """What the candidate is from `fault` seconds on."""
    fault: float = 0.0
    wander: str = "none"
    """`own`: each version's log-median wanders by itself; `shared`: both follow one."""
    rho: float = 0.9
    wander_sigma: float = 0.3
    daily: bool = False
    breaker: bool = True
    look: float = LOOK_SECONDS


class Failures:
    """Outcomes of one stream of requests, in order."""

    def __init__(self, rng: np.random.Generator, version: Version) -> None:
        self.rng, self.version = rng, version
        self.left = 0 if rng.random() >= version.errors else self._size()
        self.gap = self._gap()

    def _size(self) -> int:
        return int(self.rng.geometric(1 / self.version.cluster))

    def _gap(self) -> int:
        """Good requests between clusters: so many that failures make up their share."""
        v = self.version
        if v.errors <= 0:
            return 1 << 62
        if v.errors >= 1:
            return 0
        mean = v.cluster * (1 - v.errors) / v.errors
        return int(self.rng.geometric(min(1.0, 1 / mean)))

    def take(self, n: int) -> Outcomes:
        v = self.version
        if v.errors <= 0:
            return np.zeros(n, bool)
        if v.errors >= 1:
            return np.ones(n, bool)
        if v.cluster <= 1:
            return self.rng.random(n) < v.errors
        out = np.zeros(n, bool)
        at = 0
        while at < n:
            if self.left:
                run = min(self.left, n - at)
                out[at : at + run] = True
                self.left -= run
                at += run
                if not self.left:
                    self.gap = self._gap()
            else:
                run = min(self.gap, n - at)
                self.gap -= run
                at += run
                if not self.gap:
                    self.left = self._size()
        return out


class Breaker:
    """Opens at five failures in a row; tried again after 1 s, doubling to 10 s."""

    def __init__(self) -> None:
        self.run, self.until, self.wait = 0, -1.0, 1.0

    @property
    def open(self) -> bool:
        return self.run >= 5

    def opens_at(self, failed: Outcomes) -> int | None:
        """The index of the failure that opens it, if one does."""
        if self.run + failed.sum() < 5:
            good = np.flatnonzero(~failed)
            self.run = len(failed) - 1 - int(good[-1]) if len(good) else self.run + len(failed)
            return None
        for index, one in enumerate(failed.tolist()):
            self.run = self.run + 1 if one else 0
            if self.open:
                return index
        return None

    def tried(self, failed: bool, now: float) -> None:
        """A request was let through while open."""
        if failed:
            self.wait = min(2 * self.wait, 10.0)
            self.until = now + self.wait
        else:
            self.run, self.wait = 0, 1.0

    def opened(self, now: float) -> None:
        self.run, self.wait, self.until = 5, 1.0, now + 1.0


class Stream(Failures):
    def __init__(self, rng: np.random.Generator, version: Version) -> None:
        super().__init__(rng, version)
        self.pushed = np.zeros(0, bool)

    def take(self, n: int) -> Outcomes:
        if not len(self.pushed):
            return super().take(n)
        old, self.pushed = self.pushed[:n], self.pushed[n:]
        return old if len(old) == n else np.concatenate([old, super().take(n - len(old))])

    def back(self, outcomes: Outcomes) -> None:
        self.pushed = np.concatenate([outcomes, self.pushed])


class Traffic:
    """A rollout's counts at any weight: `looks(weight, count)` gives the next so many looks."""

    def __init__(self, shape: Shape, seed: int) -> None:
        self.shape = shape
        self.rng = np.random.default_rng(seed)
        self.t = 0.0
        self.phase = self.rng.random() * DAY
        self.streams = Stream(self.rng, shape.candidate), Stream(self.rng, shape.stable)
        self.breaker = Breaker()
        self.faulty = False
        self.level = self.rng.normal(0, shape.wander_sigma, 2)

    def looks(self, weight: float, count: int) -> Looks:
        """The next so many, at this weight."""
        s, rng = self.shape, self.rng
        if s.later and self.t < s.fault:
            count = min(count, max(1, round((s.fault - self.t) / s.look)))
        elif s.later and not self.faulty:
            self.faulty, self.streams = True, (Stream(rng, s.later), self.streams[1])
        candidate_is = s.later if self.faulty and s.later else s.candidate
        ends = self.t + s.look * np.arange(1, count + 1)
        mean = np.full(count, s.rate * s.look)
        if s.daily:
            mean *= 1 + 0.5 * np.sin(2 * np.pi * (ends + self.phase) / DAY)
        totals = rng.poisson(mean)
        offered = rng.binomial(totals, weight / 100)
        candidate = self._candidate(offered, ends) if s.breaker else self._plain(self.streams[0], offered)
        stable = self._plain(self.streams[1], totals - offered)
        levels = self._levels(count)
        lat_c = self._latency(candidate[0] - candidate[1], candidate_is, levels[0])
        lat_s = self._latency(stable[0] - stable[1], s.stable, levels[1])
        self.t = float(ends[-1])
        return Looks(ends, *candidate, lat_c, *stable, lat_s)

    def _plain(self, stream: Stream, counts: Numbers) -> tuple[Numbers, Numbers]:
        outcomes = stream.take(int(counts.sum()))
        sums = np.concatenate([[0], np.cumsum(outcomes)])
        at = np.concatenate([[0], np.cumsum(counts)])
        return counts, sums[at[1:]] - sums[at[:-1]]

    def _candidate(self, counts: Numbers, ends: Numbers) -> tuple[Numbers, Numbers]:
        look = self.shape.look
        times = np.repeat(ends - look, counts) + self.rng.random(int(counts.sum())) * look
        which = np.repeat(np.arange(len(counts)), counts)
        times.sort()
        kept, failed = self._forward(times)
        requests, failures = np.zeros_like(counts), np.zeros_like(counts)
        np.add.at(requests, which[kept], 1)
        np.add.at(failures, which[kept], failed)
        return requests, failures

    def _forward(self, times: Numbers) -> tuple[Numbers, Outcomes]:
        """Indexes of the arrivals that the breaker lets through, and whether each failed."""
        breaker, stream = self.breaker, self.streams[0]
        kept, outcomes = [np.zeros(0, int)], [np.zeros(0, bool)]
        at = 0
        while at < len(times):
            if breaker.open:
                at = max(at, int(np.searchsorted(times, breaker.until, "left")))
                if at >= len(times):
                    break
                failed = stream.take(1)
                breaker.tried(bool(failed[0]), float(times[at]))
            else:
                failed = stream.take(min(512, len(times) - at))
                opening = breaker.opens_at(failed)
                if opening is not None:
                    stream.back(failed[opening + 1 :])
                    failed = failed[: opening + 1]
                    breaker.opened(float(times[at + opening]))
            kept.append(np.arange(at, at + len(failed)))
            outcomes.append(failed)
            at += len(failed)
        return np.concatenate(kept), np.concatenate(outcomes)

    def _levels(self, count: int) -> tuple[Numbers, Numbers]:
        s = self.shape
        if s.wander == "none":
            zero = np.zeros(count)
            return zero, zero
        noise = self.rng.normal(0, s.wander_sigma * np.sqrt(1 - s.rho**2), (2, count))
        out = np.empty((2, count))
        level = self.level
        for i in range(count):
            level = s.rho * level + noise[:, i]
            out[:, i] = level
        self.level = level
        return (out[0], out[0]) if s.wander == "shared" else (out[0], out[1])

    def _latency(self, counts: Numbers, version: Version, level: Numbers) -> Numbers:
        z = (np.log(EDGES)[None, :] - (np.log(version.median) + level)[:, None]) / version.sigma
        if not level.any():
            z = z[:1]
        cdf = np.concatenate([np.zeros((len(z), 1)), ndtr(z), np.ones((len(z), 1))], axis=1)
        p = np.clip(np.diff(cdf, axis=1), 0, 1)
        p /= p.sum(axis=1, keepdims=True)
        return self.rng.multinomial(counts, p if len(p) > 1 else p[0])
