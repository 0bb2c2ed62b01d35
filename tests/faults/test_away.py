"""The operator, the API server or the servers' counters are away for a while in the middle of a canary.

Nothing is rolled back for that reason, nothing is forgotten and nothing counted twice; what is due is done as soon as
it can be.
"""

from collections.abc import Callable
from typing import Any

import pytest

from faults.controllers import NAMESPACE
from faults.test_operator_killed import SERVED, second_version_is_tried
from faults.world import Town
from modelward.decide.judge.remembered import Remembered, remembered
from modelward.decide.judge.trial import FAILURES, REQUESTS


async def in_canary(seconds: int = 6, **spec: Any) -> Town:
    """flights-2 has 10 % of all requests for some seconds, and more than ten minutes for its first step."""
    town = Town()
    steps = [{"weight": 10, "duration": "5s", "minimumRequests": 1_000_000}, {"weight": 50}]
    rollout = {"steps": steps, "progressDeadlineSeconds": 300, "bakeTime": "10s"}
    await second_version_is_tried(town, SERVED | {"rollout": rollout} | spec)
    await town.until("tried", lambda: town.status().get("weight") == 10)
    await town.pass_(seconds)
    return town


def candidate(town: Town) -> str:
    return str(town.status()["candidate"]["revision"])


def trial(town: Town) -> Remembered:
    found = remembered(town.status()["trial"])
    assert found
    return found


def tried(town: Town) -> bool:
    return town.status()["phase"] == "Canary"


def rolled_back(town: Town) -> bool:
    return town.is_true("ModelDeployment", "flights", "RolledBack")


async def api_server(town: Town, seconds: int) -> None:
    town.kube.silent = True
    await town.pass_(seconds)
    town.kube.silent = False


async def counters(town: Town, seconds: int) -> None:
    town.streets.blind = True
    await town.pass_(seconds)
    town.streets.blind = False


async def operator(town: Town, seconds: int) -> None:
    town.kill(away=seconds)
    await town.pass_(seconds)


AWAY = [(api_server, 60), (counters, 60), (operator, 60), (operator, 3600)]


@pytest.mark.parametrize(("away", "seconds"), AWAY)
async def test_good_candidate_is_not_rolled_back_for_it_and_every_request_counts_once(
    away: Callable[..., Any], seconds: int
) -> None:
    town = await in_canary()
    await away(town, seconds)
    await town.pass_(12)
    assert tried(town)
    assert not town.status()["verdicts"]
    seen = sum(sums[REQUESTS] for sums in trial(town).trial.weights)
    handed = town.streets.handed[candidate(town)]
    # Of the first seconds none, before every server followed; of the last, what is not written yet.
    assert handed - 15 * 40 <= seen <= handed
    assert trial(town).trial.waited < 100, "the time of an absence is nobody's"


@pytest.mark.parametrize(("away", "seconds"), AWAY)
async def test_candidate_that_breaks_meanwhile_is_rolled_back_for_it(away: Callable[..., Any], seconds: int) -> None:
    town = await in_canary()
    town.streets.broken.add("flights-2")
    await away(town, seconds)
    await town.until("rolled back", lambda: rolled_back(town), seconds=5)
    assert town.status()["verdicts"][-1]["reason"] == "Errors"
    assert town.streets.failed == 0


async def test_rollback_due_while_the_api_server_is_silent_reaches_the_servers_and_holds() -> None:
    town = await in_canary()
    tried, town.kube.silent = candidate(town), True
    town.streets.broken.add("flights-2")
    await town.until("left alone", lambda: town.streets.answers[tried] == 0, seconds=60)
    for _ in range(400):  # longer than every window of the judges
        await town.tick()
        assert town.streets.answers[tried] == 0
    town.streets.broken.clear()
    town.kube.silent = False
    await town.until("written", lambda: rolled_back(town), seconds=3)
    assert town.streets.handed[tried] < 2500


@pytest.mark.parametrize("version", ["flights-1", "flights-2"])
async def test_pods_replaced_while_the_operator_is_away_lose_and_double_nothing_that_is_left(version: str) -> None:
    town = await in_canary()
    town.kill(away=30)
    for pod in town.find("Pod"):
        if pod["metadata"]["labels"].get("modelward.dev/model-version") == version:
            town.kube.remove("v1", "Pod", NAMESPACE, pod["metadata"]["name"])
            break
    await town.pass_(45)
    assert tried(town)
    seen, failed = (sum(sums[index] for sums in trial(town).trial.weights) for index in (REQUESTS, FAILURES))
    assert failed <= 3 * 40, "of the moment in which nobody was there"
    assert seen <= town.streets.handed[candidate(town)]


async def test_promoted_version_is_held_against_the_one_before_it_after_an_absence_too() -> None:
    town = await in_canary(rollout=SERVED["rollout"] | {"bakeTime": "10m"})
    await town.until("promoted", lambda: town.status()["phase"] == "Baking")
    await town.pass_(5)
    town.kill(away=30)
    await town.pass_(32)
    town.streets.broken.add("flights-2")
    await town.until("rolled back", lambda: rolled_back(town), seconds=10)
    assert town.status()["verdicts"][-1]["reason"] == "Errors"
