"""A TrainingRun that is suspended, followed, sampled, found trained already, or ends after its time to live."""

from typing import Any

import pytest

from modelward_contracts.reports import GateResult
from modelward_contracts.tasks import TrainTask
from modelward_contracts.wire import decode

from .test_training_run import CONTAINER, VERSION, prepare, ready
from .workshop import NAMESPACE, RUNNING, Workshop, digest, publish_report, said, waiting

PINNED = CONTAINER | {"image": "mine:1"}
CLAIM = "PersistentVolumeClaim"


@pytest.fixture
async def workshop() -> Workshop:
    workshop = Workshop()
    await prepare(workshop)
    return workshop


def gate(passed: bool = True, minimum: float = 0.7) -> GateResult:
    return GateResult(metric="auc", value=0.9, bound=f">= {minimum:g}", passed=passed)


def pods_end(workshop: Workshop) -> None:
    for name in workshop.names("Pod"):
        workshop.kube.remove("v1", "Pod", NAMESPACE, name)


def put_away(workshop: Workshop) -> None:
    """The Job with all that belongs to it."""
    job = workshop.job()
    for kind, version in (("Job", "batch/v1"), ("ConfigMap", "v1")):
        workshop.kube.remove(version, kind, NAMESPACE, job)
    pods_end(workshop)


async def trained(
    workshop: Workshop, name: str = "flights-a", *gates: GateResult, manifest: str = digest("b"), **spec: Any
) -> str:
    """The ModelVersion; the Job is out of the way."""
    workshop.run(name, **spec)
    await workshop.settle()
    workshop.succeed(publish_report(manifest, gates=gates, inputs=workshop.inputs(name)))
    await workshop.settle()
    put_away(workshop)
    return str(workshop.status("TrainingRun", name)["modelVersion"])


# suspend


async def test_run_that_is_suspended_from_the_start_makes_nothing_until_it_is_resumed(workshop: Workshop) -> None:
    workshop.run(suspend=True)
    await workshop.settle()
    assert workshop.names("Job") == []
    assert "datasetVersion" not in workshop.status("TrainingRun", "flights-a")
    assert ready(workshop)[:2] == ("Unknown", "Suspended")
    assert workshop.condition("TrainingRun", "flights-a", "Suspended") == ("True", "Suspended", "spec.suspend is true")
    workshop.edit("TrainingRun", "flights-a", suspend=False)
    await workshop.settle()
    assert workshop.job()
    assert workshop.condition("TrainingRun", "flights-a", "Suspended") == ("False", "Resumed", "")


async def test_run_that_is_suspended_while_it_trains_gives_its_job_up_and_starts_anew(workshop: Workshop) -> None:
    workshop.run()
    await workshop.settle()
    job, uid = workshop.job(), workshop.get("Job", workshop.job())["metadata"]["uid"]
    workshop.pod(job, {"fetch": RUNNING, "publish": waiting("PodInitializing")}, phase="Running")
    await workshop.settle()
    workshop.edit("TrainingRun", "flights-a", suspend=True)
    await workshop.settle()
    assert workshop.names("Job") == []
    assert ready(workshop)[:2] == ("Unknown", "Suspended")
    assert "the run starts anew" in ready(workshop)[2]
    assert workshop.events()[-1] == "Normal Suspended"
    workshop.edit("TrainingRun", "flights-a", suspend=False)
    await workshop.settle()
    assert workshop.job() == job
    assert workshop.get("Job", job)["metadata"]["uid"] != uid
    workshop.succeed(publish_report())
    await workshop.settle()
    assert ready(workshop)[:2] == ("True", "Registered")
    assert workshop.names("ModelVersion") == ["flights-1"]


async def test_pods_of_the_job_before_are_not_taken_for_those_of_the_one_after(workshop: Workshop) -> None:
    workshop.run()
    await workshop.settle()
    workshop.fail("fetch", said("DigestMismatch", "bytes changed"))
    pod = workshop.get("Pod", f"{workshop.job()}-pod1")
    pod["metadata"]["labels"]["batch.kubernetes.io/controller-uid"] = "another"
    workshop.kube.put(pod)
    workshop.finish(workshop.job(), "SuccessCriteriaMet")  # no end yet
    await workshop.settle()
    assert ready(workshop)[:2] == ("Unknown", "Starting")


@pytest.mark.parametrize("outcome", ["Complete", "Failed"])
async def test_suspending_a_run_that_is_over_changes_nothing(workshop: Workshop, outcome: str) -> None:
    workshop.run()
    await workshop.settle()
    if outcome == "Complete":
        workshop.succeed(publish_report())
    else:
        workshop.fail("publish", said("InvalidModel", "it is no ONNX"))
    await workshop.settle()
    before, jobs = ready(workshop), workshop.names("Job")
    workshop.edit("TrainingRun", "flights-a", suspend=True)
    await workshop.settle()
    assert (ready(workshop), workshop.names("Job")) == (before, jobs)
    assert workshop.condition("TrainingRun", "flights-a", "Suspended") is None


async def test_job_that_has_just_succeeded_is_registered_although_its_run_is_suspended(workshop: Workshop) -> None:
    workshop.run()
    await workshop.settle()
    workshop.succeed(publish_report())
    workshop.edit("TrainingRun", "flights-a", suspend=True)
    await workshop.settle()
    assert ready(workshop)[:2] == ("True", "Registered")


async def test_registered_model_waits_for_a_run_that_somebody_suspended(workshop: Workshop) -> None:
    run = {"datasetRef": {"name": "flights"}, "estimator": {"name": "Ridge"}}
    workshop._put("RegisteredModel", "flights", {"run": run})
    await workshop.settle()
    (name,) = workshop.names("TrainingRun")
    workshop.edit("TrainingRun", name, suspend=True)
    await workshop.settle()
    told = workshop.condition("RegisteredModel", "flights")
    message = f"{name} is suspended: no other run starts until it is resumed or deleted"
    assert told == ("Unknown", "RunSuspended", message)
    workshop._put("RegisteredModel", "flights", {"run": run | {"seed": 1}})
    await workshop.settle()
    assert workshop.names("TrainingRun") == [name]
    workshop.edit("TrainingRun", name, suspend=False)
    await workshop.settle()
    assert workshop.condition("RegisteredModel", "flights") is not None
    workshop.succeed(publish_report())
    await workshop.settle()
    assert len(workshop.names("TrainingRun")) == 2


# ttlSecondsAfterFinished


@pytest.mark.parametrize("ttl", [0, 60])
async def test_run_goes_after_its_time_to_live_and_its_version_stays(workshop: Workshop, ttl: int) -> None:
    workshop.run(ttlSecondsAfterFinished=ttl)
    await workshop.settle()
    workshop.succeed(publish_report())
    if ttl:
        await workshop.settle()
        assert await workshop.look_at("TrainingRun", "flights-a") == ttl
        await workshop.pass_time(seconds=ttl - 1)
        assert workshop.names("TrainingRun") == ["flights-a"]
    await workshop.pass_time(seconds=1)
    assert workshop.names("TrainingRun") == []
    assert workshop.names("ModelVersion") == ["flights-1"]


async def test_run_that_failed_goes_after_its_time_to_live(workshop: Workshop) -> None:
    workshop.run(ttlSecondsAfterFinished=5)
    await workshop.settle()
    workshop.fail("publish", said("InvalidModel", "it is no ONNX"))
    await workshop.settle()
    await workshop.pass_time(seconds=5)
    assert workshop.names("TrainingRun") == []


@pytest.mark.parametrize("failed", [False, True])
async def test_registered_model_hears_how_its_run_ended_before_that_goes(workshop: Workshop, failed: bool) -> None:
    run = {"datasetRef": {"name": "flights"}, "estimator": {"name": "Ridge"}, "ttlSecondsAfterFinished": 0}
    workshop._put("RegisteredModel", "flights", {"run": run})
    await workshop.settle()
    if failed:
        workshop.fail("publish", said("InvalidModel", "it is no ONNX"))
    else:
        workshop.succeed(publish_report())
    (name,) = workshop.names("TrainingRun")
    for _ in range(5):  # the run is looked at again and again, before its RegisteredModel is
        await workshop.look_at("TrainingRun", name)
    assert workshop.names("TrainingRun") == [name]
    await workshop.settle()
    await workshop.pass_time(seconds=2)
    assert workshop.names("TrainingRun") == []
    (record,) = workshop.status("RegisteredModel", "flights")["history"]
    assert record["result"] == ("InvalidModel" if failed else "Registered")
    assert record.get("modelVersion") == (None if failed else "flights-1")


# progress


def log(workshop: Workshop, step: str, *lines: str) -> None:
    workshop.kube.logs[NAMESPACE, f"{workshop.job()}-pod1", step] = "".join(f"{line}\n" for line in lines)


async def training(workshop: Workshop, **spec: Any) -> None:
    workshop.run(container=PINNED, **spec)
    await workshop.settle()
    states = {"fetch": {"terminated": {"exitCode": 0}}, "train": RUNNING, "publish": waiting("PodInitializing")}
    workshop.pod(workshop.job(), states, phase="Running")
    await workshop.settle()


def progress(workshop: Workshop) -> dict[str, Any]:
    found: dict[str, Any] = workshop.status("TrainingRun", "flights-a")["progress"]
    return found


async def test_progress_is_what_the_running_step_said_last(workshop: Workshop) -> None:
    await training(workshop)
    assert progress(workshop)["step"] == "train"
    log(
        workshop,
        "train",
        'modelward: {"kind":"Progress","message":"epoch 1","fraction":0.1}',
        "a library's warning",
        'modelward: {"kind":"Progress","message":"epoch 2","fraction":0.25,"metrics":{"auc":0.7}}',
        "modelward: {no json",
    )
    await workshop.pass_time(seconds=5)
    told = progress(workshop)
    assert (told["message"], told["fraction"], told["metrics"]) == ("epoch 2", 0.25, {"auc": 0.7})


async def test_progress_is_written_only_when_it_is_news_and_seldom(workshop: Workshop) -> None:
    await training(workshop)
    log(workshop, "train", 'modelward: {"kind":"Progress","fraction":0.1}')
    await workshop.pass_time(seconds=5)
    writes = len(workshop.kube.writes)
    await workshop.pass_time(seconds=60)
    assert len(workshop.kube.writes) == writes
    for tenth in range(20, 36):  # many a second
        log(workshop, "train", f'modelward: {{"kind":"Progress","fraction":0.{tenth}}}')
        await workshop.pass_time(seconds=0.2)
    assert len(workshop.kube.writes) - writes == 1


@pytest.mark.parametrize(("minutes", "seconds"), [(0, 5), (10, 30), (600, 60)])
async def test_log_of_a_long_run_is_read_less_often(workshop: Workshop, minutes: int, seconds: int) -> None:
    await training(workshop)
    await workshop.pass_time(minutes=minutes)
    assert await workshop.look_at("TrainingRun", "flights-a") == seconds


async def test_progress_of_a_failed_run_says_how_far_it_came_and_a_complete_one_needs_none(workshop: Workshop) -> None:
    await training(workshop)
    log(workshop, "train", 'modelward: {"kind":"Progress","fraction":0.4}')
    await workshop.pass_time(seconds=5)
    workshop.fail("train", {"terminated": {"exitCode": 1, "reason": "Error", "message": "KeyError: 'speed'"}})
    await workshop.settle()
    assert progress(workshop)["fraction"] == 0.4
    put_away(workshop)
    await trained(workshop, "flights-b")
    assert "progress" not in workshop.status("TrainingRun", "flights-b")


# tests before training


async def test_code_that_fails_its_tests_ends_the_run_with_their_last_lines(workshop: Workshop) -> None:
    workshop.run(container=PINNED, tests={"command": ["pytest", "-q"]})
    await workshop.settle()
    lines = "\n".join([*(f"line {n}" for n in range(30)), "FAILED test_features.py::test_speed", "1 failed, 3 passed"])
    workshop.fail("tests", {"terminated": {"exitCode": 1, "reason": "Error", "message": lines}})
    await workshop.settle()
    status, reason, message = ready(workshop)
    assert (status, reason) == ("False", "TestsFailed")
    assert "line 22 | line 23" in message
    assert "line 21" not in message
    assert "FAILED test_features.py::test_speed | 1 failed, 3 passed; see kubectl logs" in message


async def test_tests_that_run_are_shown(workshop: Workshop) -> None:
    workshop.run(container=PINNED, tests={"command": ["pytest"]})
    await workshop.settle()
    workshop.pod(workshop.job(), {"tests": RUNNING, "publish": waiting("PodInitializing")}, phase="Running")
    await workshop.settle()
    assert ready(workshop)[1] == "Testing"
    assert progress(workshop)["step"] == "tests"


# sample


async def test_dry_run_is_complete_and_registers_nothing(workshop: Workshop) -> None:
    workshop.run(sample=1000, gates=[{"metric": "auc", "minimum": 0.95}])
    await workshop.settle()
    job = workshop.job()
    assert decode(workshop.get("ConfigMap", job)["data"]["task.json"], TrainTask).sample == 1000
    workshop.succeed(publish_report(gates=(gate(False, 0.95),)))
    await workshop.settle()
    assert workshop.names("ModelVersion") == []
    status, reason, message = ready(workshop)
    assert (status, reason) == ("True", "Sampled")
    assert "at most 1000 rows of each split, and nothing is registered; auc 0.9 there" in message
    assert message.endswith("gates that these rows miss: auc >= 0.95")
    told = workshop.status("TrainingRun", "flights-a")
    assert (told["sample"], told["metrics"], told.get("modelVersion")) == (1000, {"auc": 0.9}, None)
    put_away(workshop)
    assert await trained(workshop, "flights-b") == "flights-1"


# the same inputs


async def test_run_with_the_same_inputs_is_complete_at_once_with_the_same_version(workshop: Workshop) -> None:
    await trained(workshop)
    workshop.run("flights-b")
    await workshop.settle()
    assert workshop.names("Job") == []
    status, reason, message = ready(workshop, "flights-b")
    assert (status, reason) == ("True", "AlreadyTrained")
    assert message == (
        "flights-1 was trained by flights-a from the same inputs: auc 0.9 on the test rows; "
        "a run with spec.retrain true trains it again"
    )
    told = workshop.status("TrainingRun", "flights-b")
    assert (told["modelVersion"], told["metrics"]) == ("flights-1", {"auc": 0.9})
    assert told["datasetVersion"]["name"] == VERSION
    assert workshop.names("ModelVersion") == ["flights-1"]


@pytest.mark.parametrize(
    "spec",
    [
        {"seed": 1},
        {"parameters": {"depth": 3}},
        {"estimator": {"name": "Ridge"}},
        {"modelName": "other"},
        {"retrain": True},
        {"sample": 100},
        {"gates": [{"metric": "auc", "minimum": 0.8}]},
    ],
    ids=lambda spec: next(iter(spec)),
)
async def test_run_with_anything_else_is_trained(workshop: Workshop, spec: dict[str, Any]) -> None:
    await trained(workshop)
    workshop.run("flights-b", **spec)
    await workshop.settle()
    assert len(workshop.names("Job")) == 1


@pytest.mark.parametrize(
    ("image", "known"),
    [
        ("mine", False),
        ("mine:latest", False),
        ("registry:5000/mine", False),
        ("mine:1", True),
        ("registry:5000/mine:1", True),
        ("mine@sha256:" + "a" * 64, True),
    ],
)
async def test_image_that_may_have_changed_is_not_taken_for_the_same(
    workshop: Workshop, image: str, known: bool
) -> None:
    await trained(workshop, container=CONTAINER | {"image": image})
    workshop.run("flights-b", container=CONTAINER | {"image": image})
    await workshop.settle()
    assert workshop.names("Job") == ([] if known else [workshop.status("TrainingRun", "flights-b")["job"]])


async def test_version_that_missed_the_same_gate_is_not_served_by_asking_again(workshop: Workshop) -> None:
    gates = [{"metric": "auc", "minimum": 0.95}]
    await trained(workshop, "flights-a", gate(False, 0.95), gates=gates)
    workshop.run("flights-b", gates=gates)
    await workshop.settle()
    assert workshop.names("Job") == []
    assert ready(workshop, "flights-b")[:2] == ("False", "GateFailed")


async def test_result_that_only_the_store_has_is_registered_and_its_job_taken_away(workshop: Workshop) -> None:
    workshop.run()
    await workshop.settle()
    workshop.find_stored(publish_report(inputs=workshop.inputs("flights-a")))
    await workshop.settle()
    assert ready(workshop)[:2] == ("True", "Registered")
    assert workshop.names("ModelVersion") == ["flights-1"]
    assert workshop.names("Job") == []


async def test_result_in_the_store_judged_by_other_gates_is_the_next_version(workshop: Workshop) -> None:
    await trained(workshop, "flights-a", gate(False, 0.95), gates=[{"metric": "auc", "minimum": 0.95}])
    workshop.run("flights-b", gates=[{"metric": "auc", "minimum": 0.7}])
    await workshop.settle()
    workshop.find_stored(publish_report(gates=(gate(),), inputs=workshop.inputs("flights-b")))
    await workshop.settle()
    assert workshop.status("TrainingRun", "flights-b")["modelVersion"] == "flights-2"
    assert ready(workshop, "flights-b")[:2] == ("True", "Registered")
    first, second = (workshop.get("ModelVersion", f"flights-{n}")["spec"] for n in (1, 2))
    assert first["digest"] == second["digest"]


async def test_result_in_the_store_that_is_a_version_already_takes_no_number(workshop: Workshop) -> None:
    for name, seed in (("flights-b", 0), ("flights-c", 5)):
        workshop.run(name, seed=seed)
    await workshop.settle()
    first, second = (str(workshop.status("TrainingRun", name)["job"]) for name in ("flights-b", "flights-c"))
    result = publish_report(inputs=workshop.inputs("flights-b"))
    workshop.succeed(result, job=second)
    await workshop.settle()
    workshop.find_stored(result, job=first)
    await workshop.settle()
    assert ready(workshop, "flights-b")[:2] == ("True", "AlreadyTrained")
    assert workshop.names("ModelVersion") == ["flights-1"]


async def test_definition_that_comes_back_is_the_newest_version_again(workshop: Workshop) -> None:
    cause = {"type": "Definition", "message": "spec.run was changed", "time": "2026-01-01T00:00:00Z"}
    await trained(workshop)
    await trained(workshop, "flights-b", manifest=digest("e"), seed=1)
    workshop.run("flights-c", cause=cause)
    await workshop.settle()
    workshop.find_stored(publish_report(inputs=workshop.inputs("flights-c")))
    await workshop.settle()
    assert workshop.status("TrainingRun", "flights-c")["modelVersion"] == "flights-3"
    assert workshop.get("ModelVersion", "flights-3")["spec"]["digest"] == digest("b")


async def test_run_that_a_person_asks_a_model_for_is_trained_whatever_there_is(workshop: Workshop) -> None:
    run = {"datasetRef": {"name": "flights"}, "estimator": {"name": "Ridge"}}
    workshop._put("RegisteredModel", "flights", {"run": run})
    await workshop.settle()
    (first,) = workshop.names("TrainingRun")
    workshop.succeed(publish_report(inputs=workshop.inputs(first)))
    await workshop.settle()
    put_away(workshop)
    workshop._put("RegisteredModel", "flights", {"run": run}, {"modelward.dev/requested-at": "now"})
    await workshop.settle()
    second = next(name for name in workshop.names("TrainingRun") if name != first)
    assert "retrain" not in workshop.get("TrainingRun", first)["spec"]
    assert workshop.get("TrainingRun", second)["spec"]["retrain"] is True
    assert len(workshop.names("Job")) == 1


# checkpoint


async def test_checkpoint_outlives_a_suspension_and_goes_with_the_result(workshop: Workshop) -> None:
    workshop.run(container=PINNED, checkpoint={"size": "1Gi", "storageClassName": "fast"})
    await workshop.settle()
    (claim,) = [name for name in workshop.names(CLAIM) if name != "modelward-store"]
    spec = workshop.get(CLAIM, claim)["spec"]
    assert (spec["resources"]["requests"]["storage"], spec["storageClassName"]) == ("1Gi", "fast")
    uid, job = workshop.get(CLAIM, claim)["metadata"]["uid"], workshop.job()
    workshop.pod(job, {"train": RUNNING, "publish": waiting("PodInitializing")}, phase="Running")
    workshop.edit("TrainingRun", "flights-a", suspend=True)
    await workshop.settle()
    assert "starts from its checkpoint" in ready(workshop)[2]
    workshop.edit("TrainingRun", "flights-a", suspend=False)
    await workshop.settle()
    assert workshop.names("Job") == [], "its pod still writes there"
    assert ready(workshop)[2] == f"waiting for pod {job}-pod1 to end: it still holds the run's volume"
    pods_end(workshop)
    await workshop.settle()
    assert workshop.get(CLAIM, claim)["metadata"]["uid"] == uid
    workshop.succeed(publish_report())
    await workshop.settle()
    assert ready(workshop)[:2] == ("True", "Registered")
    assert claim not in workshop.names(CLAIM)


async def test_checkpoint_of_a_failed_run_stays_as_long_as_the_run(workshop: Workshop) -> None:
    workshop.run(container=PINNED, checkpoint={"size": "1Gi"})
    await workshop.settle()
    workshop.fail("train", {"terminated": {"exitCode": 1, "reason": "Error"}})
    await workshop.settle()
    (claim,) = [name for name in workshop.names(CLAIM) if name != "modelward-store"]
    (owner,) = workshop.get(CLAIM, claim)["metadata"]["ownerReferences"]
    assert owner["uid"] == workshop.get("TrainingRun", "flights-a")["metadata"]["uid"]
