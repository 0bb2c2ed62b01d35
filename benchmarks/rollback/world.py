"""Simulated traffic of two versions, look by look.

Every request of a version's own stream fails or not, in clusters or alone; the breaker decides which requests the
candidate gets; latencies are log-normal around a log-median that may wander.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.special import ndtr

EDGES = np.round(np.geomspace(0.005, 2.0, 40), 6)
LOOK_SECONDS = 2.0


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

    def take(self, n: int) -> np.ndarray:
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

    def pass_through(self, times: np.ndarray, failures: Failures) -> np.ndarray:
        """Outcomes of the requests that are forwarded, of those arriving at `times`."""
        out: list[np.ndarray] = []
        at, n = 0, len(times)
        while at < n:
            if self.run >= 5:
                at = int(np.searchsorted(times, self.until, "left")) if self.until > times[at] else at
                if at >= n:
                    break
                got = failures.take(1)
                out.append(got)
                if got[0]:
                    self.wait = min(2 * self.wait, 10.0)
                    self.until = times[at] + self.wait
                else:
                    self.run, self.wait = 0, 1.0
                at += 1
                continue
            got = failures.take(n - at)
            opened = self._opens(got)
            if opened is None:
                out.append(got)
                break
            out.append(got[: opened + 1])
            # What was drawn beyond is not lost: it belongs to the stream.
            failures.back(got[opened + 1 :])
            self.run, self.wait = 5, 1.0
            self.until = times[at + opened] + 1.0
            at += opened + 1
        return np.concatenate(out) if out else np.zeros(0, bool)

    def _opens(self, got: np.ndarray) -> int | None:
        run = self.run
        if run + got.sum() < 5:
            good = np.flatnonzero(~got)
            self.run = run + len(got) if not len(good) else len(got) - 1 - int(good[-1])
            return None
        for i, failed in enumerate(got.tolist()):
            run = run + 1 if failed else 0
            if run >= 5:
                return i
        self.run = run
        return None


class Stream(Failures):
    def __init__(self, rng: np.random.Generator, version: Version) -> None:
        super().__init__(rng, version)
        self.pushed = np.zeros(0, bool)

    def take(self, n: int) -> np.ndarray:
        if not len(self.pushed):
            return super().take(n)
        old, self.pushed = self.pushed[:n], self.pushed[n:]
        return old if len(old) == n else np.concatenate([old, super().take(n - len(old))])

    def back(self, outcomes: np.ndarray) -> None:
        self.pushed = np.concatenate([outcomes, self.pushed])


class Traffic:
    """A rollout's counts at any weight: `looks(weight, count)` gives the next so many looks."""

    def __init__(self, shape: Shape, seed: int) -> None:
        self.shape = shape
        self.rng = np.random.default_rng(seed)
        self.t = 0.0
        self.phase = self.rng.random() * 86400
        self.streams = Stream(self.rng, shape.candidate), Stream(self.rng, shape.stable)
        self.breaker = Breaker()
        self.level = self.rng.normal(0, shape.wander_sigma, 2)
        self.first = True

    def looks(self, weight: float, count: int):
        """(t, candidate (requests, failures, latency), stable (…)) of each look."""
        s, rng = self.shape, self.rng
        ends = self.t + s.look * np.arange(1, count + 1)
        mean = np.full(count, s.rate * s.look)
        if s.daily:
            mean *= 1 + 0.8 * np.sin(2 * np.pi * (ends + self.phase) / 86400 * 24)
        totals = rng.poisson(mean)
        offered = rng.binomial(totals, weight / 100)
        candidate = self._candidate(offered, ends) if s.breaker else self._plain(self.streams[0], offered)
        stable = self._plain(self.streams[1], totals - offered)
        levels = self._levels(count)
        lat_c = self._latency(candidate[0] - candidate[1], s.candidate, levels[0])
        lat_s = self._latency(stable[0] - stable[1], s.stable, levels[1])
        self.t = float(ends[-1])
        return ends, candidate, lat_c, stable, lat_s

    def _plain(self, stream: Stream, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        outcomes = stream.take(int(counts.sum()))
        sums = np.concatenate([[0], np.cumsum(outcomes)])
        at = np.concatenate([[0], np.cumsum(counts)])
        return counts, sums[at[1:]] - sums[at[:-1]]

    def _candidate(self, counts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self.shape.candidate.errors <= 0 or (self.shape.candidate.cluster <= 1 and self.shape.candidate.errors < 0.1):
            return self._plain(self.streams[0], counts)
        look = self.shape.look
        requests, failed = np.zeros_like(counts), np.zeros_like(counts)
        times = np.repeat(ends - look, counts) + self.rng.random(int(counts.sum())) * look
        which = np.repeat(np.arange(len(counts)), counts)
        for i in range(len(counts)):
            pass
        order = np.argsort(times)
        times, which = times[order], which[order]
        kept, outcomes = self._forward(times)
        np.add.at(requests, which[kept], 1)
        np.add.at(failed, which[kept], outcomes)
        return requests, failed

    def _forward(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Indexes of the arrivals that are forwarded, and whether each failed."""
        b, stream, n = self.breaker, self.streams[0], len(times)
        kept: list[np.ndarray] = []
        out: list[np.ndarray] = []
        at = 0
        chunk = 512
        while at < n:
            if b.run >= 5:
                if b.until > times[at]:
                    at = int(np.searchsorted(times, b.until, "left"))
                    if at >= n:
                        break
                got = stream.take(1)
                kept.append(np.array([at]))
                out.append(got)
                if got[0]:
                    b.wait = min(2 * b.wait, 10.0)
                    b.until = times[at] + b.wait
                else:
                    b.run, b.wait = 0, 1.0
                at += 1
                continue
            size = min(chunk, n - at)
            got = stream.take(size)
            opened = b._opens(got)
            used = size if opened is None else opened + 1
            kept.append(np.arange(at, at + used))
            out.append(got[:used])
            if opened is not None:
                stream.back(got[used:])
                b.run, b.wait = 5, 1.0
                b.until = times[at + opened] + 1.0
            at += used
        if not kept:
            return np.zeros(0, int), np.zeros(0, bool)
        return np.concatenate(kept), np.concatenate(out)

    def _levels(self, count: int) -> tuple[np.ndarray, np.ndarray]:
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

    def _latency(self, counts: np.ndarray, version: Version, level: np.ndarray) -> np.ndarray:
        z = (np.log(EDGES)[None, :] - (np.log(version.median) + level)[:, None]) / version.sigma
        if not level.any():
            z = z[:1]
        cdf = np.concatenate([np.zeros((len(z), 1)), ndtr(z), np.ones((len(z), 1))], axis=1)
        p = np.clip(np.diff(cdf, axis=1), 0, 1)
        p /= p.sum(axis=1, keepdims=True)
        return self.rng.multinomial(counts, p if len(p) > 1 else p[0])
