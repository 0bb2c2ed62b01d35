"""Checks of the user's own in a rollout, played in virtual time."""

from typing import Any

from modelward.decide.judge.evidence import Window
from modelward.decide.judge.promql import Answer

from .simulated import Simulated, healthy, serving, version

STEPS = {"steps": [{"weight": 10}, {"weight": 50}], "bakeTime": "5m", "progressDeadlineSeconds": 600}
GOOD, BAD = Answer(0.001), Answer(0.5)
SILENT = Answer(reason="NoAnswer", message="server here did not answer within 5 s")
REFUSED = Answer(reason="QueryRefused", message="the server does not take the query: 1:5: parse error")


def tried(answer: Answer | None, weight: int = 10, **more: Any) -> Simulated:
    """flights-2 on trial, which is as good as flights-1 for all that is counted here."""
    check = {"name": "errors", "query": "up", "maximum": 0.01, **more}
    world = serving(rollout=STEPS, analysis={"promql": [check]})
    world.answers = {"errors": answer}
    world.give(healthy(), healthy())
    world.versions.append(version(2))
    world.run("Canary")
    world.settle(3)
    assert world.status.weight == weight
    return world


def test_checks_within_their_limits_let_a_version_pass() -> None:
    world = tried(GOOD)
    world.run("Stable", seconds=5)
    assert world.stable() == "flights-2"
    assert world.condition("ChecksPassed") == ("True", "WithinLimits", "each check is within its limits")
    assert "WithinLimits" not in world.events


def test_three_answers_beyond_a_limit_roll_back_with_a_verdict() -> None:
    world = tried(GOOD)
    world.answers = {"errors": BAD}
    world.tick()
    world.tick()
    assert world.status.phase == "Canary"
    world.tick()
    assert world.status.phase == "RollingBack"
    (verdict,) = world.status.verdicts
    assert verdict.reason == "PromQL"
    assert verdict.message == "errors is 0.5 (maximum 0.01), 3 answers in a row: up"
    world.run("Stable")
    assert world.stable() == "flights-1"
    assert [(check.name, check.value, check.beyond) for check in world.status.checks] == [("errors", 0.5, 3)]


def test_blips_never_roll_back() -> None:
    world = tried(GOOD)
    for n in range(60):
        world.answers = {"errors": BAD if n % 3 else GOOD}
        world.tick()
        assert not world.status.verdicts


def test_check_beyond_its_limit_rolls_back_in_the_bake() -> None:
    world = tried(GOOD)
    world.run("Baking", seconds=5)
    world.answers = {"errors": BAD}
    world.run("RollingBack", limit=5)
    assert world.status.verdicts[-1].reason == "PromQL"


def test_check_beyond_its_limit_rolls_back_a_paused_rollout() -> None:
    world = tried(GOOD)
    world.spec = world.spec | {"paused": True}
    world.run("Paused")
    world.answers = {"errors": BAD}
    world.run("RollingBack", limit=5)


def test_no_answer_holds_beyond_the_deadline_and_says_so() -> None:
    world = tried(SILENT)
    for _ in range(300):
        world.tick(5)
    assert (world.status.phase, world.status.step, world.status.verdicts) == ("Canary", 0, [])
    progressing = world.condition("Progressing")
    assert progressing
    assert "check errors: server here did not answer within 5 s" in progressing[2]
    assert world.condition("ChecksPassed") == (
        "Unknown",
        "NoAnswer",
        "errors without an answer: server here did not answer within 5 s",
    )
    assert world.events.count("NoAnswer") == 1
    world.answers = {"errors": GOOD}
    world.run("Stable", seconds=5)
    assert world.stable() == "flights-2"


def test_no_answer_in_the_bake_rolls_nothing_back() -> None:
    world = tried(GOOD)
    world.run("Baking", seconds=5)
    world.answers = {"errors": SILENT}
    world.run("Stable", seconds=5)
    assert world.stable() == "flights-2"


def test_query_that_does_not_parse_is_held_before_the_first_request() -> None:
    world = tried(REFUSED, weight=0)
    for _ in range(300):
        world.tick(5)
    assert (world.status.phase, world.status.weight, world.stable()) == ("Canary", 0, "flights-1")
    assert world.condition("ChecksPassed") == (
        "False",
        "QueryRefused",
        "errors cannot be asked: the server does not take the query: 1:5: parse error",
    )
    ready = world.condition("Ready")
    assert ready
    assert "parse error" in ready[2]
    assert world.events.count("QueryRefused") == 1
    world.answers = {"errors": GOOD}
    world.run("Stable", seconds=5)
    assert world.stable() == "flights-2"


def test_dry_run_tells_and_decides_nothing() -> None:
    world = tried(BAD, dryRun=True)
    world.settle(3)
    assert world.condition("ChecksPassed") == (
        "False",
        "BeyondLimit",
        "errors (dry run) beyond the limit: errors is 0.5 (maximum 0.01)",
    )
    world.run("Stable", seconds=5)
    assert (world.stable(), world.status.verdicts) == ("flights-2", [])
    assert world.events.count("BeyondLimit") == 1
    assert world.status.checks[0].value == 0.5


def test_dry_run_that_cannot_be_asked_holds_nothing() -> None:
    world = tried(REFUSED, dryRun=True)
    world.run("Stable", seconds=5)
    assert world.stable() == "flights-2"


def test_person_promotes_past_checks_without_an_answer() -> None:
    world = tried(SILENT)
    assert world.status.candidate
    world.ask("promote-full", world.status.candidate.revision)
    world.run("Baking", seconds=5)


def test_harm_that_is_counted_here_comes_first() -> None:
    world = tried(GOOD)
    world.answers = {"errors": BAD}
    world.settle(2)
    world.give(Window(requests=1000, failures=1000), healthy())
    world.run("RollingBack", limit=2)
    assert world.status.verdicts[-1].reason == "Errors"


def test_steady_answers_are_written_with_the_trial_only() -> None:
    world = tried(GOOD)
    world.run("Baking", seconds=5)
    world.settle(5)
    before = world.status
    for n in range(20):
        world.answers = {"errors": Answer(0.001 + n / 10_000)}
        assert world.tick().status == before


def test_removed_checks_leave_nothing_behind() -> None:
    world = tried(BAD, dryRun=True)
    world.settle(3)
    world.spec = world.spec | {"analysis": {}}
    world.settle(1)
    assert world.status.checks == []
    assert world.condition("ChecksPassed") is None
