"""What users met on live clusters and others of its kind, with default settings, played in virtual time."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count

import pytest

from modelward.decide.judge.evidence import Latency, Window

from .simulated import START, Simulated, healthy, serving, version, with_canary

DAY = timedelta(days=1)
EDGES = (0.001, 0.01, 0.1)


def counted(requests: int, failed: float = 0.0, slow: float = 0.0) -> Window:
    """`failed`, `slow`: shares, as evenly as they can be."""
    failures = round(requests * failed)
    answers = requests - failures
    late = round(answers * slow)
    return Window(requests=requests, failures=failures, latency=Latency(EDGES, (0, answers - late, late, 0)))


def play(world: Simulated, time: timedelta, candidate: Callable[[], Window], seconds: float, until: str = "") -> None:
    """10 % of the requests go to the candidate, and nine times as many good answers come from stable."""
    end = world.now + time
    while world.now < end and world.status.phase != until:
        seen = candidate()
        world.give(seen, counted(9 * seen.requests), once=True)
        world.tick(seconds)


def every(nth: int, failed: float = 0.0) -> Callable[[], Window]:
    """One request in each so many looks."""
    looks: Iterator[int] = count(1)
    return lambda: counted(int(next(looks) % nth == 0), failed)


def trying() -> Simulated:
    """Default steps, deadline and bake time."""
    world = serving()
    world.versions.append(version(2))
    world.run("Canary")
    return world


@pytest.mark.parametrize("requests", [every(5), every(10**9)], ids=["0.2/s", "none"])
def test_good_version_of_a_quiet_service_is_in_service_within_the_deadline_and_its_bake(
    requests: Callable[[], Window],
) -> None:
    world = trying()
    play(world, timedelta(minutes=62), requests, 10, until="Baking")
    assert (world.stable(), world.status.phase) == ("flights-2", "Baking")
    world.give(counted(0), counted(0))
    for _ in range(190):
        world.tick(10)
    assert (world.stable(), world.status.phase, world.status.verdicts) == ("flights-2", "Stable", [])


@pytest.mark.parametrize(("failures", "branded"), [(10, True), (4, False), (2, False)])
def test_version_of_a_quiet_service_that_answers_500_to_all_is_not_in_service(failures: int, branded: bool) -> None:
    world, left = trying(), iter(range(failures))
    fails = every(30, failed=1.0)

    def some() -> Window:
        seen = fails()
        return seen if not seen.requests or next(left, None) is not None else Window()

    play(world, timedelta(minutes=62), some, 10, until="RollingBack")
    assert world.status.phase == "RollingBack"
    assert bool(world.status.verdicts) == branded
    world.give()
    world.run("Stable")
    world.settle(20)
    assert (world.stable(), world.status.phase) == ("flights-1", "Stable")


@pytest.mark.parametrize("good", [True, False])
def test_version_in_service_that_fails_everything_holds_no_good_candidate_back(good: bool) -> None:
    world = trying()
    world.give(counted(100, failed=0.0 if good else 1.0), counted(900, failed=1.0))
    if good:
        world.run("Baking", limit=200)
        world.give(counted(1000), Window())
        world.run("Stable", limit=200, seconds=15)
        assert world.stable() == "flights-2"
    else:
        world.run("RollingBack", limit=400, seconds=10)
        assert world.status.verdicts == [], "who fails as the other does is not branded"


@pytest.mark.parametrize("shift", [5, 40])
def test_errors_and_slowness_that_both_share_from_within_a_step_roll_nothing_back(shift: int) -> None:
    world = trying()
    for look in range(300):
        share, after = world.status.weight, look > shift
        failed, slow = (0.05, 0.6) if after else (0.0, 0.05)
        world.give(*(counted(20 * part, failed, slow) for part in (share, 100 - share)))
        world.tick()
        if world.status.phase == "Promoting":
            break
    assert (world.status.phase, world.status.verdicts, world.status.set_aside) == ("Promoting", [], None)


@pytest.mark.parametrize(("failed", "looks"), [(1.0, 15), (0.2, 90)])
def test_harm_after_a_pause_of_a_day_is_seen_at_once(failed: float, looks: int) -> None:
    world = trying()
    world.settle(3)
    assert world.status.candidate
    world.ask("pause", world.status.candidate.revision, "over the weekend")
    play(world, DAY, lambda: counted(600), 600)
    assert world.status.phase == "Paused"
    play(world, timedelta(seconds=2 * looks), lambda: counted(10, failed), 2, until="RollingBack")
    assert world.status.phase == "RollingBack"
    assert world.status.verdicts[-1].reason == "Errors"


@pytest.mark.parametrize("good", [True, False])
def test_step_of_all_requests_is_held_against_what_was_before_it(good: bool) -> None:
    steps = [{"weight": 10, "duration": "10s"}, {"weight": 100, "duration": "2m"}]
    world = with_canary(rollout={"steps": steps, "bakeTime": "1m"})
    world.give(healthy(), healthy(9000), step=1000)
    while world.status.weight != 100:
        world.tick()
    assert world.stable() == "flights-1"
    world.give(counted(1000, failed=0.0 if good else 0.3), healthy(9000), step=1000)
    began = world.now
    world.run("Promoting" if good else "RollingBack", limit=100)
    assert world.now - began < timedelta(seconds=130)
    assert (world.now - began >= timedelta(minutes=2)) == good
    assert world.now > START
