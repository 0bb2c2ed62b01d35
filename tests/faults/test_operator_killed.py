"""The operator dies before any of its writes, is away for a while, and comes back: everything ends as without that.

Every write of four whole lives of a model is tried: a second version is promoted, is rolled back from its canary, is
rolled back after its promotion, and is aborted by a person. All the time clients send requests.
"""

import itertools
from datetime import datetime
from typing import Any

import pytest

from faults.outcome import outcome
from faults.world import AWAY, Story, Town, live
from modelward.observe.trial import LOOK_SECONDS

STEPS = [{"weight": 10, "duration": "5s"}, {"weight": 50, "duration": "5s"}]
SERVED = {
    "modelRef": {"name": "flights"},
    "replicas": 2,
    "rollout": {"steps": STEPS, "bakeTime": "10s", "progressDeadlineSeconds": 600},
    "analysis": {"minRequests": 100},
}
DATASET = {"source": {"inline": {"data": "id,late\n1,0\n"}}, "columns": {"label": "late", "id": "id"}}


def _run(**parameters: int) -> dict[str, Any]:
    estimator = {"name": "LogisticRegression"}
    return {"modelName": "flights", "datasetRef": {"name": "flights"}, "estimator": estimator, "parameters": parameters}


async def _first_version_serves(town: Town, served: dict[str, Any]) -> None:
    town.put("Dataset", "flights", DATASET)
    town.put("TrainingRun", "flights-a", _run(a=1))
    town.put("ModelDeployment", "flights", served)
    await town.until("in service", lambda: town.status().get("phase") == "Stable")


async def second_version_is_tried(town: Town, served: dict[str, Any] = SERVED) -> None:
    await _first_version_serves(town, served)
    town.put("TrainingRun", "flights-b", _run(b=1))
    await town.until("trained", lambda: town.is_true("TrainingRun", "flights-b", "Complete"))


async def _rolled_back(town: Town) -> None:
    await town.until("rolled back", lambda: town.is_true("ModelDeployment", "flights", "RolledBack"))
    await town.until("stored", lambda: town.is_true("ModelDeployment", "flights", "VerdictStored"))
    await town.until("stable", lambda: town.status()["phase"] == "Stable")


async def promotion(town: Town) -> None:
    await second_version_is_tried(town)
    await town.until("promoted", lambda: _serving(town) == "flights-2" and town.status()["phase"] == "Stable")


async def rollback(town: Town) -> None:
    town.streets.broken.add("flights-2")
    await second_version_is_tried(town)
    await _rolled_back(town)


async def rollback_after_promotion(town: Town) -> None:
    await second_version_is_tried(town)
    await town.until("promoted", lambda: town.status()["phase"] == "Baking")
    town.streets.broken.add("flights-2")
    await _rolled_back(town)


async def abort_by_hand(town: Town) -> None:
    await second_version_is_tried(town)
    await town.until("tried", lambda: town.status()["phase"] == "Canary" and town.status()["weight"] > 0)
    revision = town.status()["candidate"]["revision"]
    town.annotate("ModelDeployment", "flights", action=f"abort {revision} wrong month", requested_by="ada")
    await town.until("aborted", lambda: town.is_true("ModelDeployment", "flights", "RolledBack"))
    await town.until("stable", lambda: town.status()["phase"] == "Stable")
    assert [action["verb"] for action in town.status()["actions"]] == ["abort"]


def _serving(town: Town) -> str:
    return str((town.status().get("stable") or {}).get("modelVersion"))


def judged_after(town: Town) -> float:
    """Seconds from the first request to the version on trial to what the judges made of it in the end."""
    ends = [t["time"] for t in town.status()["history"] if t["cause"] in ("StepsPassed", "Errors", "Aborted")]
    assert town.streets.handed_since
    return datetime.fromisoformat(ends[-1]).timestamp() - town.streets.handed_since


def told_apart(story: list[str], other: list[str]) -> int:
    """The first write, counted from 1, that the other story does not make."""
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(story, other, strict=False))
    return 1 + sum(1 for _ in same)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("story", [promotion, rollback, rollback_after_promotion, abort_by_hand])
async def test_operator_killed_before_any_write_ends_in_the_same_state_and_no_client_notices(story: Story) -> None:
    expected, plain = await live(story), await live(promotion)
    first = 1 if story is promotion else told_apart(expected.writes, plain.writes)
    for nth, write in enumerate(expected.writes[first - 1 :], start=first):
        town, when = await live(story, crash_before=nth), f"killed before write {nth}: {write}"
        assert [crash.split()[:2] for crash in town.crashes] == [write.split()[:2]], when
        assert outcome(town) == outcome(expected), when
        late = judged_after(town) - judged_after(expected)
        assert -LOOK_SECONDS <= late <= AWAY + LOOK_SECONDS, f"no evidence is lost, none counted twice; {when}"
        assert (town.streets.refused, town.controllers.trainings) == (0, 2), when
        assert town.streets.failed == 0 or story is rollback_after_promotion, when
