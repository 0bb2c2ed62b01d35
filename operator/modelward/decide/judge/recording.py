"""What was looked at in a trial, to be kept in the store: a trace as `replay` reads it, of bounded size."""

import gzip
from datetime import UTC, datetime
from math import inf
from operator import add

import msgspec

from modelward_contracts.trace import Counts, Look, Start, TraceStep
from modelward_contracts.wire import canonical, decode

MOST_LOOKS = 2048
"""An hour of them; then neighbours are put together: counts are sums, so that nothing is lost but some time."""
MOST_BYTES = 480 * 1024
"""Compressed. As base64 it is to fit into a ConfigMap (1 MiB)."""

Looks = list[tuple[int, bytes]]
"""Index of the step, and a Look as JSON: a megabyte a trial, where objects would take ten."""


class Recording:
    """Of one rollout, from when this operator first looked at it."""

    def __init__(self, began: str, revision: str) -> None:
        self.began, self.revision = began, revision
        self.edges: list[float] = []
        self._looks: Looks = []
        self._newest = -inf

    def add(self, step: int, look: Look, edges: list[float]) -> None:
        """A clock that goes back stands still here: a trace's does not go back."""
        self._newest = max(self._newest, look.t)
        self.edges = self.edges or edges
        self._looks.append((step, canonical(msgspec.structs.replace(look, t=self._newest))))
        if len(self._looks) > MOST_LOOKS:
            self._looks = merged(self._looks)

    @property
    def empty(self) -> bool:
        return not self._looks

    @property
    def looks(self) -> list[Look]:
        return [decode(look, Look) for _, look in self._looks]

    @property
    def part(self) -> str:
        """Sorts by rollout, then by time: `20260101T000000Z-20260101T000012Z`."""
        first = datetime.fromtimestamp(decode(self._looks[0][1], Look).t, UTC)
        return "-".join(f"{time:%Y%m%dT%H%M%SZ}" for time in (datetime.fromisoformat(self.began), first))

    def compressed(self, start: Start) -> bytes:
        """gzip of JSON lines. The steps begin with the one in which the first look fell, and those that give all
        requests to one side are left out: nothing is compared there."""
        step, first = self._looks[0]
        steps = [each for each in start.steps[step:] if 0 < each.weight < 100]
        edited_away = [TraceStep(weight=decode(first, Look).weight)]
        start = msgspec.structs.replace(start, steps=steps or edited_away, edges=self.edges)
        looks = self._looks
        while True:
            records = [start, *(self._fitting(decode(look, Look)) for _, look in looks)]
            data = gzip.compress(b"".join(canonical(record) + b"\n" for record in records), mtime=0)
            if len(data) <= MOST_BYTES or len(fewer := merged(looks)) == len(looks):
                return data
            looks = fewer

    def _fitting(self, look: Look) -> Look:
        """With a count for each edge, though it was taken before they were known, or with others."""
        bins = len(self.edges) + 1
        stable, candidate = (
            counts if len(counts.latency) == bins else msgspec.structs.replace(counts, latency=[0] * bins)
            for counts in (look.stable, look.candidate)
        )
        return msgspec.structs.replace(look, stable=stable, candidate=candidate)


def merged(looks: Looks) -> Looks:
    """Neighbours of equal step and weight in pairs; a step's first look stays: its time begins with it."""
    found: Looks = []
    index = 0
    while index < len(looks):
        step, look = looks[index]
        first = not found or found[-1][0] != step
        following = looks[index + 1] if index + 1 < len(looks) and not first else None
        if following and following[0] == step and (both := _together(look, following[1])):
            look = both
            index += 1
        found.append((step, look))
        index += 1
    return found


def _together(one: bytes, other: bytes) -> bytes | None:
    """None where their weights differ."""
    before, after = decode(one, Look), decode(other, Look)
    if before.weight != after.weight:
        return None
    both = msgspec.structs.replace(
        after,
        stable=_sum(before.stable, after.stable),
        candidate=_sum(before.candidate, after.candidate),
        complete=before.complete and after.complete,
    )
    return canonical(both)


def _sum(one: Counts, other: Counts) -> Counts:
    latencies = sorted((one.latency, other.latency), key=len)
    same = len(latencies[0]) == len(latencies[1])
    return Counts(
        requests=one.requests + other.requests,
        failures=one.failures + other.failures,
        latency=list(map(add, *latencies)) if same else latencies[1],
    )
