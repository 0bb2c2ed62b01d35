"""The operator dies before any write from new data to the version that was trained on it: no run is doubled or lost."""

from typing import Any

from faults.world import Town, live

DATASET = {"source": {"inline": {"data": "id,late\n1,0\n"}}, "columns": {"label": "late", "id": "id"}}
MORE = DATASET | {"source": {"inline": {"data": "id,late\n1,0\n2,1\n"}}}
RUN = {"datasetRef": {"name": "flights"}, "estimator": {"name": "LogisticRegression"}}


async def new_data(town: Town) -> None:
    town.put("Dataset", "flights", DATASET)
    town.put("RegisteredModel", "flights", {"run": RUN, "triggers": {"newData": {}}})
    await town.until("trained", lambda: len(history(town)) == 1 and town.is_true("RegisteredModel", "flights", "Ready"))
    town.put("Dataset", "flights", MORE)
    await town.until("retrained", lambda: len(history(town)) == 2 and "ended" in history(town)[1])


def history(town: Town) -> list[dict[str, Any]]:
    found = town.controllers.get("RegisteredModel", "flights")
    history: list[dict[str, Any]] = ((found or {}).get("status") or {}).get("history", [])
    return history


def outcome(town: Town) -> dict[str, Any]:
    """But for times, everything of it."""
    timeless = [{k: v for k, v in r.items() if k not in ("started", "ended", "cause")} for r in history(town)]
    causes = [(record["cause"]["type"], record["cause"]["message"]) for record in history(town)]
    versions = {
        found["metadata"]["name"]: (found["spec"]["digest"], found["spec"]["lineage"]["trainingRun"])
        for found in town.controllers.find("ModelVersion")
    }
    runs = {found["metadata"]["name"] for found in town.controllers.find("TrainingRun")}
    return {"history": timeless, "causes": causes, "versions": versions, "runs": runs}


async def test_operator_killed_before_any_write_doubles_and_loses_no_run() -> None:
    expected = await live(new_data)
    assert [kind for kind, _ in outcome(expected)["causes"]] == ["Definition", "NewData"]
    assert len(expected.writes) > 20
    for nth, write in enumerate(expected.writes, start=1):
        town, when = await live(new_data, crash_before=nth), f"killed before write {nth}: {write}"
        assert [crash.split()[:2] for crash in town.crashes] == [write.split()[:2]], when
        assert outcome(town) == outcome(expected), when
        assert town.controllers.trainings == 2, when
