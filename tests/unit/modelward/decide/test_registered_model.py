"""A RegisteredModel's life: why it trains again, one run at a time, and what it remembers."""

from typing import Any

import pytest

from modelward.clients.fake import Crash
from modelward_contracts.reports import GateResult, PublishReport

from .workshop import API, NAMESPACE, Workshop, digest, ingest_report, publish_report, said

RUN = {"datasetRef": {"name": "flights"}, "estimator": {"name": "LogisticRegression"}}
ANY = {"newData": {}}
MISSED = GateResult(metric="auc", value=0.6, bound="at least 0.7", passed=False)


@pytest.fixture
async def workshop() -> Workshop:
    """With a dataset of 10 rows."""
    workshop = Workshop()
    workshop.dataset()
    await workshop.settle()
    await arrived(workshop, "a")
    return workshop


async def arrived(workshop: Workshop, letter: str, rows: int = 10) -> None:
    """Other data was found by the ingest under way, or by one that is asked for."""
    if not [name for name in workshop.names("Job") if "-ingest-" in name]:
        found = workshop.get("Dataset", "flights")
        found["metadata"]["annotations"]["modelward.dev/requested-at"] = letter
        workshop.kube.put(found)
        await workshop.settle()
    (job,) = (name for name in workshop.names("Job") if "-ingest-" in name)
    workshop.succeed(ingest_report(digest(letter), rows), job)
    await workshop.settle()
    remove(workshop, job)


def remove(workshop: Workshop, job: str) -> None:
    workshop.kube.remove("batch/v1", "Job", NAMESPACE, job)
    workshop.kube.remove("v1", "ConfigMap", NAMESPACE, job)


def model(workshop: Workshop, annotations: dict[str, str] | None = None, run: Any = None, **spec: Any) -> None:
    before = [name for name in workshop.names("RegisteredModel") if name == "flights"]
    status = workshop.get("RegisteredModel", "flights").get("status") if before else None
    metadata = {"name": "flights", "namespace": NAMESPACE, "annotations": annotations or {}}
    made = {"apiVersion": API, "kind": "RegisteredModel", "metadata": metadata, "spec": {"run": run or RUN, **spec}}
    workshop.kube.put(made | ({"status": status} if status else {}))


async def trained(workshop: Workshop, *gates: GateResult) -> None:
    """The run under way ends."""
    await ended(workshop, publish_report(gates=gates))


async def ended(workshop: Workshop, report: PublishReport | None) -> None:
    (job,) = (name for name in workshop.names("Job") if "-train-" in name)
    if report:
        workshop.succeed(report, job)
    else:
        workshop.fail("train", said("TrainFailed", "the column speed does not exist"))
    await workshop.settle()
    remove(workshop, job)


def runs(workshop: Workshop) -> list[str]:
    """Types of their causes, oldest first."""
    return [record["cause"]["type"] for record in status(workshop)["history"]]


def status(workshop: Workshop) -> dict[str, Any]:
    return workshop.status("RegisteredModel", "flights")


def ready(workshop: Workshop) -> tuple[str, str, str]:
    found = workshop.condition("RegisteredModel", "flights")
    assert found
    return found


async def test_new_model_is_trained_and_what_it_was_trained_for_is_told_by_its_version(workshop: Workshop) -> None:
    model(workshop)
    await workshop.settle()
    (name,) = workshop.names("TrainingRun")
    run = workshop.get("TrainingRun", name)
    assert run["spec"]["modelName"] == "flights"
    assert run["spec"]["datasetRef"] == {"name": "flights", "version": "flights-" + "a" * 10}
    assert run["spec"]["cause"] == {"type": "Definition", "message": "the model is new", "time": "2026-01-01T00:00:00Z"}
    assert "ownerReferences" not in run["metadata"]
    assert (status(workshop)["run"], ready(workshop)[:2]) == (name, ("Unknown", "Training"))
    await trained(workshop)
    assert ready(workshop)[:2] == ("True", "UpToDate")
    assert (status(workshop)["latestVersion"], status(workshop).get("run")) == ("flights-1", None)
    lineage = workshop.get("ModelVersion", "flights-1")["spec"]["lineage"]
    assert lineage["cause"] == run["spec"]["cause"]
    assert {"Normal RunStarted", "Normal RunEnded"} <= set(workshop.events())


async def test_result_of_a_run_is_how_it_ended_whatever_an_operator_that_saw_nothing_wrote_over_it(
    workshop: Workshop,
) -> None:
    model(workshop)
    await workshop.settle()
    (name,) = workshop.names("TrainingRun")
    (job,) = (each for each in workshop.names("Job") if "-train-" in each)
    workshop.succeed(publish_report(), job)
    for _ in range(5):
        await workshop.look_at("TrainingRun", name)
    run = workshop.get("TrainingRun", name)
    for each in run["status"]["conditions"]:
        if each["type"] == "Ready":
            each |= {"status": "Unknown", "reason": "Unavailable", "message": "the operator could not look"}
    workshop.kube.put(run)
    await workshop.look_at("RegisteredModel", "flights")
    assert [record["result"] for record in status(workshop)["history"]] == ["Registered"]
    assert ready(workshop)[:2] == ("True", "UpToDate")


async def test_model_waits_for_its_data_and_says_so() -> None:
    workshop = Workshop()
    model(workshop)
    await workshop.settle()
    assert ready(workshop)[:2] == ("Unknown", "DatasetNotFound")
    workshop.dataset()
    await workshop.settle()
    assert ready(workshop)[:2] == ("Unknown", "DatasetNotReady")
    await arrived(workshop, "a")
    assert runs(workshop) == ["Definition"]


async def test_new_data_is_trained_on_one_run_at_a_time_and_the_newest_of_what_waits(workshop: Workshop) -> None:
    model(workshop, triggers=ANY)
    await workshop.settle()
    await arrived(workshop, "b", 20)
    await arrived(workshop, "c", 30)
    assert len(workshop.names("TrainingRun")) == 1
    waiting = status(workshop)["waiting"]
    assert (waiting["reason"], waiting["cause"]["message"]) == ("Running", "20 rows more in flights-" + "c" * 10)
    await trained(workshop)
    await trained(workshop)
    assert runs(workshop) == ["Definition", "NewData"]
    assert [r["datasetVersion"][-1] for r in status(workshop)["history"]] == ["a", "c"]
    assert "waiting" not in status(workshop)
    assert ready(workshop)[2] == f"flights-2 was trained on flights-{'c' * 10}: 20 rows more in flights-{'c' * 10}"


async def test_data_without_the_trigger_or_with_too_few_rows_more_is_no_cause(workshop: Workshop) -> None:
    model(workshop)
    await workshop.settle()
    await trained(workshop)
    await arrived(workshop, "b", 20)
    assert runs(workshop) == ["Definition"]
    model(workshop, triggers={"newData": {"minimumNewRows": 15}})
    await workshop.settle()
    assert runs(workshop) == ["Definition"]
    await arrived(workshop, "c", 25)
    assert runs(workshop) == ["Definition", "NewData"]


async def test_change_of_the_definition_is_a_cause_and_change_of_policy_is_none(workshop: Workshop) -> None:
    model(workshop)
    await workshop.settle()
    await trained(workshop)
    policy = {"coolDown": "1h", "budget": {"runsPerDay": 3}, "triggers": ANY, "retention": {"versions": 3}}
    model(workshop, run=RUN | {"resources": {"limits": {"memory": "3Gi"}}}, **policy)
    await workshop.settle()
    assert runs(workshop) == ["Definition"]
    model(workshop, run=RUN | {"parameters": {"depth": 3}}, **policy)
    await workshop.settle()
    assert runs(workshop) == ["Definition", "Definition"]
    assert status(workshop)["history"][-1]["cause"]["message"] == "spec.run was changed"
    await trained(workshop)
    model(workshop, **policy)
    await workshop.settle()
    await trained(workshop)
    assert runs(workshop) == ["Definition"] * 3, "back to what it was: that is what has to be the latest version"
    assert status(workshop)["latestVersion"] == "flights-3"


async def test_person_asks_for_a_run_and_is_named(workshop: Workshop) -> None:
    asked = {"modelward.dev/requested-at": "monday", "modelward.dev/requested-by": "ada"}
    model(workshop, coolDown="1h", budget={"runsPerDay": 1})
    await workshop.settle()
    await trained(workshop)
    model(workshop, asked, coolDown="1h", budget={"runsPerDay": 1})
    await workshop.settle()
    await trained(workshop)
    assert runs(workshop) == ["Definition", "Request"]
    cause = status(workshop)["history"][-1]["cause"]
    assert (cause["message"], cause["requestedBy"]) == ("ada asked for it (monday)", "ada")
    await workshop.pass_time(days=2)
    assert len(runs(workshop)) == 2


async def test_schedule_trains_on_what_is_new_and_passes_where_nothing_is(workshop: Workshop) -> None:
    model(workshop, triggers={"schedule": "0 4 * * *"})
    await workshop.settle()
    await trained(workshop)
    assert status(workshop)["ticks"]["next"] == "2026-01-01T04:00:00Z"
    assert await workshop.look_at("RegisteredModel", "flights") == 4 * 3600
    await workshop.pass_time(hours=5)
    assert runs(workshop) == ["Definition"]
    assert status(workshop)["ticks"]["next"] == "2026-01-02T04:00:00Z"
    await arrived(workshop, "b")
    assert runs(workshop) == ["Definition"]
    await workshop.pass_time(days=5)
    assert runs(workshop) == ["Definition", "Schedule"], "the ticks that were missed are made good by one run"
    await trained(workshop)
    assert status(workshop)["ticks"]["next"] == "2026-01-07T04:00:00Z"


@pytest.mark.parametrize(
    ("triggers", "reason"),
    [
        ({"schedule": "0 0 31 2 *"}, None),
        ({"schedule": "22-4 * * * *"}, None),
        ({"timeZone": "Europe/Nowhere"}, "Unknown"),
    ],
)
async def test_schedule_that_cannot_be_is_told(workshop: Workshop, triggers: Any, reason: str | None) -> None:
    model(workshop, triggers={"schedule": "0 4 * * *"} | triggers)
    await workshop.settle()
    assert ready(workshop)[0] == "False"
    assert ready(workshop)[1] == ("UnknownTimeZone" if reason else "InvalidSchedule")


async def test_cool_down_holds_what_starts_by_itself_also_over_a_restart(workshop: Workshop) -> None:
    model(workshop, triggers=ANY, coolDown="2h")
    await workshop.settle()
    await trained(workshop)
    await arrived(workshop, "b")
    assert runs(workshop) == ["Definition"]
    assert ready(workshop)[:2] == ("True", "CoolingDown")
    assert status(workshop)["waiting"]["until"] == "2026-01-01T02:00:00Z"
    again = Workshop(workshop.kube, workshop.now)
    assert await again.look_at("RegisteredModel", "flights") == 7200
    await again.pass_time(hours=2)
    assert runs(again) == ["Definition", "NewData"]


async def test_budget_of_a_day_is_kept(workshop: Workshop) -> None:
    model(workshop, triggers=ANY, budget={"runsPerDay": 2})
    await workshop.settle()
    await trained(workshop)
    await workshop.pass_time(hours=1)
    for letter in "bcd":
        await arrived(workshop, letter)
        if len(runs(workshop)) == 2 and letter == "b":
            await trained(workshop)
    assert runs(workshop) == ["Definition", "NewData"]
    assert status(workshop)["waiting"]["until"] == "2026-01-02T00:00:00Z"
    assert ready(workshop)[1] == "OverBudget"
    await workshop.pass_time(hours=23)
    assert status(workshop)["history"][-1]["datasetVersion"][-1] == "d"


async def test_suspended_model_starts_nothing_and_makes_it_good_later(workshop: Workshop) -> None:
    model(workshop, suspend=True)
    await workshop.settle()
    assert (ready(workshop)[:2], workshop.names("TrainingRun")) == (("Unknown", "Suspended"), [])
    model(workshop)
    await workshop.settle()
    assert runs(workshop) == ["Definition"]


async def test_failed_run_is_told_and_not_repeated_until_something_changes(workshop: Workshop) -> None:
    model(workshop, triggers=ANY)
    await workshop.settle()
    await ended(workshop, None)
    assert ready(workshop)[:2] == ("False", "TrainFailed")
    assert "the column speed does not exist" in ready(workshop)[2]
    assert "Warning RunEnded" in workshop.events()
    await workshop.pass_time(days=1)
    assert runs(workshop) == ["Definition"]
    model(workshop, run=RUN | {"resources": {"limits": {"memory": "3Gi"}}}, triggers=ANY)
    await workshop.settle()
    assert runs(workshop) == ["Definition", "Definition"], "how it runs was changed after it had failed"
    await trained(workshop)
    await arrived(workshop, "b")
    await trained(workshop, MISSED)
    assert ready(workshop)[:2] == ("False", "GateFailed")
    assert ready(workshop)[2].endswith("flights-1 stays the latest")
    assert status(workshop)["latestVersion"] == "flights-1"


async def test_model_applied_anew_makes_none_of_its_past(workshop: Workshop) -> None:
    asked = {"modelward.dev/requested-at": "monday"}
    model(workshop, asked, triggers=ANY)
    await workshop.settle()
    await trained(workshop)
    for left in ("runs and versions", "versions"):
        workshop.kube.remove(API, "RegisteredModel", NAMESPACE, "flights")
        if left == "versions":
            for name in workshop.names("TrainingRun"):
                workshop.kube.remove(API, "TrainingRun", NAMESPACE, name)
        model(workshop, asked, triggers=ANY)
        await workshop.settle()
        assert len(status(workshop)["history"]) == 1, left
        assert ready(workshop)[:2] == ("True", "UpToDate")
    await arrived(workshop, "b")
    assert runs(workshop)[-1] == "NewData"


async def test_crash_at_any_write_makes_no_second_run_and_loses_none(workshop: Workshop) -> None:
    model(workshop, triggers=ANY)
    for _ in range(40):
        workshop.kube.crash_after = len(workshop.kube.writes) + 1
        try:
            await workshop.settle()
            break
        except Crash:
            continue
    workshop.kube.crash_after = None
    await workshop.settle()
    assert len(workshop.names("TrainingRun")) == 1
    assert runs(workshop) == ["Definition"]


async def test_run_that_somebody_deletes_is_over(workshop: Workshop) -> None:
    model(workshop)
    await workshop.settle()
    (name,) = workshop.names("TrainingRun")
    workshop.kube.remove(API, "TrainingRun", NAMESPACE, name)
    await workshop.settle()
    assert workshop.names("TrainingRun") == []
    assert ready(workshop)[:2] == ("False", "Deleted")


async def test_two_models_of_one_dataset_are_trained_each_for_itself(workshop: Workshop) -> None:
    model(workshop, triggers=ANY)
    other = {"name": "delays", "namespace": NAMESPACE}
    workshop.kube.put({"apiVersion": API, "kind": "RegisteredModel", "metadata": other, "spec": {"run": RUN}})
    await workshop.settle()
    assert sorted(name.rsplit("-", 1)[0] for name in workshop.names("TrainingRun")) == ["delays", "flights"]


async def test_old_runs_and_versions_that_nobody_uses_go(workshop: Workshop) -> None:
    keep = {"runs": 2, "versions": 2, "unverifiedVersions": 1}
    model(workshop, triggers=ANY, retention=keep)
    await workshop.settle()
    await trained(workshop)
    for letter in "bcdef":
        await arrived(workshop, letter)
        await trained(workshop, *([MISSED] if letter in "cd" else []))
    assert workshop.names("ModelVersion") == ["flights-4", "flights-5", "flights-6"]
    assert len(workshop.names("TrainingRun")) == 2
    assert len(runs(workshop)) == 6
