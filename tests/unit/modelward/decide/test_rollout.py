"""The rollout, played in virtual time."""

from dataclasses import replace
from datetime import timedelta

import pytest

from modelward.api.training_run import Cause
from modelward.decide.judge.evidence import Latency, SignalWindow, Window

from .simulated import HARMFUL, Simulated, Trouble, healthy, serving, version, with_canary

STEPS = {"rollout": {"steps": [{"weight": 10}, {"weight": 50}], "bakeTime": "5m"}}
SHORT_BAKE = {"rollout": STEPS["rollout"] | {"bakeTime": "5s"}}


def test_first_version_becomes_stable_when_its_pods_are_ready() -> None:
    world = serving()
    assert world.stable() == "flights-1"
    assert world.condition("Ready") == ("True", "Serving", "flights-1 serves on 1 replicas")
    assert world.status.stable
    assert world.front() == world.status.stable.revision


def test_no_version_waits_and_says_so() -> None:
    world = Simulated(versions=[])
    world.settle()
    ready = world.condition("Ready")
    assert ready
    assert ready[:2] == ("False", "VersionNotFound")
    assert world.objects.keys() == {("ConfigMap", "flights-traffic")}


def test_rollout_tells_why_its_version_was_trained() -> None:
    cause = Cause(type="NewData", message="9214 rows more in flights-3", time="2026-01-01T00:00:00Z")
    new = version(2)
    lineage = new.spec.lineage.model_copy(update={"cause": cause})
    new = new.model_copy(update={"spec": new.spec.model_copy(update={"lineage": lineage})})
    world = serving()
    world.versions.append(new)
    world.run("Canary")
    (started,) = (t for t in world.status.history if t.cause == "RolloutStarted")
    assert started.message == (
        "flights-2 is tried against flights-1; it was trained because: 9214 rows more in flights-3"
    )


def test_good_version_goes_through_its_steps_and_is_promoted() -> None:
    world = with_canary(**STEPS)
    world.give(healthy(), healthy(), step=1000)
    weights = []
    for _ in range(100):
        world.tick()
        weights.append(world.status.weight)
        if world.status.phase == "Baking":
            break
    assert sorted(set(weights)) == [0, 10, 50, 100]
    assert world.stable() == "flights-2"
    world.settle()
    assert world.status.stable
    assert world.front() == world.status.stable.revision
    assert world.status.previous
    old = world.settings_pushed[world.status.previous.revision]
    assert (old.weight, old.close_connections) == (100, True)
    world.run("Stable")
    world.settle()
    assert {name for kind, name in world.objects if kind == "Deployment"} == {f"flights-{world.status.stable.revision}"}
    assert world.condition("Ready") == ("True", "Serving", "flights-2 serves on 1 replicas")


def test_step_has_its_own_minimum_of_requests() -> None:
    world = with_canary(rollout={"steps": [{"weight": 10, "minimumRequests": 3000}, {"weight": 50}]})
    world.give(healthy(1000), healthy(), once=True)
    world.settle(100)
    assert (world.status.phase, world.status.weight) == ("Canary", 10)
    world.give(healthy(2000), healthy(), once=True)
    world.settle(3)
    assert world.status.weight == 50


def test_scrape_that_failed_lets_no_step_pass() -> None:
    world = with_canary(**STEPS)
    world.give(healthy(), healthy(), step=1000)
    world.evidence = type(world.evidence)(healthy(), healthy(), 1000, complete=False)
    for _ in range(100):
        world.tick()
    assert (world.status.phase, world.status.weight) == ("Canary", 10)


def test_open_breaker_alone_holds_the_rollout_and_judges_nobody() -> None:
    world = with_canary(**STEPS)
    shielded = Window(requests=2000, failures=5, latency=healthy().latency, breaker_open=True)
    world.give(shielded, healthy(), step=2000)
    for _ in range(100):
        world.tick()
    assert (world.status.phase, world.status.weight, world.status.verdicts) == ("Canary", 10, [])
    world.give(healthy(), healthy(), step=2000)
    world.run("Promoting")
    world.give(shielded, healthy(), step=2000)
    for _ in range(100):
        world.tick()
    assert world.status.phase == "Promoting", "what the servers do not forward to is not put in front"
    world.give(healthy(), healthy(), step=2000)
    world.run("Baking")


def test_shift_that_both_share_rolls_nothing_back_and_is_reported() -> None:
    world = with_canary(**STEPS)
    shifted = {"temp": SignalWindow("input", (100, 100), (900, 100))}
    world.recent = Window(signals={"temp": SignalWindow("input", (500, 500), (1400, 100))})
    fast = Latency((0.001,), (1000, 0))
    both = Window(requests=1000, latency=fast, signals=shifted)
    world.give(both, both, step=1000)
    world.run("Baking")
    drift = world.condition("Drifted")
    assert drift
    assert drift[:2] == ("True", "Drift")
    assert "temp" in drift[2]
    assert "Drift" in world.events


def test_batch_with_other_answers_than_alone_is_told_once_for_as_long_as_its_version_serves() -> None:
    world = serving(**STEPS)
    assert world.condition("BatchesMixed") is None
    assert world.status.stable
    world.mixing = {world.status.stable.revision}
    world.tick()
    world.mixing = set()  # its pods have started anew
    world.tick()
    told = world.condition("BatchesMixed")
    assert told
    assert told[:2] == ("True", "BatchesMixed")
    assert told[2].startswith("flights-1 answered otherwise in a batch")
    assert world.events.count("BatchesMixed") == 1
    world.versions.append(version(2))
    world.give(healthy(), healthy(), step=2000)
    world.run("Canary")
    world.run("Stable", limit=6000)
    assert world.condition("BatchesMixed") is None


@pytest.mark.parametrize("reason", ["CrashLoop", "OOMKilled", "DigestMismatch"])
def test_pod_that_fails_by_itself_is_harm_at_once(reason: str) -> None:
    world = serving(**STEPS)
    world.versions.append(version(2))
    world.troubles["flights-2"] = Trouble("harm", reason, f"server: {reason}")
    world.run("RollingBack")
    world.run("Stable")
    verdict = world.status.verdicts[-1]
    assert (verdict.model_version, verdict.reason) == ("flights-2", reason)


def test_absence_of_the_operator_does_not_use_up_the_deadline() -> None:
    world = with_canary(rollout={"progressDeadlineSeconds": 60})
    world.away(timedelta(minutes=10))
    for _ in range(25):
        world.tick()
    assert world.status.phase == "Canary"
    world.run("Promoting")
    assert world.status.history[-1].cause == "NoEvidence"


def test_candidate_that_loses_readiness_gets_no_weight() -> None:
    world = with_canary(**STEPS)
    world.troubles["flights-2"] = Trouble("hold", "NodeLost", "node gone")
    world.settle()
    assert world.status.weight == 0
    world.troubles.clear()
    world.settle()
    assert world.status.weight == 10


def test_version_that_was_promoted_without_a_request_and_fails_all_that_come_goes_back() -> None:
    world = with_canary(rollout={"progressDeadlineSeconds": 60})
    world.run("Baking")
    assert "NoEvidence" in [t.cause for t in world.status.history]
    world.give(Window(requests=4, failures=4))
    world.settle(30)
    assert world.status.phase == "Baking", "so few failures are not beyond doubt"
    world.give(Window(requests=20, failures=20))
    world.run("RollingBack", limit=2)
    assert world.stable() == "flights-1"


def test_rollback_waits_for_clients_of_the_bad_revision_to_leave() -> None:
    world = with_canary(**STEPS)
    world.give(healthy(), healthy(), step=1000)
    world.run("Baking")
    assert world.status.stable
    world.connections[world.status.stable.revision] = 3
    world.give(HARMFUL, healthy())
    world.run("RollingBack")
    world.give()
    for _ in range(5):
        world.tick()
    assert world.status.phase == "RollingBack"
    world.connections.clear()
    world.settle(3)
    assert world.status.phase == "Stable"


@pytest.mark.parametrize(("idle", "phase"), [(0.5, "Baking"), (5.0, "Stable")])
def test_version_before_stays_while_clients_arrive_though_the_bake_time_is_over(idle: float, phase: str) -> None:
    """They are told to leave and do, so none need be there just now."""
    world = with_canary(**SHORT_BAKE)
    world.give(healthy(), healthy(), step=1000)
    world.run("Baking")
    assert world.status.previous
    world.idle[world.status.previous.revision] = idle
    world.settle(5)
    assert world.status.phase == phase
    world.idle.clear()
    world.settle(2)
    assert world.status.phase == "Stable"


def test_rollback_does_not_wait_for_a_server_that_confirms_nothing() -> None:
    world = with_canary(**STEPS)
    assert world.status.stable
    world.deaf.add(world.status.stable.revision)
    world.give(HARMFUL, healthy())
    world.run("RollingBack")
    world.settle(4)
    assert world.status.phase == "Stable"


def test_promotion_waits_until_every_server_forwards_everything() -> None:
    world = with_canary(**STEPS)
    world.give(healthy(), healthy(), step=1000)
    world.run("Promoting")
    assert world.status.stable
    world.deaf.add(world.status.stable.revision)
    for _ in range(20):
        world.tick()
    assert world.status.phase == "Promoting"
    world.deaf.clear()
    world.run("Baking")


def test_candidate_that_stable_cannot_connect_to_holds_and_is_no_harm() -> None:
    world = with_canary(**STEPS)
    world.give(Window(reached=False), healthy())
    world.settle(20)
    assert (world.status.phase, world.status.weight) == ("Canary", 10)
    assert "cannot connect" in next(c.message for c in world.status.conditions if c.type == "Ready")
    world.give(healthy(), healthy(), step=1000)
    world.run("Promoting")
    world.give(replace(healthy(), reached=False), healthy(), step=1000)
    world.settle(20)
    assert world.status.phase == "Promoting"
    world.give(healthy(), healthy(), step=1000)
    world.run("Baking")


def test_paused_rollout_holds_but_harm_still_rolls_back() -> None:
    world = with_canary(**STEPS)
    world.spec = world.spec | {"paused": True}
    world.give(healthy(), healthy(), step=1000)
    world.settle(50)
    assert (world.status.phase, world.status.weight) == ("Paused", 10)
    world.give(HARMFUL, healthy(), step=500)
    world.run("RollingBack")


def test_unverified_version_is_refused_and_the_last_one_goes_on_serving() -> None:
    world = serving()
    world.versions.append(version(2, verified="False"))
    world.spec = {"modelRef": {"name": "flights", "version": 2}}
    world.settle()
    ready = world.condition("Ready")
    assert ready
    assert ready[:2] == ("False", "GateFailed")
    assert "auc" in ready[2]
    assert world.stable() == "flights-1"


def test_deleted_version_stays_in_service() -> None:
    world = serving()
    world.versions.clear()
    world.settle()
    assert world.stable() == "flights-1"
    assert ("Service", "flights") in world.objects


def test_setting_pushed_but_never_written_is_overruled() -> None:
    world = with_canary(**STEPS)
    assert world.status.stable
    world.epochs[world.status.stable.revision] = world.status.epoch + 1
    world.settle(2)
    assert world.settings_pushed[world.status.stable.revision].epoch == world.status.epoch
    assert world.settings_pushed[world.status.stable.revision].weight == 10


def test_operator_away_before_clients_were_told_keeps_the_old_revision_until_they_had_time_to_leave() -> None:
    world = with_canary(**STEPS)
    world.give(healthy(), healthy(), step=1000)
    world.run("Promoting")
    while (plan := world.plan()).status.phase != "Baking":  # type: ignore[union-attr]
        world.tick()
    world.act(plan, writes=1)
    world.now += timedelta(hours=1)
    world.tick()
    assert world.status.phase == "Baking"
    assert world.status.previous
    assert world.status.history[-1].cause == "Interrupted"
    world.run("Stable")
    assert world.stable() == "flights-2"
    assert [t.cause for t in world.status.history].count("Interrupted") == 1


def test_service_that_cannot_be_written_keeps_the_bad_revision_as_long_as_it_leads_there() -> None:
    world = with_canary(**STEPS)
    world.give(healthy(), healthy(), step=1000)
    world.run("Baking")
    world.settle()
    bad, service = world.front(), world.objects["Service", "flights"]
    world.give(HARMFUL, healthy())
    world.run("RollingBack")
    for _ in range(100):
        world.objects["Service", "flights"] = service
        world.tick()
    world.objects["Service", "flights"] = service
    assert (world.status.phase, world.stable()) == ("RollingBack", "flights-1")
    assert ("Deployment", f"flights-{bad}") in world.objects
    world.tick()
    assert world.front() != bad
    assert ("Deployment", f"flights-{bad}") in world.objects, "clients are given their time to leave"
    world.run("Stable")
    world.settle()
    assert ("Deployment", f"flights-{bad}") not in world.objects
