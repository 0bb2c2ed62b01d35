"""Whatever people, pods and evidence do in whatever order: something serves, and in the end what is asked for does."""

import random
from typing import Any

import pytest

from modelward.decide.judge.evidence import Window
from modelward.decide.pods import ready_pods

from .simulated import Simulated, Trouble, healthy, serving, version

STEPS: list[list[dict[str, Any]]] = [
    [{"weight": 10, "duration": "4s"}, {"weight": 50, "duration": "4s"}],
    [{"pause": {}}],
    [{"weight": 10, "duration": "2s"}, {"pause": {}}, {"weight": 60}],
    [{"pause": {"duration": "6s"}}, {"weight": 5}],
]
VERBS = ["promote", "promote-full", "approve", "abort", "retry", "rollback", "pause", "resume", "bogus"]


@pytest.mark.parametrize("seed", range(10))
def test_actions_faults_and_edits_in_any_order_leave_a_service_that_ends_as_asked_for(seed: int) -> None:
    chance = random.Random(seed)
    rollout = {"steps": chance.choice(STEPS), "bakeTime": "20s", "progressDeadlineSeconds": 60}
    rollout |= chance.choice([{}, {"approval": "Required"}, {"keepReplicas": 1}, {"undo": "Steps"}])
    rollout |= chance.choice([{}, {"matches": [{"header": "x", "value": "y"}]}])
    world, dead = serving(rollout=rollout, replicas=2), 0
    for moment in range(200):
        _something_happens(world, chance, moment)
        world.tick()
        dead = dead + 1 if _left_down(world) else 0
        assert dead < 5, "what is Ready takes the place of what is down"

    _calm(world)
    for _ in range(300):
        world.tick()
    assert world.status.phase == "Stable", world.status.history[-3:]
    assert world.status.stable
    assert not world.tick().memory
    ready = world.condition("Ready")
    assert ready
    if world.status.stable.revision == world.status.target:
        assert ready[0] == "True"
    else:
        assert ready[:2] == ("False", "RolledBack"), "else it says what is held against it"


def _something_happens(world: Simulated, chance: random.Random, moment: int) -> None:
    which, version_name = chance.random(), f"flights-{chance.randint(1, len(world.versions))}"
    if which < 0.25:
        world.ask(chance.choice(VERBS), chance.choice(_revisions(world)), str(moment))
    elif which < 0.30 and len(world.versions) < 6:
        world.versions.append(version(len(world.versions) + 1))
    elif which < 0.36 and world.troubles.pop(version_name, None) is None:
        world.troubles[version_name] = Trouble(chance.choice(["hold", "hold", "harm"]), "Trouble", "a pod")
    elif which < 0.42:
        world.give(Window(requests=500, failures=50), healthy(), step=500)
    elif which < 0.55:
        world.give(healthy(), healthy(), step=1000)
    elif which < 0.60:
        number = chance.choice(["Latest", *range(1, len(world.versions) + 1)])
        world.spec = world.spec | {"modelRef": {"name": "flights", "version": number}}
    elif which < 0.63:
        world.spec = world.spec | {"paused": chance.random() < 0.5}


def _revisions(world: Simulated) -> list[str]:
    status = world.status
    known = [status.stable, status.candidate, status.previous, status.set_aside, *status.served, *status.verdicts]
    return [*(one.revision for one in known if one), "1", "2", "nobody"]


def _left_down(world: Simulated) -> bool:
    status, pods = world.status, world.observed().pods
    other = status.previous if status.phase == "Baking" else status.candidate if status.weight else None
    tried = status.phase in ("Canary", "Paused", "Promoting", "Baking")
    return tried and not ready_pods(pods, status.stable) and ready_pods(pods, other) > 0


def _calm(world: Simulated) -> None:
    world.troubles.clear()
    world.annotations = {}
    world.give(healthy(), healthy(), step=1000)
    world.spec = world.spec | {
        "paused": False,
        "rollout": {"steps": [{"weight": 10, "duration": "2s"}], "bakeTime": "5s"},
    }
    if world.status.paused:
        world.ask("resume", world.status.paused, "in the end")
