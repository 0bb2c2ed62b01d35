"""Both versions are judged over the same time and traffic."""

from modelward.api.model_deployment import ModelDeploymentStatus, ServingRevision
from modelward.decide.judge.evidence import Evidence
from modelward.decide.observed import ScoringPod
from modelward.observe.evidence import evidence_of
from modelward.observe.ledger import Ledger
from modelward_contracts.monitor import Forwards, Histogram, SignalCounts, Snapshot

BEGAN = 1_767_225_600.0  # 2026-01-01
STARTED = {"stable": BEGAN - 100, "candidate": BEGAN + 10}
SUMMER, WINTER = 0, 1


def revision(name: str) -> ServingRevision:
    return ServingRevision(
        revision={"stable": "aa", "candidate": "bb"}[name],
        model_version=name,
        version=1,
        digest="sha256:" + "0" * 64,
        image="scoring:1",
        since="2026-01-01T00:00:00Z",
    )


def status(epoch: int, weight: int) -> ModelDeploymentStatus:
    return ModelDeploymentStatus(
        phase="Canary",
        epoch=epoch,
        weight=weight,
        rollout_started="2026-01-01T00:00:05Z",
        step_started="2026-01-01T00:00:20Z",
        stable=revision("stable"),
        candidate=revision("candidate"),
    )


def pod(
    name: str,
    rows: tuple[int, int],
    epoch: int,
    handed: int = 0,
    reached: bool = True,
    is_open: bool = False,
    uncomputed: int = 0,
) -> ScoringPod:
    """`rows` scored so far: of summer, of winter. `handed`: answered by the candidate. `is_open`: the breaker."""
    forwards = Forwards(
        attempts=handed, answered=handed, failures={}, breaker_open=is_open, failed_trials=0, reached=reached
    )
    snapshot = Snapshot(
        pod=name,
        revision=revision(name).revision,
        model="m",
        profile="p",
        started=STARTED[name],
        epoch=epoch,
        ready=True,
        scored={"200": sum(rows), "400": uncomputed},
        uncomputed=uncomputed,
        latency=Histogram(edges=[0.01], counts=[sum(rows), 0], sum=0.0),
        forwards={"bb": forwards} if handed or not reached else {},
        connections=0,
        in_flight=0,
        signals=[SignalCounts(name="distance", source="input", kind="number", reference=[50, 50], counts=list(rows))],
    )
    return ScoringPod(name, name, revision(name).revision, "host:8082", True, False, None, snapshot)


def counts(found: Evidence) -> tuple[tuple[int, ...], tuple[int, ...]]:
    stable, candidate = found.stable.signals, found.candidate.signals
    return stable["input distance"].counts, candidate["input distance"].counts


def test_what_stable_saw_before_the_candidate_had_its_share_is_left_out() -> None:
    ledger = Ledger(BEGAN)
    evidence_of(ledger, status(1, 0), (pod("stable", (9000, 0), 1), pod("candidate", (0, 0), 1)))
    evidence_of(ledger, status(2, 50), (pod("stable", (9100, 0), 2), pod("candidate", (0, 0), 1)))
    pods = (pod("stable", (9100, 300), 2, handed=310), pod("candidate", (0, 310), 2))
    found = evidence_of(ledger, status(2, 50), pods)
    assert counts(found) == ((0, 300), (0, 310))
    assert (found.candidate.requests, found.step_requests) == (310, 310)


def test_window_begins_when_every_server_in_service_follows_the_setting() -> None:
    ledger = Ledger(BEGAN)
    for rows in (9000, 9100):
        late = (pod("stable", (rows, 0), 1), pod("candidate", (0, 0), 1))
        assert evidence_of(ledger, status(2, 50), late).stable.requests == 0
    evidence_of(ledger, status(2, 50), (pod("stable", (9200, 0), 2), pod("candidate", (0, 0), 2)))
    found = evidence_of(ledger, status(2, 50), (pod("stable", (9230, 0), 2), pod("candidate", (30, 0), 2)))
    assert counts(found) == ((30, 0), (30, 0))


def test_window_begins_when_every_server_in_service_has_reached_the_candidate() -> None:
    ledger = Ledger(BEGAN)
    evidence_of(ledger, status(2, 50), (pod("stable", (0, 0), 2, reached=False), pod("candidate", (0, 0), 2)))
    late = (pod("stable", (900, 0), 2, reached=False), pod("candidate", (0, 0), 2))
    assert not evidence_of(ledger, status(2, 50), late).candidate.reached
    evidence_of(ledger, status(2, 50), (pod("stable", (900, 0), 2), pod("candidate", (0, 0), 2)))
    found = evidence_of(ledger, status(2, 50), (pod("stable", (900, 30), 2, handed=30), pod("candidate", (0, 30), 2)))
    assert found.candidate.reached
    assert counts(found) == ((0, 30), (0, 30))


def test_step_of_another_weight_is_compared_by_itself() -> None:
    """900 to 100 in summer, 500 to 500 in winter: together that would be 64 % of summer against 17 %."""
    ledger = Ledger(BEGAN)
    evidence_of(ledger, status(2, 10), (pod("stable", (0, 0), 2), pod("candidate", (0, 0), 2)))
    first = evidence_of(ledger, status(2, 10), (pod("stable", (900, 0), 2), pod("candidate", (100, 0), 2)))
    assert counts(first) == ((900, 0), (100, 0))
    evidence_of(ledger, status(3, 50), (pod("stable", (900, 0), 3), pod("candidate", (100, 0), 3)))
    second = evidence_of(ledger, status(3, 50), (pod("stable", (900, 500), 3), pod("candidate", (100, 500), 3)))
    assert counts(second) == ((0, 500), (0, 500))


def test_stable_that_scores_no_more_is_held_against_with_what_it_did_before() -> None:
    ledger = Ledger(BEGAN)
    evidence_of(ledger, status(2, 50), (pod("stable", (0, 0), 2), pod("candidate", (0, 0), 2)))
    evidence_of(ledger, status(3, 100), (pod("stable", (500, 0), 3), pod("candidate", (500, 0), 3)))
    found = evidence_of(ledger, status(3, 100), (pod("stable", (500, 0), 3), pod("candidate", (600, 0), 3)))
    assert (found.stable.requests, found.candidate.latency.total) == (500, 100)
    assert found.stable.signals == {}


def test_what_a_promoted_version_cannot_compute_counts_against_it_and_before_that_its_servers_witness_does() -> None:
    ledger = Ledger(BEGAN)
    evidence_of(ledger, status(2, 50), (pod("stable", (0, 0), 2), pod("candidate", (0, 0), 2)))
    trial = evidence_of(ledger, status(2, 50), (pod("stable", (90, 0), 2, uncomputed=10), pod("candidate", (90, 0), 2)))
    assert (trial.stable.requests, trial.stable.failures) == (100, 0)
    baking = status(3, 0).model_copy(
        update={"phase": "Baking", "stable": revision("candidate"), "candidate": None, "previous": revision("stable")}
    )
    baking = baking.model_copy(update={"step_started": "2026-01-01T00:01:00Z"})
    before = (pod("stable", (90, 0), 3, uncomputed=10), pod("candidate", (90, 0), 3))
    evidence_of(ledger, baking, before)
    found = evidence_of(ledger, baking, (before[0], pod("candidate", (150, 0), 3, uncomputed=40)))
    assert (found.candidate.requests, found.candidate.failures) == (100, 40)
    assert (found.stable.requests, found.stable.failures) == (100, 10)


def test_breaker_is_open_where_that_of_any_server_is() -> None:
    def found(*is_open: bool) -> bool:
        pods = tuple(pod("stable", (0, 100), 2, handed=100, is_open=each) for each in is_open)
        return evidence_of(Ledger(BEGAN), status(2, 50), pods).candidate.breaker_open

    assert not found(False, False)
    assert found(False, True)
