"""A TrainingRun's life: waits for its data, trains once, registers one version, and then is over."""

import pytest
from msgspec import UNSET

from modelward.clients.fake import Crash
from modelward.observe.queue import JOB_UID, QUEUE, WORKLOADS
from modelward_contracts.reports import GateResult
from modelward_contracts.tasks import TASK_FILE, ServingModel, TrainTask
from modelward_contracts.wire import decode

from .workshop import (
    API,
    NAMESPACE,
    RUNNING,
    Workshop,
    digest,
    ended,
    ingest_report,
    publish_report,
    said,
    waiting,
)

VERSION = "flights-" + "a" * 10
CONTAINER = {"image": "mine:1", "command": ["python", "-m", "flights.train"]}


@pytest.fixture
async def workshop() -> Workshop:
    """With a dataset that is Ready, and its Job out of the way."""
    workshop = Workshop()
    await prepare(workshop)
    return workshop


async def prepare(workshop: Workshop) -> None:
    workshop.dataset()
    await workshop.settle()
    job = workshop.job()
    workshop.succeed(ingest_report())
    await workshop.settle()
    workshop.kube.remove("batch/v1", "Job", NAMESPACE, job)
    workshop.kube.remove("v1", "ConfigMap", NAMESPACE, job)


def ready(workshop: Workshop, run: str = "flights-a") -> tuple[str, str, str]:
    found = workshop.condition("TrainingRun", run)
    assert found
    return found


async def trained(workshop: Workshop, *gates: GateResult) -> None:
    workshop.run()
    await workshop.settle()
    workshop.succeed(publish_report(gates=gates))
    await workshop.settle()


async def test_run_pins_its_data_before_it_trains(workshop: Workshop) -> None:
    before = len(workshop.kube.writes)
    workshop.run()
    await workshop.settle()
    job = workshop.job()
    assert workshop.kube.writes[before:] == [
        ("status", "TrainingRun", "flights-a"),
        ("create", "ConfigMap", job),
        ("create", "Job", job),
        ("create", "Event", workshop.kube.writes[-1][2]),
    ]
    status = workshop.status("TrainingRun", "flights-a")
    assert status["datasetVersion"] == {"name": VERSION, "digest": digest("a")}
    assert status["job"] == job
    assert ready(workshop) == ("Unknown", "Starting", f"Job {job} is starting")


async def test_run_applied_together_with_its_dataset_waits_for_it() -> None:
    workshop = Workshop()
    workshop.run()
    await workshop.settle()
    assert ready(workshop)[:2] == ("Unknown", "DatasetNotFound")
    workshop.dataset()
    await workshop.settle()
    assert ready(workshop)[:2] == ("Unknown", "DatasetNotReady")
    workshop.succeed(ingest_report())
    await workshop.settle()
    assert ready(workshop)[:2] == ("Unknown", "Starting")


async def test_run_waits_for_what_a_changed_dataset_brings(workshop: Workshop) -> None:
    workshop.dataset(prepare={"sql": "SELECT * FROM source"})
    workshop.run()
    await workshop.settle()
    assert ready(workshop)[:2] == ("Unknown", "DatasetNotReady")
    workshop.succeed(ingest_report(digest("e")))
    await workshop.settle()
    assert workshop.status("TrainingRun", "flights-a")["datasetVersion"]["digest"] == digest("e")


async def test_named_version_is_taken_whatever_the_dataset_does(workshop: Workshop) -> None:
    workshop.dataset(prepare={"sql": "SELECT * FROM source"})
    workshop.run(datasetRef={"name": "flights", "version": VERSION})
    await workshop.settle()
    assert workshop.status("TrainingRun", "flights-a")["datasetVersion"]["name"] == VERSION


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        ({"name": "flights", "version": "flights-0"}, ("Unknown", "VersionNotFound")),
        ({"name": "other", "version": VERSION}, ("False", "VersionMismatch")),
    ],
)
async def test_version_that_cannot_be_taken_is_told(
    workshop: Workshop, ref: dict[str, str], expected: tuple[str, str]
) -> None:
    workshop.run(datasetRef=ref)
    await workshop.settle()
    assert ready(workshop)[:2] == expected
    assert workshop.names("Job") == []


@pytest.mark.parametrize(("step", "reason"), [("fetch", "Fetching"), ("train", "Training"), ("publish", "Publishing")])
async def test_step_that_runs_is_shown(workshop: Workshop, step: str, reason: str) -> None:
    workshop.run()
    await workshop.settle()
    workshop.pod(workshop.job(), {step: RUNNING, "later": waiting("PodInitializing")}, phase="Running")
    await workshop.settle()
    assert ready(workshop) == ("Unknown", reason, f"step {step} of Job {workshop.job()} runs")


async def test_step_is_no_other_one_between_two_of_them(workshop: Workshop) -> None:
    workshop.run()
    await workshop.settle()
    between = {"fetch": ended(0), "train": waiting("PodInitializing"), "publish": waiting("PodInitializing")}
    workshop.pod(workshop.job(), between)
    await workshop.settle()
    assert ready(workshop)[1] == "Training"
    workshop.pod(workshop.job(), {step: ended(0) for step in between}, phase="Running")
    await workshop.settle()
    assert ready(workshop)[1] == "Publishing"


async def test_run_that_succeeds_registers_the_next_version_that_nobody_owns(workshop: Workshop) -> None:
    await trained(workshop)
    model = workshop.get("ModelVersion", "flights-1")
    assert "ownerReferences" not in model["metadata"]
    uid = workshop.get("TrainingRun", "flights-a")["metadata"]["uid"]
    assert model["metadata"]["labels"]["modelward.dev/run-uid"] == uid
    assert model["spec"]["lineage"]["datasetDigest"] == digest("a")
    assert ready(workshop) == ("True", "Registered", "flights-1 is registered: auc 0.9 on the test rows")
    complete = workshop.condition("TrainingRun", "flights-a", "Complete")
    assert complete
    assert complete[0] == "True"
    status = workshop.status("TrainingRun", "flights-a")
    assert (status["modelVersion"], status["metrics"]) == ("flights-1", {"auc": 0.9})
    assert workshop.events()[-2:] == ["Normal Started", "Normal Registered"]


async def test_second_run_registers_the_number_after_the_highest(workshop: Workshop) -> None:
    await trained(workshop)
    workshop.kube.remove("batch/v1", "Job", NAMESPACE, workshop.job())
    workshop.run("flights-b")
    await workshop.settle()
    workshop.succeed(publish_report(digest("f")))
    await workshop.settle()
    assert workshop.names("ModelVersion") == ["flights-1", "flights-2"]
    assert workshop.status("TrainingRun", "flights-b")["modelVersion"] == "flights-2"


async def test_number_that_another_run_takes_first_is_left_to_it(workshop: Workshop) -> None:
    workshop.run()
    await workshop.settle()
    workshop.succeed(publish_report())

    def taken(verb: str, kind: str, name: str) -> None:
        if (verb, kind, name) == ("create", "ModelVersion", "flights-1"):
            workshop.kube.recover()
            other = {"name": "flights-1", "namespace": NAMESPACE, "labels": {"modelward.dev/run-uid": "another"}}
            spec = {**workshop.get("TrainingRun", "flights-a")["spec"], **_version_spec()}
            workshop.kube.put({"apiVersion": API, "kind": "ModelVersion", "metadata": other, "spec": spec})

    workshop.kube.before_write = taken
    await workshop.settle()
    assert workshop.names("ModelVersion") == ["flights-1", "flights-2"]
    assert workshop.status("TrainingRun", "flights-a")["modelVersion"] == "flights-2"


def _version_spec() -> dict[str, object]:
    lineage = {"trainingRun": "b", "trainingRunUid": "another", "datasetVersion": VERSION}
    return {
        "modelName": "flights",
        "version": 1,
        "digest": digest("9"),
        "model": {"digest": digest("9"), "bytes": 1},
        "task": "classification",
        "signature": {"inputs": [], "outputs": []},
        "lineage": lineage | {"datasetDigest": digest("a"), "inputsHash": digest("9")},
    }


def serves(workshop: Workshop, name: str, letter: str, number: int, model: str = "flights") -> None:
    stable = {
        "revision": "abc",
        "modelVersion": f"{model}-{number}",
        "version": number,
        "digest": digest(letter),
        "image": "scoring:1",
        "since": "2026-01-01T00:00:00Z",
    }
    found = {"apiVersion": API, "kind": "ModelDeployment", "metadata": {"name": name, "namespace": NAMESPACE}}
    workshop.kube.put({**found, "spec": {"modelRef": {"name": model}}, "status": {"stable": stable}})


def told(workshop: Workshop) -> TrainTask:
    return decode(workshop.get("ConfigMap", workshop.job())["data"][TASK_FILE], TrainTask)


async def test_what_serves_is_pinned_when_the_run_starts(workshop: Workshop) -> None:
    serves(workshop, "shop", "1", 1)
    serves(workshop, "bank", "3", 3)
    serves(workshop, "bank-too", "3", 3)
    serves(workshop, "trains", "7", 7, model="trains")
    workshop.run(gates=[{"metric": "auc", "notWorseThan": "Serving"}])
    await workshop.settle()
    pinned = [{"version": "flights-3", "digest": digest("3")}, {"version": "flights-1", "digest": digest("1")}]
    assert workshop.status("TrainingRun", "flights-a")["serving"] == pinned
    serves(workshop, "shop", "4", 4)
    job = workshop.job()
    workshop.kube.remove("batch/v1", "Job", NAMESPACE, job)
    workshop.kube.remove("v1", "ConfigMap", NAMESPACE, job)
    await workshop.settle()
    assert told(workshop).serving == [ServingModel(**each) for each in pinned]


async def test_run_that_compares_with_nothing_pins_nothing(workshop: Workshop) -> None:
    serves(workshop, "shop", "1", 1)
    workshop.run(gates=[{"metric": "auc", "minimum": 0.7}])
    await workshop.settle()
    assert workshop.status("TrainingRun", "flights-a")["serving"] == []
    assert told(workshop).serving is UNSET


async def test_each_gate_is_told_with_its_numbers_by_run_and_version(workshop: Workshop) -> None:
    sentence = "auc is 0.71, flights-1 has 0.75 on the same rows: -0.04 (-0.05 to -0.03), it may be worse by 0.01"
    gate = GateResult(
        metric="auc",
        value=0.71,
        bound="not worse than flights-1 by more than 0.01",
        passed=False,
        message=sentence,
        against="flights-1",
        other=0.75,
        difference=-0.04,
        low=-0.05,
        high=-0.03,
        result="Failed",
    )
    await trained(workshop, gate)
    shown = {
        "metric": "auc",
        "value": 0.71,
        "bound": gate.bound,
        "passed": False,
        "result": "Failed",
        "message": sentence,
        "against": "flights-1",
        "other": 0.75,
        "difference": -0.04,
        "low": -0.05,
        "high": -0.03,
    }
    assert workshop.status("TrainingRun", "flights-a")["gates"] == [shown]
    assert workshop.get("ModelVersion", "flights-1")["spec"]["gates"] == [shown]
    assert ready(workshop) == ("False", "GateFailed", f"flights-1 is registered, and is not served: {sentence}")


async def test_first_gates_that_failed_are_named_and_the_others_counted(workshop: Workshop) -> None:
    missed = [GateResult(metric=f"m{n}", value=0.1, bound=">= 0.7", passed=False) for n in range(6)]
    await trained(workshop, *missed)
    message = ready(workshop)[2]
    assert "m3 is 0.1 and must be >= 0.7; and 2 more" in message
    assert "m4" not in message


async def test_version_that_misses_a_gate_is_registered_and_not_verified(workshop: Workshop) -> None:
    await trained(workshop, GateResult(metric="auc", value=0.68123, bound=">= 0.7", passed=False))
    missed = "auc is 0.6812 and must be >= 0.7"
    for condition in ("Ready", "Verified"):
        assert workshop.condition("ModelVersion", "flights-1", condition) == ("False", "GateFailed", missed)
    assert ready(workshop) == ("False", "GateFailed", f"flights-1 is registered, and is not served: {missed}")
    assert workshop.condition("TrainingRun", "flights-a", "Complete") is not None
    assert workshop.condition("TrainingRun", "flights-a", "Verified") == ("False", "GateFailed", missed)
    assert workshop.events()[-1] == "Warning GateFailed"


async def test_users_code_that_raises_is_told_in_one_sentence(workshop: Workshop) -> None:
    workshop.run(container=CONTAINER)
    await workshop.settle()
    log = "Traceback (most recent call last):\n  File …\nValueError: the column speed does not exist\n"
    workshop.fail("train", ended(1, log))
    await workshop.settle()
    sentence = "train exited with code 1: ValueError: the column speed does not exist; see kubectl logs "
    assert ready(workshop) == ("False", "TrainFailed", f"{sentence}{workshop.job()}-pod1 -c train")
    failed = workshop.condition("TrainingRun", "flights-a", "Failed")
    assert failed
    assert failed[:2] == ("True", "TrainFailed")


async def test_users_code_cannot_speak_as_one_of_our_steps(workshop: Workshop) -> None:
    workshop.run(container=CONTAINER)
    await workshop.settle()
    workshop.fail("train", said("StoreUnavailable", "try again", retryable=False))
    await workshop.settle()
    assert ready(workshop)[1] == "TrainFailed"


@pytest.mark.parametrize(
    ("container", "terminated", "why", "expected"),
    [
        ("publish", said("NoModel", "there is no model.onnx"), "", ("NoModel", "there is no model.onnx")),
        ("fetch", said("DigestMismatch", "bytes changed"), "", ("DigestMismatch", "bytes changed")),
        (
            "train",
            ended(137, reason="OOMKilled"),
            "",
            ("OOMKilled", "train ran out of memory (its limit is 2Gi): raise spec.resources.limits.memory"),
        ),
        (
            "train",
            ended(128, 'runc: unable to start container process: exec: "pythn": not found', reason="StartError"),
            "",
            ("StartError", 'train could not be started: exec: "pythn": not found'),
        ),
        (
            "train",
            ended(143),
            "DeadlineExceeded",
            ("DeadlineExceeded", "the Job was stopped after its activeDeadlineSeconds of 86400"),
        ),
    ],
)
async def test_failed_step_says_why(
    workshop: Workshop, container: str, terminated: dict[str, object], why: str, expected: tuple[str, str]
) -> None:
    workshop.run()
    await workshop.settle()
    workshop.fail(container, terminated, why or "PodFailurePolicy")
    await workshop.settle()
    assert ready(workshop) == ("False", *expected)
    assert workshop.events()[-1] == f"Warning {expected[0]}"


@pytest.mark.parametrize("outcome", ["Complete", "Failed"])
async def test_what_is_over_stays_over_when_job_and_pods_are_gone(workshop: Workshop, outcome: str) -> None:
    workshop.run()
    await workshop.settle()
    job = workshop.job()
    if outcome == "Complete":
        workshop.succeed(publish_report())
    else:
        workshop.fail("publish", said("InvalidModel", "it is no ONNX"))
    await workshop.settle()
    before = workshop.status("TrainingRun", "flights-a")
    for kind, version, name in [("Job", "batch/v1", job), ("ConfigMap", "v1", job), ("Pod", "v1", f"{job}-pod1")]:
        workshop.kube.remove(version, kind, NAMESPACE, name)
    writes = len(workshop.kube.writes)
    await workshop.pass_time(days=1)
    assert workshop.status("TrainingRun", "flights-a") == before
    assert len(workshop.kube.writes) == writes


async def test_job_that_was_taken_away_half_way_is_made_again(workshop: Workshop) -> None:
    workshop.run()
    await workshop.settle()
    job = workshop.job()
    workshop.kube.remove("batch/v1", "Job", NAMESPACE, job)
    await workshop.settle()
    assert workshop.job() == job


async def test_result_that_nobody_can_tell_is_trained_again(workshop: Workshop) -> None:
    workshop.run()
    await workshop.settle()
    workshop.succeed(publish_report(), pod=False)
    await workshop.settle()
    assert "Warning ResultLost" in workshop.events()
    assert workshop.get("Job", workshop.job()).get("status") is None
    workshop.succeed(publish_report())
    await workshop.settle()
    assert ready(workshop)[0] == "True"


async def test_report_is_printed_again_where_the_log_is_gone(workshop: Workshop) -> None:
    workshop.run()
    await workshop.settle()
    job = workshop.job()
    workshop.succeed(publish_report(), log=False)
    await workshop.settle()
    workshop.succeed(publish_report(), job=f"{job}-report")
    await workshop.settle()
    assert ready(workshop)[:2] == ("True", "Registered")


async def test_queued_job_is_shown_as_suspended_until_it_resumes(workshop: Workshop) -> None:
    workshop.run()
    await workshop.settle()
    job = workshop.get("Job", workshop.job())
    workshop.kube.put({**job, "spec": job["spec"] | {"suspend": True}})
    await workshop.settle()
    suspended = workshop.condition("TrainingRun", "flights-a", "Suspended")
    assert suspended
    assert suspended[0] == "True"
    assert ready(workshop)[:2] == ("Unknown", "Suspended")
    workshop.kube.put(job)
    await workshop.settle()
    assert workshop.condition("TrainingRun", "flights-a", "Suspended") == ("False", "Resumed", "")


async def test_run_that_a_queue_holds_tells_which_and_why(workshop: Workshop) -> None:
    workshop.run()
    await workshop.settle()
    job = workshop.get("Job", workshop.job())
    named = job["metadata"] | {"labels": job["metadata"]["labels"] | {QUEUE: "gpu"}}
    workshop.kube.put({**job, "metadata": named, "spec": job["spec"] | {"suspend": True}})
    waits = {"type": "QuotaReserved", "status": "False", "message": "insufficient unused quota for cpu"}
    metadata = {"name": "job-a", "namespace": named["namespace"], "labels": {JOB_UID: named["uid"]}}
    workload = {"apiVersion": WORKLOADS, "kind": "Workload", "metadata": metadata}
    workshop.kube.put(workload | {"status": {"conditions": [waits]}})
    await workshop.settle()
    told = f"Job {job['metadata']['name']} waits in queue gpu: insufficient unused quota for cpu"
    assert ready(workshop) == ("Unknown", "Queued", told)
    assert workshop.condition("TrainingRun", "flights-a", "Suspended") == ("True", "Queued", told)


async def test_children_go_with_the_run_and_nothing_else(workshop: Workshop) -> None:
    await trained(workshop)
    uid = workshop.get("TrainingRun", "flights-a")["metadata"]["uid"]
    owned = {
        (kind, name)
        for (_, kind, _, name), found in workshop.kube.objects.items()
        if any(owner["uid"] == uid for owner in found["metadata"].get("ownerReferences", []))
    }
    assert owned == {("Job", workshop.job()), ("ConfigMap", workshop.job())}


async def test_crash_before_any_write_ends_in_the_same_state() -> None:
    clean = Workshop()
    await prepare(clean)
    before = len(clean.kube.writes)
    await trained(clean)
    for nth in range(1, len(clean.kube.writes) - before + 1):
        crashed = Workshop()
        await prepare(crashed)
        crashed.kube.crash_before(nth)
        try:
            await trained(crashed)
        except Crash:
            crashed.kube.recover()
            await crashed.settle()
            if not crashed.names("ModelVersion"):
                crashed.succeed(publish_report())
                await crashed.settle()
        assert _story(crashed) == _story(clean), f"crash before write {nth}"


def _story(workshop: Workshop) -> object:
    names = {kind: workshop.names(kind) for kind in ("ModelVersion", "Job", "ConfigMap")}
    return len(names["Job"]), names["ModelVersion"], ready(workshop), workshop.condition("ModelVersion", "flights-1")


async def test_number_of_a_version_that_was_deleted_is_never_given_again(workshop: Workshop) -> None:
    await trained(workshop)
    workshop.kube.remove(API, "ModelVersion", NAMESPACE, "flights-1")
    workshop.kube.remove(API, "TrainingRun", NAMESPACE, "flights-a")
    workshop.kube.remove("batch/v1", "Job", NAMESPACE, workshop.job())
    workshop.run("flights-b")
    await workshop.settle()
    workshop.succeed(publish_report())
    await workshop.settle()
    assert workshop.names("ModelVersion") == ["flights-2"]


async def test_run_that_passed_its_gates_is_ready_and_verified(workshop: Workshop) -> None:
    await trained(workshop, GateResult(metric="auc", value=0.9, bound=">= 0.7", passed=True))
    assert ready(workshop) == ("True", "Registered", "flights-1 is registered: auc 0.9 on the test rows")
    verified = workshop.condition("TrainingRun", "flights-a", "Verified")
    assert verified == ("True", "GatesPassed", "auc 0.9 (>= 0.7)")


async def test_run_that_ended_under_an_earlier_operator_is_not_ready_if_it_missed_a_gate(workshop: Workshop) -> None:
    await trained(workshop, GateResult(metric="auc", value=0.6, bound=">= 0.7", passed=False))
    live = workshop.get("TrainingRun", "flights-a")
    kept = [c for c in live["status"]["conditions"] if c["type"] == "Complete"]
    before = [{**kept[0], "type": "Ready", "message": "flights-1 is registered, and is not Verified: …"}, *kept]
    workshop.kube.put({**live, "status": live["status"] | {"conditions": before}})
    events = workshop.events()
    await workshop.settle()
    assert ready(workshop)[:2] == ("False", "GateFailed")
    assert workshop.events() == events


async def test_result_of_a_run_comes_back_after_looks_that_failed(workshop: Workshop) -> None:
    await trained(workshop)
    result = ready(workshop)
    live = workshop.get("TrainingRun", "flights-a")
    failed = {"type": "Ready", "status": "Unknown", "reason": "ReconcileFailed", "message": "ValueError"}
    others = [c for c in live["status"]["conditions"] if c["type"] != "Ready"]
    workshop.kube.put({**live, "status": live["status"] | {"conditions": [failed, *others]}})
    await workshop.settle()
    assert ready(workshop) == result


async def test_run_in_a_clouds_identity_says_that_its_code_has_it_too(workshop: Workshop) -> None:
    allowed = workshop.settings.model_copy(update={"service_accounts": ("bucket-reader",)})
    other = Workshop(workshop.kube, workshop.now, allowed)
    other.run(pod={"serviceAccountName": "bucket-reader"})
    await other.settle()
    isolated = other.condition("TrainingRun", "flights-a", "Isolated")
    assert isolated
    assert isolated[:2] == ("False", "ServiceAccount")
    assert other.get("Job", other.job())["spec"]["template"]["spec"]["serviceAccountName"] == "bucket-reader"


async def test_run_as_an_account_that_is_not_allowed_waits_and_says_so(workshop: Workshop) -> None:
    workshop.run(pod={"serviceAccountName": "admin"})
    await workshop.settle()
    assert ready(workshop)[:2] == ("False", "ServiceAccountNotAllowed")
    assert workshop.names("Job") == []
