"""What an operator counts of a candidate on trial, and what the next one makes of it."""

import random
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from modelward.api import ModelDeployment
from modelward.api.model_deployment import HeaderMatch, ModelDeploymentStatus, Routing
from modelward.decide.judge.remembered import Remembered, remembered
from modelward.decide.judge.trial import ANSWERS, FAILURES, REQUESTS, STABLE_ANSWERS, STABLE_REQUESTS
from modelward.decide.observed import ScoringPod
from modelward.observe.evidence import evidence_of
from modelward.observe.ledger import Ledger
from modelward.observe.trial import on_trial

from .test_evidence import BEGAN, pod, status

ROLLOUT = BEGAN + 5
"""As `status` has it."""
RAW: dict[str, Any] = {"metadata": {"name": "flights", "namespace": "ns"}, "spec": {"modelRef": {"name": "flights"}}}


class Operator:
    """`written`: by the one before it."""

    def __init__(self, now: float, written: dict[str, Any] | None = None) -> None:
        self.ledger, self.written = Ledger(now), written
        if before := remembered(written):
            self.ledger.take_up("2026-01-01T00:00:05Z", before)

    def look(self, now: float, pods: list[ScoringPod], status: ModelDeploymentStatus) -> Remembered:
        status = status.model_copy(update={"trial": self.written})
        deployment = ModelDeployment.model_validate(RAW).model_copy(update={"status": status})
        seen = on_trial(self.ledger, deployment, evidence_of(self.ledger, status, tuple(pods)), tuple(pods), now)
        assert seen
        return seen


def server(
    name: str, of: str, rows: int, handed: int = 0, started: float = BEGAN - 100, epoch: int = 2, failed: int = 0
) -> ScoringPod:
    found = pod(of, (rows, 0), epoch, handed=handed)
    assert found.snapshot
    failures = {"status5xx": failed}
    forwards = {to: msgspec.structs.replace(f, failures=failures) for to, f in found.snapshot.forwards.items()}
    return replace(
        found, name=name, snapshot=msgspec.structs.replace(found.snapshot, pod=name, started=started, forwards=forwards)
    )


def total(seen: Remembered, index: int) -> int:
    return sum(sums[index] for sums in seen.trial.weights if len(sums) > index)


@pytest.mark.parametrize("seed", range(20))
def test_new_operator_counts_what_the_one_before_it_would_have(seed: int) -> None:
    """Servers are born, and do not answer now and then, also when it was written last."""
    chance, now = random.Random(seed), ROLLOUT + 1
    stays, other, written = Operator(ROLLOUT), Operator(ROLLOUT), None
    away = range(20, 20 + chance.choice([1, 5, 15]))
    servers = {name: [BEGAN - 100, 0, 0] for name in ("a", "b", "c")}
    births = {chance.randrange(1, 55) for _ in range(5)}
    for moment in range(60):
        if moment in births:
            servers[f"born-{moment}"] = [now, 0, 0]
        for counters in servers.values():
            counters[1] += chance.randint(0, 90)
            counters[2] += chance.randint(1, 10)
        pods = [server(name, "stable", own, handed, since) for name, (since, own, handed) in servers.items()]
        rows = sum(handed for _, _, handed in servers.values())
        pods.append(server("new", "candidate", int(rows), started=ROLLOUT + 0.5))
        silent = 0.3 if 0 < moment < 58 else 0.0
        pods = [replace(p, snapshot=None) if chance.random() < silent else p for p in pods]
        expected = stays.look(now, pods, status(2, 10))
        if moment == away.stop:
            other = Operator(now, written)
        if moment not in away:
            found = other.look(now, pods, status(2, 10))
            written = found.written() if moment % 5 == 0 else written
        now += chance.choice([0.5, 2.0]) if moment < 58 else 2.0
    for index in (REQUESTS, STABLE_REQUESTS, ANSWERS, STABLE_ANSWERS):
        assert total(found, index) == total(expected, index)
    assert total(found, REQUESTS) > 500


def test_verdict_stands_while_the_servers_follow_what_is_not_written_yet() -> None:
    """Told to leave the candidate, they hand it nothing: that must not look like a recovery."""
    operator = Operator(ROLLOUT)
    for moment in range(3):
        now = ROLLOUT + 2 * moment
        seen = operator.look(now, [server("a", "stable", 90 * moment, 10 * moment, failed=moment)], status(2, 10))
    assert (total(seen, REQUESTS), total(seen, FAILURES)) == (22, 2)
    for moment in range(3, 500):
        told = [server("a", "stable", 90 * moment, 20, epoch=3, failed=2)]
        assert operator.look(ROLLOUT + 2 * moment, told, status(2, 10)) == seen


def test_testers_requests_at_weight_zero_count_as_requests_and_their_time_does_not() -> None:
    routing = Routing(matches=[HeaderMatch(header="x-canary", value="yes")])
    operator, trying = Operator(ROLLOUT), status(2, 0)
    for moment in range(3):
        pods = [server("a", "stable", 90 * moment, 10 * moment), server("new", "candidate", 10 * moment)]
        seen = operator.look(ROLLOUT + 2 * moment, pods, trying.model_copy(update={"routing": routing}))
    assert (total(seen, REQUESTS), total(seen, ANSWERS), seen.trial.thresholds) == (20, 0, ())
    assert Operator(ROLLOUT).look(ROLLOUT, pods, trying).trial.seen is None, "without them nothing is compared"
