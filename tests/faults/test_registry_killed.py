"""The operator dies before any write while people name and approve versions: no alias is lost or held twice, no word is
said twice, and where a version served is told in the same way."""

from typing import Any

from faults.outcome import outcome
from faults.world import Town, live

DATASET = {"source": {"inline": {"data": "id,late\n1,0\n"}}, "columns": {"label": "late", "id": "id"}}
DEPLOYMENT = {
    "modelRef": {"name": "flights", "version": "champion"},
    "replicas": 0,
    "rollout": {"approval": "Required"},
}
"""Nobody is served, so that what is named and approved takes over at once."""


def version(town: Town, name: str) -> dict[str, Any]:
    return town.controllers.get("ModelVersion", name) or {}


async def train(town: Town, number: int) -> str:
    estimator = {"name": "LogisticRegression"}
    run = {"modelName": "flights", "datasetRef": {"name": "flights"}, "estimator": estimator}
    town.put("TrainingRun", f"run-{number}", run | {"parameters": {"n": number}})
    name = f"flights-{number}"
    await town.until("registered", lambda: town.is_true("ModelVersion", name, "Verified"))
    return name


async def ask(town: Town, name: str, action: str) -> None:
    town.annotate("ModelVersion", name, action=action, requested_by="ada")
    verb, what = action.split()[:2]

    def said() -> list[Any]:
        status = version(town, name)["status"]
        return [w for w in status.get("aliases", []) if w["name"] == what] if verb == "alias" else status["approvals"]

    await town.until(f"{action}: answered", lambda: bool(said()))


async def champion_moves(town: Town) -> None:
    town.put("Dataset", "flights", DATASET)
    town.put("ModelDeployment", "flights", DEPLOYMENT)
    await ask(town, await train(town, 1), "alias champion first")
    await town.until("in service", lambda: town.status().get("phase") == "Stable")
    second = await train(town, 2)
    await ask(town, second, f"approve {version(town, second)['spec']['digest']} reviewed")
    await ask(town, second, "alias champion better")
    await town.until("promoted", lambda: serving(town) == second and town.status()["phase"] == "Stable")


def serving(town: Town) -> str:
    return str((town.status().get("stable") or {}).get("modelVersion"))


async def test_operator_killed_before_any_write_loses_and_doubles_no_word() -> None:
    whole = await live(champion_moves)
    expected = outcome(whole)
    first, second = version(whole, "flights-1")["status"], version(whole, "flights-2")["status"]
    assert [(w["name"], w["why"], w.get("removed", False)) for w in first["aliases"]] == [
        ("champion", "first", False),
        ("champion", "given to flights-2", True),
    ]
    assert (first.get("alias"), second["alias"]) == (None, "champion")
    assert [(w["by"], w["why"]) for w in second["approvals"]] == [("ada", "reviewed")]
    assert [(d["role"], d.get("why")) for d in first["deployments"]] == [("Stable", "replaced by flights-2")]
    assert [(d["role"], d.get("why")) for d in second["deployments"]] == [("Stable", None)]
    for nth, write in enumerate(whole.writes, start=1):
        town, when = await live(champion_moves, crash_before=nth), f"killed before write {nth}: {write}"
        assert town.crashes, when
        assert outcome(town) == expected, when


async def test_moves_while_no_operator_is_there_end_as_they_were_asked_for() -> None:
    town = Town()
    town.put("Dataset", "flights", DATASET)
    names = [await train(town, number) for number in (1, 2)]
    await town.rest()
    town.kill(away=60)
    for name in reversed(names):
        town.annotate("ModelVersion", name, action="alias champion", requested_by="ada")
    await town.pass_(70)
    await town.rest()
    assert [version(town, name)["status"].get("alias") for name in names] == ["champion", None]
