"""One rollout in simulated traffic, judged by the same code as `python -m modelward replay`."""

from typing import NamedTuple

from modelward.cli.replay import Replay
from modelward.decide.judge.terms import Terms
from modelward_contracts.trace import Counts, Look, Start, TraceStep

from .world import EDGES, Shape, Traffic

START = Start(edges=EDGES.tolist(), steps=[TraceStep(weight=10), TraceStep(weight=50)])
AHEAD = 100
"""Looks that are made at once."""


class End(NamedTuple):
    outcome: str
    """Harm, SentBack, Promoted, or what it was held for."""
    seconds: float


def rollout(shape: Shape, seed: int, start: Start = START, terms: Terms | None = None) -> End:
    traffic, replay = Traffic(shape, seed), Replay(start, terms or Terms())
    while traffic.t < 2 * start.progress_deadline_seconds:
        weight = replay.weight
        looks = traffic.looks(weight, AHEAD)
        for t, n, f, latency, stable_n, stable_f, stable_latency in zip(
            *(column.tolist() for column in looks), strict=True
        ):
            look = Look(
                t=t,
                weight=weight,
                candidate=Counts(requests=n, failures=f, latency=latency),
                stable=Counts(requests=stable_n, failures=stable_f, latency=stable_latency),
            )
            if not replay.see(look):
                return End(replay.decision.outcome, t)
            if replay.weight != weight:
                traffic.t = t
                break
    return End(replay.decision.outcome, traffic.t)
