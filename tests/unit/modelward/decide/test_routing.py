"""Header matches and sticky keys of spec.rollout reach the servers in service, as long as a version is on trial."""

from typing import Any

import pytest

from modelward.decide.judge.evidence import Latency, SignalWindow, Window
from modelward_contracts.traffic import HeaderMatch, Traffic
from modelward_serving.traffic.split import Split

from .simulated import Simulated, Trouble, healthy, serving, version, with_canary

WEIGHT = {"weight": 10, "duration": "5s"}
TESTERS = {"matches": [{"header": "X-Canary", "value": "yes"}]}
BY_USER = {"sticky": {"header": "x-user"}}


def setting(world: Simulated) -> Traffic:
    """Of the servers in service."""
    assert world.status.stable
    found = world.settings_pushed[world.status.stable.revision]
    assert isinstance(found, Traffic)
    assert found.epoch == world.status.epoch
    return found


def rollout(**more: Any) -> dict[str, Any]:
    return {"rollout": {"steps": [WEIGHT], "bakeTime": "20s"} | more}


def test_matches_and_sticky_key_are_in_the_setting_until_the_trial_ends() -> None:
    world = with_canary(**rollout(**TESTERS, **BY_USER))
    found = setting(world)
    assert (found.weight, found.matches, found.sticky_header) == (
        10,
        [HeaderMatch(name="X-Canary", value="yes")],
        "x-user",
    )
    split = Split(found)
    assert split.picks({b"x-canary": b"yes"})
    assert len({split.picks({b"x-user": b"ada", b"x-canary": b"no"}) for _ in range(50)}) == 1
    world.give(healthy(), healthy(), step=1000)
    world.run("Stable")
    world.settle()
    found = setting(world)
    assert (found.candidate, found.weight, found.matches, found.sticky_header) == (None, 0, [], None)
    assert world.status.routing is None


def test_testers_reach_a_version_that_has_no_weight_once_it_is_ready() -> None:
    world = serving(**rollout(steps=[{"pause": {}}], **TESTERS))
    world.versions.append(version(2))
    world.troubles["flights-2"] = Trouble("hold", "ImagePullBackOff", "no such image")
    world.run("Canary")
    world.settle(10)
    assert setting(world).matches == []
    world.troubles.clear()
    world.settle(3)
    assert (setting(world).weight, [m.value for m in setting(world).matches]) == (0, ["yes"])
    world.troubles["flights-2"] = Trouble("hold", "NodeLost", "node gone")
    world.settle(3)
    assert setting(world).matches == []


def test_testers_reach_no_version_that_nobody_has_approved() -> None:
    world = serving(**rollout(approval="Required", **TESTERS))
    world.versions.append(version(2))
    world.run("Canary")
    world.settle(10)
    assert setting(world).matches == []
    assert world.status.candidate
    world.ask("approve", world.status.candidate.revision)
    world.settle(3)
    assert setting(world).matches


def test_routing_changed_during_a_trial_is_a_new_setting() -> None:
    world = with_canary(**rollout())
    before = world.status.epoch
    world.spec = world.spec | rollout(**BY_USER)
    world.settle(3)
    assert setting(world).sticky_header == "x-user"
    assert world.status.epoch > before
    settled = world.tick()
    assert not settled.memory
    world.spec = world.spec | rollout()
    world.settle(3)
    assert setting(world).sticky_header is None


def test_harm_takes_the_testers_back_too() -> None:
    world = with_canary(**rollout(**TESTERS))
    world.troubles["flights-2"] = Trouble("harm", "CrashLoop", "server: exit 1")
    world.run("RollingBack", limit=3)
    assert setting(world).matches == []


# what comes by header is no random share


def for_testers() -> Simulated:
    world = serving(**rollout(steps=[{"pause": {}}], **TESTERS))
    world.versions.append(version(2))
    world.run("Canary")
    world.settle(3)
    assert world.status.weight == 0
    return world


def test_version_that_fails_its_testers_is_rolled_back_before_it_has_any_weight() -> None:
    world = for_testers()
    world.give(Window(requests=4, failures=4), healthy(100))
    world.run("RollingBack", limit=5)
    assert world.status.verdicts[-1].reason == "Errors"


def test_testers_other_and_slower_requests_are_no_harm_of_a_version_without_weight() -> None:
    world = for_testers()
    world.give(odd(100), usual(1000))
    world.settle(100)
    assert (world.status.phase, world.status.verdicts) == ("Canary", [])


@pytest.mark.parametrize("routing", [TESTERS, BY_USER])
def test_requests_by_header_that_are_other_and_slower_end_a_trial_without_a_verdict(routing: dict[str, Any]) -> None:
    world = with_canary(**rollout(progressDeadlineSeconds=120, **routing))
    world.give(odd(100), usual(1000))
    world.settle(50)
    assert world.status.phase == "Canary"
    world.run("RollingBack", limit=20)
    assert world.status.verdicts == []


def test_answers_many_times_as_slow_are_harm_whoever_asks() -> None:
    world = with_canary(**rollout(**BY_USER))
    world.give(Window(requests=400, latency=Latency(EDGES, (0, 0, 0, 400))), usual(1000))
    world.run("RollingBack", limit=20)
    assert world.status.verdicts[-1].reason == "Latency"


EDGES = (0.01, 0.02, 0.2)


def odd(requests: int) -> Window:
    """Twice as slow, and of inputs that nobody else sends."""
    inputs = SignalWindow("input", (500, 500), (10 * requests, 0))
    return Window(requests=requests, latency=Latency(EDGES, (0, requests, 0, 0)), signals={"distance": inputs})


def usual(requests: int) -> Window:
    inputs = SignalWindow("input", (500, 500), (5 * requests, 5 * requests))
    return Window(requests=requests, latency=Latency(EDGES, (requests, 0, 0, 0)), signals={"distance": inputs})
