"""The rollout, played in virtual time."""

from dataclasses import replace
from datetime import timedelta

import pytest

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


def test_converged_deployment_plans_nothing_new() -> None:
    world = serving()
    before = dict(world.objects)
    plan = world.tick()
    assert plan.status == world.status
    assert not plan.memory
    assert not plan.creates
    assert not plan.pushes
    assert not plan.deletes
    assert not plan.events
    assert world.objects == before


def test_no_version_waits_and_says_so() -> None:
    world = Simulated(versions=[])
    world.settle()
    ready = world.condition("Ready")
    assert ready
    assert ready[:2] == ("False", "VersionNotFound")
    assert world.objects.keys() == {("ConfigMap", "flights-traffic")}


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


def test_step_without_enough_requests_holds() -> None:
    world = with_canary(**STEPS)
    world.give(healthy(50), healthy(), step=50, once=True)
    world.settle(100)
    assert (world.status.phase, world.status.weight) == ("Canary", 10)


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


@pytest.mark.parametrize(
    ("candidate", "reason"),
    [
        (HARMFUL, "Errors"),
        (Window(requests=8, failures=8, breaker_open=True, failed_trials=3, causes={"deadline": 8}), "Errors"),
        (Window(requests=500, latency=Latency((0.01, 0.02), (0, 0, 500))), "Latency"),
        (Window(requests=500, signals={"distance": SignalWindow("input", (100, 100), (500, 0))}), "Skew"),
    ],
)
def test_harmful_candidate_is_rolled_back(candidate: Window, reason: str) -> None:
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
    world.run("Stable")
    world.give()
    world.settle()
    assert world.stable() == "flights-1"
    rolled_back = world.condition("RolledBack")
    assert rolled_back
    assert rolled_back[:2] == ("True", reason)
    assert world.condition("VerdictStored") is not None
    assert bad
    assert not [name for kind, name in world.objects if bad.revision in name]
    assert world.status.phase == "Stable", "a rejected version is not tried again"


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


def test_image_that_cannot_be_pulled_holds_then_runs_into_the_deadline() -> None:
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


def test_harm_after_promotion_goes_back_to_the_warm_version() -> None:
    world = with_canary(**STEPS)
    world.give(healthy(), healthy(), step=1000)
    world.run("Baking")
    world.settle()
    world.give(HARMFUL, healthy())
    world.run("RollingBack")
    assert world.stable() == "flights-1"
    world.give()
    world.tick()
    assert world.status.stable
    assert world.front() == world.status.stable.revision
    bad = world.status.candidate
    assert bad
    assert world.settings_pushed[bad.revision].weight == 100
    assert world.settings_pushed[bad.revision].close_connections
    world.run("Stable")
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


def test_reverted_spec_cancels_without_a_verdict() -> None:
    world = with_canary(**STEPS)
    world.spec = world.spec | {"modelRef": {"name": "flights", "version": 1}}
    world.run("Stable")
    world.settle()
    assert world.stable() == "flights-1"
    assert world.status.verdicts == []
    assert world.condition("RolledBack") is None


def test_newer_version_supersedes_the_candidate() -> None:
    world = with_canary(**STEPS)
    world.versions.append(version(3))
    world.run("RollingBack")
    world.run("Canary")
    assert world.status.candidate
    assert world.status.candidate.model_version == "flights-3"
    assert "Superseded" in world.events


def test_retry_with_a_larger_number_tries_a_rejected_version_again() -> None:
    world = with_canary(**STEPS)
    world.give(HARMFUL, healthy(), step=500)
    world.run("RollingBack")
    world.give()
    world.run("Stable")
    world.settle(50)
    assert world.status.phase == "Stable"
    world.spec = world.spec | {"rollout": STEPS["rollout"] | {"retry": 1}}
    world.run("Canary")
    assert world.status.candidate
    assert world.status.candidate.retry == 1


def test_edited_policy_neither_starts_a_rollout_nor_clears_a_verdict() -> None:
    world = with_canary(**STEPS)
    world.give(HARMFUL, healthy(), step=500)
    world.run("RollingBack")
    world.give()
    world.run("Stable")
    world.spec = world.spec | {"rollout": {"steps": [{"weight": 25}], "bakeTime": "1m"}, "replicas": 2}
    world.settle(20)
    assert world.status.phase == "Stable"
    assert world.condition("RolledBack") is not None


def test_operator_upgrade_with_a_new_scoring_image_starts_no_rollout() -> None:
    world = serving()
    world.settings = world.settings.model_copy(update={"scoring_image": "scoring:2"})
    world.settle(20)
    assert world.status.phase == "Stable"
    assert world.status.stable
    assert world.status.stable.image == "scoring:1"


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


def test_version_rejected_in_the_store_is_not_served_by_a_rebuilt_cluster() -> None:
    world = Simulated()
    world.troubles["flights-1"] = Trouble("harm", "RejectedRevision", "flights-1 was rolled back here before")
    world.settle()
    assert world.status.stable is None
    assert world.status.candidate is None
    assert world.condition("RolledBack") is not None
    assert not [name for kind, name in world.objects if kind == "Deployment"]


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
