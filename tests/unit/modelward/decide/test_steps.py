"""Steps as the one language of strategies: weights, pauses, approval; blue-green and immediate as docs/rollouts.md has
them."""

from typing import Any

from .simulated import HARMFUL, Simulated, Trouble, healthy, serving, version

WEIGHT = {"weight": 10, "duration": "5s"}


def trying(*steps: dict[str, Any], **rollout: Any) -> Simulated:
    """flights-2 on trial against flights-1; nobody sends requests yet."""
    world = serving(rollout={"steps": list(steps), "bakeTime": "20s"} | rollout)
    world.versions.append(version(2))
    world.run("Canary")
    return world


def revision(world: Simulated) -> str:
    assert world.status.candidate
    return world.status.candidate.revision


def progressing(world: Simulated) -> str:
    found = world.condition("Progressing")
    assert found
    return found[2]


# pauses


def test_pause_keeps_the_weight_before_it_until_a_person_promotes() -> None:
    world = trying(WEIGHT, {"pause": {}}, {"weight": 50, "duration": "5s"}, progressDeadlineSeconds=60)
    world.give(healthy(), healthy(), step=1000)
    for _ in range(200):
        world.tick()
        assert world.status.weight in (0, 10)
    assert (world.status.phase, world.status.step) == ("Canary", 1)
    assert f'paused until a person promotes it: annotation modelward.dev/action: "promote {revision(world)}"' in (
        progressing(world)
    )
    ready = world.condition("Ready")
    assert ready
    assert ready[:2] == ("Unknown", "AwaitingPromotion")
    world.ask("promote", revision(world))
    world.tick()
    assert world.status.weight == 50
    world.run("Baking")


def test_pause_with_a_duration_passes_by_itself_also_beyond_the_deadline() -> None:
    world = trying(WEIGHT, {"pause": {"duration": "5m"}}, progressDeadlineSeconds=60)
    world.give(healthy(), healthy(), step=1000)
    world.settle(30)
    assert (world.status.phase, world.status.step) == ("Canary", 1)
    assert "paused for 5m" in progressing(world)
    started = world.now
    world.run("Promoting")
    assert 200 < (world.now - started).total_seconds() < 300


def test_evidence_goes_on_in_a_pause() -> None:
    world = trying(WEIGHT, {"pause": {}})
    world.give(healthy(), healthy(), step=1000)
    world.settle(3)
    before = world.status.epoch
    world.settle(10)
    assert (world.status.step, world.status.epoch) == (1, before)


# blue-green and immediate


def test_blue_green_has_no_request_until_promoted_and_then_all() -> None:
    world = trying({"pause": {}})
    world.settle(100)
    assert (world.status.phase, world.status.weight) == ("Canary", 0)
    assert ("Service", f"flights-{revision(world)}") in world.objects, "where it is looked at"
    world.ask("promote", revision(world))
    weights = set()
    while world.status.phase != "Baking":
        world.tick()
        weights.add(world.status.weight)
    assert weights == {0, 100}
    assert world.stable() == "flights-2"


def test_blue_green_by_the_clock() -> None:
    world = trying({"pause": {"duration": "1m"}})
    world.settle(20)
    assert world.status.phase == "Canary"
    world.run("Baking", limit=15)


def test_immediate_serves_as_soon_as_its_pods_are_ready() -> None:
    world = trying({"pause": {"duration": "0s"}})
    world.troubles["flights-2"] = Trouble("hold", "ImagePullBackOff", "no such image")
    world.settle(20)
    assert world.stable() == "flights-1"
    world.troubles.clear()
    world.run("Baking", limit=6)
    world.give(HARMFUL, healthy())
    world.run("RollingBack", limit=10)


# approval


def test_version_that_needs_approval_has_pods_and_no_request() -> None:
    world = trying(WEIGHT, approval="Required", progressDeadlineSeconds=60)
    world.give(healthy(), healthy(), step=1000)
    for _ in range(100):
        world.tick()
        assert world.status.weight == 0
    assert (world.status.phase, world.status.candidate is not None) == ("Canary", True)
    assert f'needs approval: annotation modelward.dev/action: "approve {revision(world)}"' in progressing(world)
    world.ask("approve", revision(world), "checked with risk", by="ada")
    world.settle(2)
    assert (world.status.weight, world.status.approved) == (10, revision(world))
    world.run("Baking")
    entry = next(t for t in world.status.history if t.cause == "Approved")
    assert (entry.requested_by, entry.reason) == ("ada", "checked with risk")


def test_promotion_by_hand_takes_no_approvals_place() -> None:
    for verb in ("promote", "promote-full"):
        world = trying(WEIGHT, approval="Required")
        world.ask(verb, revision(world))
        world.settle()
        found = world.condition("ActionDone")
        assert found
        assert found[:2] == ("False", "Refused")
        assert f"spec.rollout.approval is Required: `approve {revision(world)}` comes first" in found[2]
        assert world.status.weight == 0


def test_approval_asked_for_during_a_trial_takes_the_weight_away() -> None:
    world = trying(WEIGHT)
    world.settle()
    assert world.status.weight == 10
    world.spec = world.spec | {"rollout": {"steps": [WEIGHT], "approval": "Required"}}
    plan = world.plan()
    assert plan.urgent, "towards stable the servers are told first"
    world.settle()
    assert (world.status.phase, world.status.weight) == ("Canary", 0)


def test_unapproved_version_takes_no_dead_versions_place() -> None:
    world = trying(WEIGHT, approval="Required")
    world.settle()
    world.troubles["flights-1"] = Trouble("hold", "NodeLost", "node gone")
    world.settle()
    assert world.stable() == "flights-1"
    world.ask("approve", revision(world))
    world.settle()
    assert world.stable() == "flights-2"


def test_unapproved_version_takes_over_no_deployment_of_zero_replicas() -> None:
    world = trying(WEIGHT, approval="Required")
    world.spec = world.spec | {"replicas": 0}
    world.settle(20)
    assert world.stable() == "flights-1"
    world.ask("approve", revision(world))
    world.settle()
    assert world.stable() == "flights-2"


def test_each_trial_needs_its_own_approval() -> None:
    world = trying(WEIGHT, approval="Required")
    bad = revision(world)
    world.ask("approve", bad)
    world.settle()
    world.ask("abort", bad)
    world.run("Stable")
    world.ask("retry", bad)
    world.run("Canary")
    world.settle()
    assert world.status.weight == 0


def test_approval_that_nobody_asks_for_is_refused() -> None:
    world = trying(WEIGHT)
    world.ask("approve", revision(world))
    world.settle()
    found = world.condition("ActionDone")
    assert found
    assert "it needs no approval" in found[2]
