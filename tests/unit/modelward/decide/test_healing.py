"""A status that no move leads to: an old backup, a hand. What serves goes on serving, and the rollout goes on."""

from typing import Any

import pytest

from .simulated import Simulated, serving, version, with_canary


def edited(world: Simulated, **changes: Any) -> Simulated:
    world.status = world.status.model_copy(update=changes)
    world.settle()
    return world


@pytest.mark.parametrize("phase", ["Canary", "Paused", "Promoting", "RollingBack", "Baking", "Pending"])
def test_phase_that_names_no_second_version_becomes_stable(phase: str) -> None:
    world = edited(serving(replicas=2), phase=phase, weight=50)
    assert (world.status.phase, world.status.weight, world.stable()) == ("Stable", 0, "flights-1")
    assert world.events.count("StatusHealed") == 1
    world.versions.append(version(2))
    assert world.run("Canary")


@pytest.mark.parametrize("phase", ["Stable", "Canary", "Baking", "RollingBack"])
def test_phase_without_a_version_in_service_starts_from_the_beginning(phase: str) -> None:
    world = edited(serving(), phase=phase, stable=None)
    assert world.run("Stable")
    assert world.stable() == "flights-1"


@pytest.mark.parametrize("phase", ["Canary", "RollingBack"])
def test_phase_that_does_not_say_since_when_does_not_last_for_ever(phase: str) -> None:
    world = edited(with_canary(), phase=phase, step_started=None, history=[])
    world.run("Stable", limit=6000)
    assert world.stable() == "flights-2", "it was tried again, and nobody called it"


def test_sound_rollout_is_left_alone() -> None:
    world = with_canary(rollout={"steps": [{"weight": 10}], "bakeTime": "5m"})
    assert "StatusHealed" not in world.events
