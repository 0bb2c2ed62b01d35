"""Rows of (state, event) in which progressive delivery is known to go wrong elsewhere, and what happens here.

One test a row, named `test_STATE_when_EVENT_…`. Where the operator dies or is away, tests/faults says more; what a
real API server sees of it, tests/api.
"""

from datetime import timedelta
from typing import Any

import pytest

from modelward.decide.judge.evidence import Evidence, Latency, SignalWindow, Window

from .simulated import HARMFUL, Simulated, Trouble, healthy, serving, version, with_canary

STEPS = {"rollout": {"steps": [{"weight": 10}, {"weight": 50}], "bakeTime": "5m"}}
HURRIED = STEPS["rollout"] | {"progressDeadlineSeconds": 60}
DOWN = Evidence(complete=False)


def rolled_back(**spec: Any) -> Simulated:
    """flights-1 in service after flights-2 did harm."""
    world = with_canary(**(STEPS | spec))
    world.give(HARMFUL, healthy())
    world.run("RollingBack")
    world.give()
    world.run("Stable")
    world.settle()
    return world


def on_trial_in(phase: str, **spec: Any) -> Simulated:
    """flights-2, until which nothing passes by itself."""
    world = with_canary(**(STEPS | spec))
    if phase == "Paused":
        world.spec = world.spec | {"paused": True}
    if phase in ("Promoting", "Baking"):
        world.ask("promote-full", candidate(world))
    if phase == "Promoting":
        world.deaf.add(stable(world))
    world.run(phase)
    world.deaf.clear()
    return world


def candidate(world: Simulated) -> str:
    assert world.status.candidate
    return world.status.candidate.revision


def stable(world: Simulated) -> str:
    assert world.status.stable
    return world.status.stable.revision


def writes_nothing(world: Simulated, looks: int = 100) -> bool:
    before = world.status, dict(world.objects)
    plans = [world.tick() for _ in range(looks)]
    idle = all(not (p.memory or p.creates or p.pushes or p.deletes or p.events) for p in plans)
    return idle and before == (world.status, world.objects)


def test_none_when_a_rejected_digest_is_deployed_first_it_is_refused_and_others_are_checked_before_they_serve() -> None:
    world = Simulated()
    world.troubles["flights-1"] = Trouble("harm", "RejectedRevision", "flights-1 was rolled back here before")
    world.settle()
    assert (world.status.stable, world.status.candidate) == (None, None)
    assert world.condition("RolledBack") is not None
    assert not [name for kind, name in world.objects if kind == "Deployment"]
    world.versions.append(version(2))
    world.troubles["flights-2"] = Trouble("hold", "GoldenRequests", "not Ready before it answers as when it was tested")
    world.settle()
    assert world.status.stable is None
    world.troubles.pop("flights-2")
    world.settle()
    assert world.stable() == "flights-2"


def test_stable_when_a_new_revision_is_asked_for_its_canary_begins_at_the_next_look() -> None:
    world = serving(**STEPS)
    world.versions.append(version(2))
    world.tick()
    assert (world.status.phase, world.status.step) == ("Canary", 0)
    assert ("Deployment", f"flights-{candidate(world)}") in world.objects


def test_stable_when_the_same_spec_is_applied_again_nothing_is_written() -> None:
    world = serving()
    world.spec = {**world.spec}
    assert writes_nothing(world)


def test_rolled_back_when_the_same_spec_is_applied_again_it_stays_and_nothing_is_written() -> None:
    world = rolled_back()
    world.spec = {**world.spec}
    assert writes_nothing(world)
    assert (world.stable(), world.status.phase) == ("flights-1", "Stable")


def test_rolled_back_when_only_the_policy_is_edited_the_verdict_stays() -> None:
    world = rolled_back()
    edited = {"steps": [{"weight": 25}], "bakeTime": "1m", "progressDeadlineSeconds": 60}
    world.spec = world.spec | {"rollout": edited, "analysis": {"minRequests": 5}, "replicas": 2}
    world.settle(20)
    assert world.status.phase == "Stable"
    assert world.condition("RolledBack") is not None


def test_rolled_back_when_reverted_to_stable_the_condition_is_cleared() -> None:
    world = rolled_back()
    world.spec = world.spec | {"modelRef": {"name": "flights", "version": 1}}
    world.settle()
    assert world.condition("RolledBack") is None
    ready = world.condition("Ready")
    assert ready
    assert ready[:2] == ("True", "Serving")
    world.spec = world.spec | {"modelRef": {"name": "flights", "version": 2}}
    world.settle(20)
    assert world.status.phase == "Stable", "and the verdict holds all the same"


def test_rolled_back_when_a_new_revision_comes_while_stable_is_not_ready_no_edit_is_swallowed() -> None:
    world = rolled_back()
    world.troubles["flights-1"] = Trouble("hold", "NodeLost", "node gone")
    world.settle()
    world.versions.append(version(3))
    plan, before = world.plan(), world.status
    world.act(plan, writes=0)
    assert world.status == before, "the operator died: nothing says that the edit was seen"
    plan = world.tick()
    assert plan.status is not None
    assert world.status.candidate
    assert (world.status.phase, world.status.target) == ("Canary", world.status.candidate.revision), "in one write"
    world.run("Baking")
    assert world.stable() == "flights-3"


@pytest.mark.parametrize("phase", ["Canary", "Paused", "Promoting", "Baking", "RollingBack"])
def test_canary_when_a_newer_revision_is_asked_for_it_gives_way_from_any_state(phase: str) -> None:
    if phase == "RollingBack":
        world = with_canary(**STEPS)
        world.give(HARMFUL, healthy())
        world.run(phase)
        world.give()
    else:
        world = on_trial_in(phase)
    world.versions.append(version(3))
    world.spec = world.spec | {"paused": False}
    while world.status.candidate is None or world.status.candidate.model_version != "flights-3":
        world.tick()
        assert world.now.year == 2026
    assert world.status.phase == "Canary"
    assert world.stable() == ("flights-2" if phase == "Baking" else "flights-1")
    assert ("Superseded" in world.events) == (phase in ("Canary", "Paused", "Promoting"))


@pytest.mark.parametrize("phase", ["Canary", "Paused", "Promoting"])
def test_canary_when_reverted_to_stable_it_is_cancelled_at_once_without_a_verdict(phase: str) -> None:
    world = on_trial_in(phase)
    world.spec = world.spec | {"modelRef": {"name": "flights", "version": 1}}
    assert world.tick().urgent, "the servers are told before it is written"
    assert world.status.weight == 0
    world.run("Stable")
    world.settle()
    assert world.stable() == "flights-1"
    assert world.status.verdicts == []
    assert world.condition("RolledBack") is None


def test_canary_when_an_older_revision_that_served_well_is_asked_for_it_comes_back_without_steps() -> None:
    world = with_canary(**STEPS)
    world.give(healthy(), healthy())
    world.run("Baking")
    world.run("Stable", limit=1000)
    world.versions.append(version(3))
    world.run("Canary")
    world.spec = world.spec | {"modelRef": {"name": "flights", "version": 1}}
    world.give()
    phases = world.run("Baking")
    assert phases[1:] == ["RollingBack", "Stable", "Promoting", "Baking"]
    assert world.stable() == "flights-1"


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        (HARMFUL, "Errors"),
        (Window(requests=8, failures=8, breaker_open=True, causes={"deadline": 8}), "Errors"),
        (Window(requests=500, latency=Latency((0.01, 0.02), (0, 0, 500))), "Latency"),
        (Window(requests=500, signals={"distance": SignalWindow("input", (100, 100), (500, 0))}), "Skew"),
    ],
)
def test_canary_when_its_metrics_are_bad_one_decision_moves_traffic_first_and_pods_after(
    candidate: Window, reason: str
) -> None:
    world = with_canary(**STEPS)
    stable = Window(
        requests=5000,
        latency=Latency((0.01, 0.02), (5000, 0, 0)),
        signals={"distance": SignalWindow("input", (100, 100), (2500, 2500))},
    )
    bad = world.status.candidate
    world.give(candidate, stable, step=500)
    for _ in range(30):
        if (plan := world.plan()).urgent:
            break
        world.tick()
    assert plan.urgent, "a move towards stable is pushed before it is written"
    assert world.status.stable
    assert [p.setting.weight for p in plan.urgent if p.setting.revision == world.status.stable.revision] == [0]
    assert not plan.deletes
    world.run("Stable")
    world.give()
    world.settle()
    assert world.stable() == "flights-1"
    condition = world.condition("RolledBack")
    assert condition
    assert condition[:2] == ("True", reason)
    assert world.condition("VerdictStored") is not None
    assert bad
    assert not [name for kind, name in world.objects if bad.revision in name]
    assert world.status.phase == "Stable", "a rejected version is not tried again"


@pytest.mark.parametrize(("policy", "phase"), [("BySight", "Baking"), ("Hold", "Canary"), ("Rollback", "Stable")])
def test_canary_when_there_is_no_data_it_is_held_until_the_deadlines_policy_decides(policy: str, phase: str) -> None:
    world = with_canary(rollout=HURRIED, analysis={"onNoEvidence": policy})
    world.settle(20)
    assert (world.status.phase, world.status.weight) == ("Canary", 10)
    world.settle(30)
    assert (world.status.phase, world.status.verdicts) == (phase, [])


def test_canary_when_the_metrics_are_down_it_is_held_beyond_the_deadline() -> None:
    world = with_canary(rollout=HURRIED)
    world.evidence = DOWN
    world.settle(60)
    assert (world.status.phase, world.status.weight, world.status.verdicts) == ("Canary", 10, [])


def test_canary_when_the_evidence_is_inconclusive_it_is_held_for_a_reason_until_the_deadline() -> None:
    world = with_canary(rollout=HURRIED | {"steps": [{"weight": 10}]})
    world.give(Window(requests=400, failures=24), healthy(3600), once=True)
    world.settle(20)
    assert (world.status.phase, world.status.weight) == ("Canary", 10)
    progressing = world.condition("Progressing")
    assert progressing
    assert "more of its answers failed or were slow than is allowed" in progressing[2]
    world.run("RollingBack", limit=40)
    assert world.status.verdicts == [], "no harm was proven"
    assert world.status.set_aside
    assert "24 of the candidate's 400 failed" in world.status.set_aside.message


@pytest.mark.parametrize("evidence", [Evidence(), DOWN])
@pytest.mark.parametrize("phase", ["Canary", "Paused", "Promoting", "Baking"])
def test_canary_when_aborted_by_hand_it_goes_back_from_any_state_with_the_metrics_down_too(
    phase: str, evidence: Evidence
) -> None:
    world = on_trial_in(phase)
    world.evidence = evidence
    world.ask("abort", stable(world) if phase == "Baking" else candidate(world), "wrong data", by="ada")
    plan = world.plan()
    assert plan.urgent, "towards stable the servers are told first"
    world.run("Stable")
    world.settle(50)
    assert (world.stable(), world.status.phase, world.status.verdicts) == ("flights-1", "Stable", [])
    assert world.condition("RolledBack") == ("True", "Aborted", "flights-2: a person ended its rollout")
    stalled = world.condition("Stalled")
    assert stalled
    assert "retry" in stalled[2]


@pytest.mark.parametrize("gate", ["step", "spec", "person"])
def test_canary_when_its_metrics_are_bad_at_a_gate_harm_overrides_it(gate: str) -> None:
    steps = [{"weight": 10, "duration": "5s"}, *([{"pause": {}}] if gate == "step" else [])]
    world = with_canary(rollout={"steps": steps})
    if gate == "spec":
        world.spec = world.spec | {"paused": True}
    if gate == "person":
        world.ask("pause", candidate(world))
    world.give(healthy(), healthy())
    world.settle(100)
    assert world.status.phase == ("Canary" if gate == "step" else "Paused")
    world.give(HARMFUL, healthy())
    world.run("RollingBack", limit=60)


def test_rolled_back_when_retry_is_raised_it_is_tried_again_and_the_same_number_lifts_no_second_verdict() -> None:
    world = rolled_back()
    world.spec = world.spec | {"rollout": STEPS["rollout"] | {"retry": 1}}
    world.run("Canary")
    assert world.status.candidate
    assert world.status.candidate.retry == 1
    world.give(HARMFUL, healthy())
    world.run("RollingBack")
    world.give()
    world.run("Stable")
    for retry in (1, 0, 1):
        world.spec = world.spec | {"rollout": STEPS["rollout"] | {"retry": retry}}
        world.settle(20)
        assert world.status.phase == "Stable"


def test_canary_when_it_is_not_ready_at_the_progress_deadline_it_goes_back() -> None:
    world = serving(rollout={"progressDeadlineSeconds": 60})
    world.versions.append(version(2))
    world.troubles["flights-2"] = Trouble("hold", "ImagePullBackOff", "no such image")
    world.run("Canary")
    for _ in range(25):
        world.tick()
    assert world.status.phase == "Canary"
    assert world.status.weight == 0
    ready = world.condition("Ready")
    assert ready
    assert "no such image" in ready[2]
    world.run("RollingBack")
    assert world.status.verdicts == [], "nobody is branded for what the cluster did"
    assert world.status.set_aside
    assert world.status.set_aside.reason == "ProgressDeadlineExceeded"
    assert "no such image" in world.status.set_aside.message
    world.run("Stable")
    world.settle(50)
    assert world.status.phase == "Stable", "and it is not tried again by itself"


def test_canary_when_the_time_of_its_steps_is_over_it_is_held_until_each_has_its_evidence() -> None:
    world = with_canary(**STEPS)
    for weight in (10, 50):
        world.give(healthy(50), healthy(), step=50, once=True)
        world.settle(100)
        assert (world.status.phase, world.status.weight) == ("Canary", weight)
        world.give(healthy(), healthy(), once=True)
        world.settle(3)
    world.give(healthy(), healthy())
    world.run("Promoting")


def test_promoting_when_it_ends_the_pods_that_were_tried_are_the_ones_that_serve() -> None:
    world = with_canary(**STEPS, replicas=2)
    key = ("Deployment", f"flights-{candidate(world)}")
    tried = world.objects[key]
    world.give(healthy(), healthy())
    world.run("Baking")
    world.settle()
    serves = world.objects[key]
    assert (serves["spec"]["template"], serves["spec"]["replicas"]) == (tried["spec"]["template"], 2)
    assert world.front() == stable(world) == key[1].removeprefix("flights-")


@pytest.mark.parametrize("later", [timedelta(0), timedelta(minutes=4)])
def test_promoted_when_it_degrades_later_the_version_before_is_back(later: timedelta) -> None:
    world = with_canary(**STEPS)
    world.give(healthy(), healthy(), step=1000)
    world.run("Baking")
    world.settle()
    world.now += later
    world.give(HARMFUL, healthy())
    world.run("RollingBack", limit=10)
    assert world.stable() == "flights-1"
    world.give()
    world.tick()
    assert world.front() == stable(world)
    bad = world.status.candidate
    assert bad
    assert world.settings_pushed[bad.revision].weight == 100
    assert world.settings_pushed[bad.revision].close_connections
    world.run("Stable")
    assert world.stable() == "flights-1"


@pytest.mark.parametrize("away", [timedelta(seconds=20), timedelta(hours=1)])
def test_any_when_the_operator_restarts_it_resumes_with_its_evidence(away: timedelta) -> None:
    """Seven failures and nothing else are harm; no operator saw as many."""
    world = with_canary(**STEPS)
    world.give(Window(requests=4, failures=4), healthy(36), once=True)
    world.settle(8)
    world.away(away)
    assert world.status.phase == "Canary"
    world.give(Window(requests=3, failures=3), healthy(27), once=True)
    world.settle(2)
    assert world.status.phase == "RollingBack"
    assert "each of the first 7 requests" in world.status.verdicts[-1].message


def test_any_when_the_operator_is_upgraded_no_rollout_starts() -> None:
    """Golden hashes: test_revision.py."""
    world, tried = serving(), with_canary(**STEPS)
    for each in (world, tried):
        each.settings = each.settings.model_copy(update={"scoring_image": "scoring:2", "training_image": "training:2"})
        each.settle(20)
    assert world.status.phase == "Stable"
    assert world.status.stable
    assert world.status.stable.image == "scoring:1"
    assert tried.status.candidate
    assert (tried.status.phase, tried.status.candidate.image) == ("Canary", "scoring:1")
    assert tried.events.count("RolloutStarted") == 1


def test_rolled_back_when_its_status_is_lost_the_store_knows_what_served_and_what_was_rejected() -> None:
    before = rolled_back()
    world = Simulated(spec=before.spec, versions=before.versions, store=before.store)
    world.troubles["flights-2"] = Trouble("harm", "RejectedRevision", "flights-2 was rolled back here before")
    served = set()
    for _ in range(60):
        world.tick()
        served.add(world.stable())
    assert served == {None, "flights-1"}
    assert (world.stable(), world.status.phase) == ("flights-1", "Stable")
    assert [v.model_version for v in world.status.verdicts] == ["flights-2"]


def test_canary_when_its_status_is_lost_what_served_serves_again_and_the_new_version_is_tried() -> None:
    before = with_canary(**STEPS)
    world = Simulated(spec=before.spec, versions=before.versions, store=before.store)
    world.run("Stable")
    assert world.stable() == "flights-1"
    assert [t.cause for t in world.status.history].count("ServedBefore") == 1
    world.run("Canary")
    assert world.status.candidate
    assert world.status.candidate.model_version == "flights-2"


def test_rolled_back_when_scaled_up_only_what_serves_grows() -> None:
    world = rolled_back()
    world.spec = world.spec | {"replicas": 5}
    world.settle()
    deployments = {name: o["spec"]["replicas"] for (kind, name), o in world.objects.items() if kind == "Deployment"}
    assert deployments == {f"flights-{stable(world)}": 5}
