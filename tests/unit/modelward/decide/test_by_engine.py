"""A run that Kubeflow Trainer trains: what is made when, what is told of it, and what becomes of it."""

from typing import Any

import pytest

from modelward.decide.conditions import timestamp
from modelward.errors import Refused
from modelward.names import JOBSET, TRAINER, Manifest
from modelward.observe.engine import INDEX, MISSING
from modelward.observe.queue import JOB_UID, QUEUE, WORKLOADS
from modelward_contracts.reports import Termination
from modelward_contracts.tasks import Commit
from modelward_contracts.wire import canonical

from .test_training_run import CONTAINER, prepare, ready
from .workshop import NAMESPACE, RUNNING, SETTINGS, Workshop, ended, publish_report, said, waiting

ENGINE: dict[str, Any] = {"trainJob": {"runtimeRef": {"name": "torch-distributed"}, "nodes": 2}}
RUN: dict[str, Any] = {"container": CONTAINER | {"image": "mine:1"}, "engine": ENGINE}
RUNS: Manifest = {"state": {"running": {}}}


@pytest.fixture
async def workshop() -> Workshop:
    workshop = Workshop(settings=SETTINGS.model_copy(update={"engine_train_job": True}))
    await prepare(workshop)
    return workshop


def fetch(workshop: Workshop) -> str:
    (name,) = [name for name in workshop.names("Job") if "-fetch-" in name]
    return name


def train_job(workshop: Workshop) -> Manifest:
    (name,) = workshop.names("TrainJob")
    return workshop.get("TrainJob", name)


def fetched(workshop: Workshop, commit: Commit | None = None) -> None:
    done = Termination(result="Succeeded", reason="Fetched", message="fetched", commit=commit)
    workshop.pod(fetch(workshop), {"fetch": ended(0, canonical(done).decode())}, phase="Succeeded")
    workshop.finish(fetch(workshop), "Complete")


async def handed_over(workshop: Workshop, **spec: Any) -> None:
    workshop.run(**RUN | spec)
    await workshop.settle()
    fetched(workshop)
    await workshop.settle()


def node(workshop: Workshop, index: int, phase: str, state: Manifest = RUNS, **status: Any) -> None:
    found = train_job(workshop)
    (job,) = found["spec"]["runtimePatches"][0]["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"]
    labels = job["template"]["spec"]["template"]["metadata"]["labels"]
    name = found["metadata"]["name"]
    labels = {**labels, JOBSET: name, INDEX: str(index)}
    container = {"name": "node", "image": "mine:1", **state}
    metadata = {"name": f"{name}-node-0-{index}", "namespace": NAMESPACE, "labels": labels}
    metadata["creationTimestamp"] = timestamp(workshop.now)
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"containers": []}}
    workshop.kube.put({**pod, "status": {"phase": phase, "containerStatuses": [container], **status}})


def over(workshop: Workshop, type_: str, reason: str, message: str) -> None:
    condition = {"type": type_, "status": "True", "reason": reason, "message": message}
    workshop.kube.put({**train_job(workshop), "status": {"conditions": [condition]}})


async def trained(workshop: Workshop, **spec: Any) -> None:
    await handed_over(workshop, **spec)
    for index in (0, 1):
        node(workshop, index, "Succeeded", {"state": ended(0)})
    over(workshop, "Complete", "AllJobsCompleted", "jobset completed successfully")
    await workshop.settle()


async def test_volume_and_fetch_come_first_then_the_train_job_then_the_job_that_publishes(workshop: Workshop) -> None:
    workshop.run(**RUN)
    await workshop.settle()
    (claim,) = [name for name in workshop.names("PersistentVolumeClaim") if name.startswith("flights-a")]
    assert workshop.names("Job") == [fetch(workshop)]
    assert workshop.names("TrainJob") == []
    assert ready(workshop) == ("Unknown", "Starting", f"Job {fetch(workshop)} is starting")
    fetched(workshop)
    await workshop.settle()
    name = train_job(workshop)["metadata"]["name"]
    assert ready(workshop) == ("Unknown", "Starting", f"TrainJob {name} is starting")
    assert workshop.events()[-1] == "Normal HandedOver"
    assert workshop.names("Job") == [fetch(workshop)]
    over(workshop, "Complete", "AllJobsCompleted", "jobset completed successfully")
    await workshop.settle()
    job = workshop.status("TrainingRun", "flights-a")["job"]
    assert workshop.names("Job") == [fetch(workshop), job]
    workshop.succeed(publish_report(), job)
    await workshop.settle()
    assert ready(workshop)[:2] == ("True", "Registered")
    assert claim not in workshop.names("PersistentVolumeClaim")
    lineage = workshop.get("ModelVersion", "flights-1")["spec"]["lineage"]
    assert lineage["trainedAs"]["engine"]["trainJob"]["nodes"] == 2


async def test_nodes_and_progress_of_the_first_are_told(workshop: Workshop) -> None:
    await handed_over(workshop)
    node(workshop, 0, "Running")
    node(workshop, 1, "Pending", {"state": {}})
    first = f"{train_job(workshop)['metadata']['name']}-node-0-0"
    line = 'modelward: {"kind": "Progress", "fraction": 0.5, "message": "epoch 5 of 10"}\n'
    workshop.kube.logs[NAMESPACE, first, "node"] = line
    await workshop.settle()
    assert ready(workshop)[1] == "Training"
    status = workshop.status("TrainingRun", "flights-a")
    assert status["engine"]["summary"] == "1/2 running"
    assert (status["progress"]["step"], status["progress"]["fraction"]) == ("train", 0.5)
    assert await workshop.look_at("TrainingRun", "flights-a") == 5.0


async def test_nodes_that_still_run_are_waited_for_before_anything_is_published(workshop: Workshop) -> None:
    await handed_over(workshop)
    node(workshop, 0, "Succeeded", {"state": ended(0)})
    node(workshop, 1, "Running")
    over(workshop, "Complete", "AllJobsCompleted", "jobset completed successfully")
    await workshop.settle()
    assert workshop.names("Job") == [fetch(workshop)]
    assert "node-0-1 of TrainJob" in ready(workshop)[2]
    node(workshop, 1, "Failed", {"state": ended(143)})
    await workshop.settle()
    assert len(workshop.names("Job")) == 2


@pytest.mark.parametrize("in_the_log", [False, True])
async def test_what_a_node_failed_of_is_told_with_trainers_own_words(workshop: Workshop, in_the_log: bool) -> None:
    """Of runtimes that put the log's end into the termination message, and of those that do not."""
    await handed_over(workshop)
    said = "Traceback\nValueError: no such column\n"
    node(workshop, 0, "Failed", {"state": ended(1, "" if in_the_log else said)})
    if in_the_log:
        workshop.kube.logs[NAMESPACE, f"{train_job(workshop)['metadata']['name']}-node-0-0", "node"] = said
    over(workshop, "Failed", "FailedJobs", "jobset failed due to one or more job failures")
    await workshop.settle()
    _, reason, message = ready(workshop)
    assert reason == "TrainFailed"
    assert message.startswith("node exited with code 1: ValueError: no such column; see kubectl logs ")
    assert message.endswith("failed (FailedJobs): jobset failed due to one or more job failures")
    assert workshop.condition("TrainingRun", "flights-a", "Failed")
    assert workshop.status("TrainingRun", "flights-a")["engine"]["failed"] == 1


@pytest.mark.parametrize(
    ("reason", "told"), [("DeadlineExceeded", "DeadlineExceeded"), ("TrainingRuntimeNotSupported", "TrainFailed")]
)
async def test_failure_without_a_pod_is_in_trainers_words(workshop: Workshop, reason: str, told: str) -> None:
    await handed_over(workshop)
    over(workshop, "Failed", reason, "it is so")
    await workshop.settle()
    assert ready(workshop)[1] == told
    assert ready(workshop)[2].endswith(f"failed ({reason}): it is so")


async def test_memory_that_a_node_lacks_is_told_with_the_field_to_raise(workshop: Workshop) -> None:
    await handed_over(workshop, resources={"limits": {"memory": "1Gi"}})
    node(workshop, 0, "Failed", {"state": ended(137, reason="OOMKilled")})
    over(workshop, "Failed", "FailedJobs", "jobset failed")
    await workshop.settle()
    assert ready(workshop)[1] == "OOMKilled"
    assert "set spec.resources.limits.memory" in ready(workshop)[2]


async def test_image_that_a_node_cannot_pull_is_told(workshop: Workshop) -> None:
    await handed_over(workshop)
    node(workshop, 0, "Running")
    node(workshop, 1, "Pending", {"state": waiting("ImagePullBackOff", "no such tag")})
    await workshop.settle()
    assert ready(workshop) == ("False", "ImagePullBackOff", "the image mine:1 cannot be pulled: no such tag")


async def test_train_job_without_pods_asks_for_its_controller_after_a_minute(workshop: Workshop) -> None:
    await handed_over(workshop)
    found = train_job(workshop)
    found["metadata"]["creationTimestamp"] = timestamp(workshop.now)
    workshop.kube.put(found)
    await workshop.settle()
    assert ready(workshop)[1] == "Starting"
    await workshop.pass_time(seconds=61)
    assert ready(workshop)[1] == "NoPod"
    assert "is Kubeflow Trainer's controller running" in ready(workshop)[2]


async def test_queue_that_holds_the_train_job_is_told_in_kueues_words(workshop: Workshop) -> None:
    await handed_over(workshop)
    found = train_job(workshop)
    found["metadata"]["labels"][QUEUE] = "gpu"
    workshop.kube.put({**found, "spec": found["spec"] | {"suspend": True}})
    condition = {"type": "QuotaReserved", "status": "False", "message": "insufficient quota for nvidia.com/gpu"}
    metadata = {"name": "w", "namespace": NAMESPACE, "labels": {JOB_UID: found["metadata"]["uid"]}}
    workload = {"apiVersion": WORKLOADS, "kind": "Workload", "metadata": metadata}
    workshop.kube.put({**workload, "status": {"conditions": [condition]}})
    await workshop.settle()
    name = found["metadata"]["name"]
    words = f"TrainJob {name} waits in queue gpu: insufficient quota for nvidia.com/gpu"
    assert ready(workshop) == ("Unknown", "Queued", words)
    assert workshop.condition("TrainingRun", "flights-a", "Suspended") == ("True", "Queued", words)


async def test_suspended_while_it_trains_gives_the_train_job_up_and_keeps_the_volume(workshop: Workshop) -> None:
    await handed_over(workshop)
    node(workshop, 0, "Running")
    workshop.edit("TrainingRun", "flights-a", suspend=True)
    await workshop.settle()
    assert (workshop.names("TrainJob"), workshop.names("Job")) == ([], [])
    assert any(name.startswith("flights-a-engine-") for name in workshop.names("PersistentVolumeClaim"))
    assert "from its checkpoint" in ready(workshop)[2]
    workshop.edit("TrainingRun", "flights-a", suspend=False)
    await workshop.settle()
    assert "it still holds the run's volume" in ready(workshop)[2]
    (pod,) = [name for name in workshop.names("Pod") if "-node-" in name]
    workshop.kube.remove("v1", "Pod", NAMESPACE, pod)
    await workshop.settle()
    assert workshop.names("Job") == [fetch(workshop)]


async def test_what_was_trained_is_kept_when_the_run_is_suspended_before_it_is_published(workshop: Workshop) -> None:
    await trained(workshop)
    job = workshop.status("TrainingRun", "flights-a")["job"]
    workshop.edit("TrainingRun", "flights-a", suspend=True)
    await workshop.settle()
    assert job not in workshop.names("Job")
    assert workshop.names("TrainJob")
    workshop.edit("TrainingRun", "flights-a", suspend=False)
    await workshop.settle()
    assert job in workshop.names("Job")


async def test_fetch_that_fails_ends_the_run(workshop: Workshop) -> None:
    workshop.run(**RUN)
    await workshop.settle()
    workshop.pod(fetch(workshop), {"fetch": said("DigestMismatch", "bytes changed")}, phase="Failed")
    workshop.finish(fetch(workshop), "Failed", "PodFailurePolicy")
    await workshop.settle()
    assert ready(workshop) == ("False", "DigestMismatch", "bytes changed")
    assert workshop.names("TrainJob") == []


async def test_result_that_fetch_finds_in_the_store_is_registered_and_nothing_trained(workshop: Workshop) -> None:
    workshop.run(**RUN)
    await workshop.settle()
    workshop.find_stored(publish_report(), fetch(workshop))
    await workshop.settle()
    assert ready(workshop)[:2] == ("True", "Registered")
    assert workshop.names("TrainJob") == []
    assert not [name for name in workshop.names("PersistentVolumeClaim") if name.startswith("flights-a")]


async def test_result_that_is_lost_is_trained_again(workshop: Workshop) -> None:
    await trained(workshop)
    workshop.succeed(publish_report(), workshop.status("TrainingRun", "flights-a")["job"], pod=False, log=False)
    await workshop.look()
    assert ready(workshop)[1] == "ResultLost"
    assert (workshop.names("TrainJob"), workshop.names("Job")) == ([], [])


async def test_where_the_cluster_knows_no_train_job_the_run_waits(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = workshop.kube.list

    async def without(api_version: str, *question: Any, **more: Any) -> Any:
        if api_version == TRAINER:
            raise Refused("404", "the server could not find the requested resource")
        return await listed(api_version, *question, **more)

    monkeypatch.setattr(workshop.kube, "list", without)
    workshop.run(**RUN)
    await workshop.settle()
    assert ready(workshop) == ("False", "EngineMissing", MISSING)
    assert await workshop.look_at("TrainingRun", "flights-a") == 30.0
    monkeypatch.undo()
    await workshop.settle()
    assert ready(workshop)[1] == "Starting"


async def test_where_the_installation_has_no_engine_the_run_says_what_to_set() -> None:
    workshop = Workshop()
    await prepare(workshop)
    workshop.run(**RUN)
    await workshop.settle()
    assert ready(workshop)[:2] == ("False", "EngineNotEnabled")
    assert "set engines.trainJob to true in the chart's values" in ready(workshop)[2]
    assert workshop.names("Job") == []


async def test_step_before_and_after_is_told_like_any_other(workshop: Workshop) -> None:
    workshop.run(**RUN)
    await workshop.settle()
    workshop.pod(fetch(workshop), {"fetch": RUNNING}, phase="Running")
    await workshop.settle()
    assert ready(workshop) == ("Unknown", "Fetching", f"step fetch of Job {fetch(workshop)} runs")
    workshop.kube.remove("v1", "Pod", NAMESPACE, f"{fetch(workshop)}-pod1")
    fetched(workshop, Commit(commit="a" * 40))
    await workshop.settle()
    over(workshop, "Complete", "AllJobsCompleted", "done")
    await workshop.settle()
    job = workshop.status("TrainingRun", "flights-a")["job"]
    workshop.pod(job, {"publish": RUNNING}, phase="Running")
    await workshop.settle()
    assert ready(workshop) == ("Unknown", "Publishing", f"step publish of Job {job} runs")
