"""Each transition holds the numbers that were compared until then."""

import json

from modelward.api.model_deployment import ModelDeploymentStatus
from modelward.decide.judge.evidence import Latency, Window
from unit.modelward.decide.simulated import Simulated, healthy, serving, version, with_canary

FAILING = Window(requests=1000, failures=300, latency=Latency((0.001, 0.01), (700, 0, 0)))


def of(world: Simulated, cause: str) -> dict[str, float] | None:
    return next(t.evidence for t in reversed(world.status.history) if t.cause == cause)


def test_what_was_never_compared_has_no_numbers() -> None:
    world = with_canary()
    assert {t.cause: t.evidence for t in world.status.history} == {
        "FirstRevision": None,
        "FirstRevisionReady": None,
        "RolloutStarted": None,
        "StepStarted": None,
    }


def test_steps_and_promotion_hold_counts_and_bounds() -> None:
    world = with_canary()
    world.give(healthy(), healthy())
    world.run("Promoting", limit=2000)
    passed, second = of(world, "StepsPassed"), of(world, "StepStarted")
    assert passed is not None
    assert second is not None
    assert passed["requests"] > second["requests"] > 0
    assert passed["failures"] == passed["errorsRate"] == passed["errorsAtLeast"] == 0
    assert 0 < passed["errorsAtMost"] < passed["errorsLimit"] == passed["errorsAllowed"] == 0.01
    world.run("Baking")
    assert of(world, "FullWidth") is not None


def test_harm_holds_what_is_beyond_doubt() -> None:
    world = with_canary()
    world.give(FAILING, healthy())
    world.run("RollingBack")
    evidence = of(world, "Errors")
    assert evidence is not None
    assert 0.01 < evidence["errorsAtLeast"] < evidence["errorsRate"]
    assert evidence["failures"] >= 300
    world.run("Stable")
    assert of(world, "RollbackComplete") is None


def test_harm_after_the_promotion_holds_before_and_after() -> None:
    world = serving()
    world.versions.append(version(2))
    world.give(healthy(), healthy())
    world.run("Baking", limit=2000)
    world.give(FAILING, healthy())
    world.run("RollingBack")
    evidence = of(world, "Errors")
    assert evidence is not None
    assert (evidence["failures"], evidence["stableFailures"]) == (300, 0)
    assert evidence["errorsRate"] == 0.3


def test_what_a_person_asked_for_holds_the_numbers_too() -> None:
    world = with_canary()
    world.give(healthy(), healthy())
    world.settle(3)
    assert world.status.candidate
    world.ask("abort", world.status.candidate.revision)
    world.run("RollingBack")
    evidence = of(world, "Aborted")
    assert evidence is not None
    assert evidence["requests"] == 4000


def test_numbers_survive_the_api_server() -> None:
    world = with_canary()
    world.give(healthy(), healthy())
    world.run("Baking", limit=2000)
    written = json.loads(json.dumps(world.status.wire()))
    assert ModelDeploymentStatus.model_validate(written).history == world.status.history
    assert all(len(t.evidence or {}) <= 24 for t in world.status.history)
