"""The operator dies in the middle of a search: the trials are those of the undisturbed one, each made once, and so is
the winner. Suggestions are the real ones; trials take different times, so that later ones end first.
"""

from typing import Any

import pytest

from faults.outcome import outcome
from faults.test_runs_killed import RUN, data
from faults.world import Story, Town, live
from modelward_contracts.wire import canonical

SEARCH: dict[str, Any] = {
    "objective": {"type": "maximize", "metric": "auc"},
    "algorithm": {"name": "tpe"},
    "parameters": [
        {"name": "x", "parameterType": "double", "feasibleSpace": {"min": 0, "max": 1}},
        {"name": "k", "parameterType": "int", "feasibleSpace": {"min": 1, "max": 50}},
        {"name": "loss", "parameterType": "categorical", "feasibleSpace": {"list": ["a", "b"]}},
    ],
    "parallelTrialCount": 2,
}


def uneven(number: int) -> int:
    return 3 + 7 * number % 11


async def begun(town: Town, trials: int, **search: Any) -> None:
    await data(town)
    town.controllers.trial_seconds = uneven
    town.put("TrainingRun", "flights-a", RUN | {"search": SEARCH | {"maxTrialCount": trials, **search}})


async def complete(town: Town) -> None:
    await town.until("complete", lambda: town.is_true("TrainingRun", "flights-a", "Complete"), 1000)


async def searched(town: Town) -> None:
    await begun(town, 5)
    await complete(town)


async def searched_with_failures(town: Town) -> None:
    town.controllers.failing = (2, 3)
    await begun(town, 6, maxFailedTrialCount=2)
    await complete(town)


async def given_up(town: Town) -> None:
    town.controllers.failing = (1, 2)
    await begun(town, 6, maxFailedTrialCount=1, parallelTrialCount=1)
    await town.until("failed", lambda: town.is_true("TrainingRun", "flights-a", "Failed"), 1000)


async def suspended(town: Town) -> None:
    await begun(town, 4)
    await town.until("one is over", lambda: len(town.controllers.tried) >= 1)
    spec = town.find("TrainingRun")[0]["spec"]
    town.put("TrainingRun", "flights-a", spec | {"suspend": True})
    await town.until("suspended", lambda: town.is_true("TrainingRun", "flights-a", "Suspended"))
    await town.pass_(60)
    town.put("TrainingRun", "flights-a", spec)
    await complete(town)


STORIES = (searched, searched_with_failures, given_up, suspended)


def search_of(town: Town) -> dict[str, Any]:
    found: dict[str, Any] = town.find("TrainingRun")[0]["status"]["search"]
    return found


def tried(town: Town) -> dict[int, dict[str, Any]]:
    """What each trial tried."""
    return {found.trial: found.parameters for found in town.controllers.trials.values()}


async def test_thirty_trials_are_the_same_although_the_operator_is_killed_three_times() -> None:
    async def undisturbed(town: Town) -> None:
        await begun(town, 30)
        await complete(town)

    async def killed(town: Town) -> None:
        await begun(town, 30)
        for over in (4, 13, 27):
            await town.until(f"{over} are over", lambda over=over: len(town.controllers.tried) >= over, 1000)  # type: ignore[misc]
            town.kill()
        await complete(town)

    expected, found = await live(undisturbed), await live(killed)
    assert expected.controllers.tried != sorted(expected.controllers.tried), "later ones should end first at times"
    assert sorted(found.controllers.tried) == list(range(1, 31)), "none lost, none twice"
    assert len({canonical(parameters) for parameters in tried(found).values()}) == 30
    assert tried(found) == tried(expected)
    assert search_of(found) | {"since": ""} == search_of(expected) | {"since": ""}
    best = search_of(found)["best"]
    (version,) = found.find("ModelVersion")
    searched = version["spec"]["lineage"]["search"]
    assert (searched["trial"], searched["trials"]) == (best["number"], 30)
    assert searched["parameters"] == best["parameters"]


async def test_what_a_trial_tries_does_not_depend_on_what_ended_first() -> None:
    async def one_after_the_other(town: Town) -> None:
        await begun(town, 12)
        town.controllers.trial_seconds = None
        await complete(town)

    async def out_of_order(town: Town) -> None:
        await begun(town, 12)
        await complete(town)

    assert tried(await live(one_after_the_other)) == tried(await live(out_of_order))


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
async def test_operator_killed_before_any_write_of_a_search_ends_in_the_same_state(story: Story) -> None:
    expected = await live(story)
    for nth, write in enumerate(expected.writes, start=1):
        town, when = await live(story, crash_before=nth), f"killed before write {nth}: {write}"
        assert tried(town) == tried(expected), when
        assert sorted(town.controllers.tried) == sorted(set(town.controllers.tried)), when
        assert outcome(town) == outcome(expected), when
