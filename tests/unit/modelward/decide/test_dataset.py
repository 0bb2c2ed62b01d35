"""A Dataset's life: ingested, looked at again, changed, failed, tried again."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from modelward.api import DatasetVersion
from modelward.clients.fake import Crash
from modelward.decide.dataset_version import DatasetVersionObserved
from modelward.decide.dataset_version import decide as decide_version
from modelward_contracts.manifests import Boundaries, Column, Csv

from .workshop import NAMESPACE, RUNNING, SETTINGS, Workshop, digest, ended, ingest_report, said, waiting

VERSION = "flights-" + "a" * 10
RAW_CLAIM = {"name": "raw", "namespace": NAMESPACE}


@pytest.fixture
async def workshop() -> Workshop:
    return Workshop()


async def ingested(workshop: Workshop, **spec: Any) -> Workshop:
    workshop.dataset(**spec)
    await workshop.settle()
    workshop.succeed(ingest_report())
    await workshop.settle()
    return workshop


async def test_what_ingest_tells_is_shown_and_told_once(workshop: Workshop) -> None:
    csv = Csv(
        header=True,
        delimiter=";",
        quote='"',
        encoding="utf-8",
        decimal=",",
        thousands="",
        null_values=["-999"],
        skip_lines=0,
        comment="",
        guessed=["delimiter", "decimal"],
    )
    column = Column(name="late", type="integer", nullable=False, guessed=True)
    report = msgspec.structs.replace(ingest_report(), csv=csv, columns=[column], warnings=["z is odd"], id="key")
    workshop.dataset()
    await workshop.settle()
    workshop.succeed(report)
    await workshop.settle()
    assert workshop.condition("Dataset", "flights") == ("True", "Ingested", f"{VERSION}: 10 rows of 1 file; z is odd")
    assert workshop.events() == ["Normal VersionCreated", "Warning LookAtData"]
    version = await workshop.kube.get("modelward.dev/v1alpha1", "DatasetVersion", NAMESPACE, VERSION)
    assert version
    assert version["spec"]["csv"] == msgspec.to_builtins(csv)
    assert version["spec"]["csv"]["nullValues"] == ["-999"]
    assert (version["spec"]["id"], version["spec"]["warnings"]) == ("key", ["z is odd"])
    assert version["spec"]["columns"] == [{"name": "late", "type": "integer", "nullable": False, "guessed": True}]
    parsed = DatasetVersion.model_validate(version)
    plan = decide_version(DatasetVersionObserved(parsed), SETTINGS, datetime.now(UTC))
    assert plan.status
    said = plan.status.conditions[0].message
    assert "delimiter ';' (guessed), encoding 'utf-8', decimal ',' (guessed), the types of 1 of 1 columns" in said
    assert said.endswith("; z is odd")


async def test_how_files_were_read_is_told_of_each_where_they_differ(workshop: Workshop) -> None:
    csv = Csv(
        header=True, delimiter=",", other_delimiters=[";", "\t"], quote='"', encoding="utf-8",
        other_encodings=["utf-16"], decimal=".", thousands="", null_values=[], skip_lines=0, comment="",
        guessed=["delimiter"],
    )  # fmt: skip
    workshop.dataset()
    await workshop.settle()
    workshop.succeed(msgspec.structs.replace(ingest_report(), csv=csv))
    await workshop.settle()
    version = await workshop.kube.get("modelward.dev/v1alpha1", "DatasetVersion", NAMESPACE, VERSION)
    assert version
    assert version["spec"]["csv"] == msgspec.to_builtins(csv)
    plan = decide_version(DatasetVersionObserved(DatasetVersion.model_validate(version)), SETTINGS, datetime.now(UTC))
    assert plan.status
    said = plan.status.conditions[0].message
    assert "delimiters ',', ';' and '\\t', file by file (guessed), encodings 'utf-8' and 'utf-16', file by file" in said


async def test_new_dataset_is_remembered_before_its_job_is_made(workshop: Workshop) -> None:
    workshop.dataset()
    await workshop.settle()
    job = workshop.job()
    assert workshop.kube.writes == [
        ("status", "Dataset", "flights"),
        ("create", "PersistentVolumeClaim", "modelward-store"),
        ("create", "ConfigMap", job),
        ("create", "Job", job),
    ]
    assert workshop.status("Dataset", "flights")["ingest"]["job"] == job
    assert workshop.condition("Dataset", "flights") == ("Unknown", "Ingesting", f"Job {job} reads the source")


async def test_ingest_that_succeeds_becomes_a_version_that_nobody_owns(workshop: Workshop) -> None:
    await ingested(workshop)
    assert workshop.condition("Dataset", "flights") == ("True", "Ingested", f"{VERSION}: 10 rows of 1 file")
    assert workshop.status("Dataset", "flights")["latestVersion"]["name"] == VERSION
    version = workshop.get("DatasetVersion", VERSION)
    assert "ownerReferences" not in version["metadata"]
    assert version["spec"]["digest"] == digest("a")
    assert workshop.condition("DatasetVersion", VERSION) == (
        "True",
        "Stored",
        "10 rows: 8 to train on, 1 for validation, 1 for test",
    )
    assert workshop.events() == ["Normal VersionCreated"]


async def test_changed_spec_is_ingested_anew_and_the_old_version_stays(workshop: Workshop) -> None:
    await ingested(workshop)
    first = workshop.job()
    await workshop.pass_time(minutes=1)
    workshop.dataset(prepare={"sql": "SELECT * FROM source"})
    await workshop.settle()
    second = workshop.job()
    assert second != first
    assert first not in workshop.names("ConfigMap")
    assert workshop.status("Dataset", "flights")["latestVersion"]["name"] == VERSION
    ready = workshop.condition("Dataset", "flights")
    assert ready == ("Unknown", "Ingesting", f"Job {second} reads the source; {VERSION} stays in service")
    workshop.succeed(ingest_report(digest("b")))
    await workshop.settle()
    assert workshop.get("DatasetVersion", "flights-bbbbbbbbbb")["spec"]["parent"] == VERSION


async def test_spec_changed_during_an_ingest_supersedes_it(workshop: Workshop) -> None:
    workshop.dataset()
    await workshop.settle()
    first = workshop.job()
    await workshop.pass_time(seconds=5)
    workshop.dataset(prepare={"sql": "SELECT * FROM source"})
    await workshop.settle()
    assert workshop.job() != first
    assert workshop.names("DatasetVersion") == []


async def test_interval_looks_again_while_the_dataset_stays_ready(workshop: Workshop) -> None:
    await ingested(workshop, interval="1h")
    first, ready = workshop.job(), workshop.condition("Dataset", "flights")
    assert await workshop.look_at("Dataset", "flights") == 3600
    await workshop.pass_time(hours=1)
    assert workshop.job() != first
    assert workshop.condition("Dataset", "flights") == ready
    before = workshop.status("Dataset", "flights")["latestVersion"]
    workshop.succeed(ingest_report())
    await workshop.settle()
    assert workshop.status("Dataset", "flights")["latestVersion"] == before
    assert workshop.events() == ["Normal VersionCreated", "Normal Unchanged"]


@pytest.mark.parametrize("change", [{"interval": "2h"}, {"suspend": True}])
async def test_when_to_look_is_no_reason_to_ingest(workshop: Workshop, change: dict[str, Any]) -> None:
    await ingested(workshop)
    job = workshop.job()
    workshop.dataset(**change)
    await workshop.settle()
    assert workshop.job() == job
    assert workshop.condition("Dataset", "flights", "Ready") == ("True", "Ingested", f"{VERSION}: 10 rows of 1 file")
    assert workshop.status("Dataset", "flights")["observedGeneration"] == 2


async def test_annotation_requests_an_ingest(workshop: Workshop) -> None:
    await ingested(workshop)
    job = workshop.job()
    workshop.dataset(annotations={"modelward.dev/requested-at": "now"})
    await workshop.settle()
    assert workshop.job() != job


async def test_suspended_dataset_holds_until_it_is_resumed(workshop: Workshop) -> None:
    workshop.dataset(suspend=True)
    await workshop.settle()
    assert workshop.names("Job") == []
    ready = workshop.condition("Dataset", "flights")
    assert ready == ("Unknown", "Suspended", "no ingest is started while spec.suspend is true")
    workshop.dataset()
    await workshop.settle()
    assert workshop.job()


async def test_bad_data_fails_for_good_and_leaves_the_last_version(workshop: Workshop) -> None:
    await ingested(workshop)
    await workshop.pass_time(minutes=1)
    workshop.dataset(columns={"label": "lat"})
    await workshop.settle()
    job = workshop.job()
    workshop.fail("ingest", said("ColumnMissing", "columns.label: there is no column 'lat'"))
    await workshop.settle()
    ready = ("False", "ColumnMissing", f"columns.label: there is no column 'lat'; {VERSION} stays in service")
    assert workshop.condition("Dataset", "flights") == ready
    assert workshop.events()[-1] == "Warning ColumnMissing"
    workshop.kube.remove("batch/v1", "Job", NAMESPACE, job)
    await workshop.pass_time(days=1)
    assert workshop.names("Job") == []
    assert workshop.condition("Dataset", "flights") == ready


async def test_store_that_is_full_is_told_while_the_job_retries_and_after(workshop: Workshop) -> None:
    workshop.dataset()
    await workshop.settle()
    first = workshop.job()
    full = said("StoreFull", "no space left", retryable=True)
    workshop.pod(first, {"ingest": full}, phase="Failed")
    await workshop.settle()
    assert workshop.condition("Dataset", "flights") == ("False", "StoreFull", "no space left; it is tried again")
    workshop.pod(first, {"ingest": RUNNING}, phase="Running", number=2)
    await workshop.settle()
    assert workshop.condition("Dataset", "flights") == ("False", "StoreFull", "no space left; it is tried again")
    workshop.finish(first, "Failed", "BackoffLimitExceeded")
    await workshop.settle()
    assert await workshop.look_at("Dataset", "flights") == 300
    await workshop.pass_time(minutes=5)
    assert workshop.job() != first
    workshop.succeed(ingest_report())
    await workshop.settle()
    assert workshop.condition("Dataset", "flights", "Ready") == ("True", "Ingested", f"{VERSION}: 10 rows of 1 file")
    assert workshop.events() == ["Warning StoreFull", "Normal VersionCreated"]


async def test_image_that_cannot_be_pulled_is_told_once(workshop: Workshop) -> None:
    workshop.dataset()
    await workshop.settle()
    for reason, message in [
        ("ErrImagePull", "image:1: not found"),
        ("ImagePullBackOff", 'Back-off pulling image "image:1": ErrImagePull: image:1: not found'),
        ("ErrImagePull", "image:1: not found"),
    ]:
        workshop.pod(workshop.job(), {"ingest": waiting(reason, message)})
        await workshop.settle()
        ready = workshop.condition("Dataset", "flights")
        assert ready == ("False", "ImagePullBackOff", "the image image:1 cannot be pulled: image:1: not found")
    assert workshop.events() == ["Warning ImagePullBackOff"]


async def test_claim_is_told_only_when_it_is_not_bound_within_seconds(workshop: Workshop) -> None:
    workshop.dataset(source={"pvc": {"claimName": "raw"}})
    await workshop.settle()
    condition = {
        "type": "PodScheduled",
        "status": "False",
        "reason": "Unschedulable",
        "message": "pod has unbound immediate PersistentVolumeClaims",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    workshop.pod(workshop.job(), {}, conditions=[condition])
    workshop.kube.put({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": RAW_CLAIM})
    assert await workshop.look_at("Dataset", "flights") == 10
    assert workshop.condition("Dataset", "flights", "Ready") is not None
    assert workshop.events() == []
    await workshop.pass_time(seconds=10)
    pod = f"{workshop.job()}-pod1"
    sentence = f"no node takes pod {pod}: pod has unbound immediate PersistentVolumeClaims"
    assert workshop.condition("Dataset", "flights") == ("False", "Unschedulable", sentence)
    workshop.kube.remove("v1", "PersistentVolumeClaim", NAMESPACE, "raw")
    await workshop.settle()
    missing = "the PersistentVolumeClaim raw does not exist in this namespace"
    hint = f"{missing}: create it, or correct spec.source.pvc.claimName"
    assert workshop.condition("Dataset", "flights") == ("False", "SourceClaimNotFound", hint)


@pytest.mark.parametrize(
    ("kubelet", "what"),
    [
        ('secret "modelward-pii" not found', "which does not exist in this namespace"),
        ("couldn't find key salt in Secret ns/modelward-pii", "which has no key salt"),
    ],
)
async def test_salt_that_is_missing_is_named_and_the_ingest_goes_on_when_it_comes(
    workshop: Workshop, kubelet: str, what: str
) -> None:
    workshop.dataset(columns={"label": "late", "pii": {"customer": "Hash"}})
    await workshop.settle()
    job = workshop.job()
    workshop.pod(job, {"ingest": waiting("CreateContainerConfigError", kubelet)})
    await workshop.settle()
    condition = workshop.condition("Dataset", "flights")
    assert condition
    assert condition[:2] == ("False", "SecretNotFound")
    assert f"the Secret modelward-pii, {what}: `kubectl create secret generic modelward-pii" in condition[2]
    workshop.pod(job, {"ingest": RUNNING}, phase="Running")
    await workshop.settle()
    assert (workshop.condition("Dataset", "flights") or "")[1] == "Ingesting"


async def test_group_and_where_newest_rows_are_held_out_stand_in_version_and_message(workshop: Workshop) -> None:
    columns = {"label": "late", "time": "hour", "group": "plane"}
    workshop.dataset(columns=columns, splits={"by": "time"})
    await workshop.settle()
    held_out = Boundaries(validation="2013-10-01 00:00:00", test="2013-11-01 00:00:00")
    workshop.succeed(msgspec.structs.replace(ingest_report(), boundaries=held_out))
    await workshop.settle()
    (version,) = workshop.names("DatasetVersion")
    spec = workshop.get("DatasetVersion", version)["spec"]
    assert (spec["group"], spec["splitBoundaries"]) == (
        "plane",
        {"validation": held_out.validation, "test": held_out.test},
    )
    condition = workshop.condition("Dataset", "flights")
    assert condition
    assert condition[2].endswith("validation from 2013-10-01 00:00:00 and test from 2013-11-01 00:00:00 on")


async def test_report_is_printed_again_where_the_log_is_gone(workshop: Workshop) -> None:
    workshop.dataset()
    await workshop.settle()
    job = workshop.job()
    workshop.succeed(ingest_report(), log=False)
    await workshop.settle()
    assert workshop.names("Job") == [job, f"{job}-report"]
    workshop.succeed(ingest_report(), job=f"{job}-report")
    await workshop.settle()
    assert workshop.condition("Dataset", "flights", "Ready") == ("True", "Ingested", f"{VERSION}: 10 rows of 1 file")


async def test_report_with_another_digest_is_not_believed(workshop: Workshop) -> None:
    workshop.dataset()
    await workshop.settle()
    job = workshop.job()
    workshop.succeed(ingest_report())
    for key, log in workshop.kube.logs.items():
        workshop.kube.logs[key] = log.replace('"rows":10', '"rows":1000')
    await workshop.settle()
    assert workshop.names("DatasetVersion") == []
    assert f"{job}-report" in workshop.names("Job")


async def test_pod_that_is_gone_with_its_result_is_ingested_again(workshop: Workshop) -> None:
    workshop.dataset()
    await workshop.settle()
    first = workshop.job()
    workshop.succeed(ingest_report(), pod=False)
    await workshop.settle()
    ready = workshop.condition("Dataset", "flights")
    assert ready
    assert ready[:2] == ("False", "ResultLost")
    await workshop.pass_time(minutes=5)
    assert workshop.job() != first


async def test_version_that_was_deleted_is_ingested_again(workshop: Workshop) -> None:
    await ingested(workshop)
    workshop.kube.remove("modelward.dev/v1alpha1", "DatasetVersion", NAMESPACE, VERSION)
    await workshop.pass_time(seconds=1)
    ready = workshop.condition("Dataset", "flights")
    assert ready
    assert ready[:2] == ("Unknown", "Ingesting")
    workshop.succeed(ingest_report())
    await workshop.settle()
    assert workshop.names("DatasetVersion") == [VERSION]


async def test_longest_name_keeps_its_report_job(workshop: Workshop) -> None:
    workshop.dataset("d" * 40)
    await workshop.settle()
    (job,) = workshop.names("Job")
    workshop.succeed(ingest_report(), job=job, log=False)
    await workshop.settle()
    assert len(workshop.names("Job")) == 2
    assert all(len(name) <= 63 for name in workshop.names("Job"))


async def test_crash_before_any_write_ends_in_the_same_state(workshop: Workshop) -> None:
    await ingested(workshop)
    clean, writes = _story(workshop), len(workshop.kube.writes)
    for nth in range(1, writes + 1):
        crashed = Workshop()
        crashed.kube.crash_before(nth)
        try:
            await ingested(crashed)
        except Crash:
            crashed.kube.recover()
            await crashed.settle()
            if not crashed.names("DatasetVersion"):
                crashed.succeed(ingest_report())
                await crashed.settle()
        assert _story(crashed) == clean, f"crash before write {nth}"


def _story(workshop: Workshop) -> object:
    names = {kind: workshop.names(kind) for kind in ("DatasetVersion", "PersistentVolumeClaim")}
    jobs = len(workshop.names("Job")), len(workshop.names("ConfigMap"))
    return names, jobs, workshop.condition("Dataset", "flights"), workshop.status("Dataset", "flights")["latestVersion"]


async def test_step_killed_without_a_word_is_told_by_its_exit_code(workshop: Workshop) -> None:
    workshop.dataset()
    await workshop.settle()
    workshop.fail("ingest", ended(137, reason="OOMKilled"))
    await workshop.settle()
    assert workshop.condition("Dataset", "flights") == (
        "False",
        "OOMKilled",
        "ingest ran out of memory (its limit is 2Gi): raise spec.resources.limits.memory",
    )


@pytest.mark.parametrize(
    "change", [{"resources": {"limits": {"memory": "4Gi"}}}, {"pod": {"nodeSelector": {"a": "b"}}}]
)
async def test_how_an_ingest_runs_starts_none_that_is_done_and_every_one_that_is_not(
    workshop: Workshop, change: dict[str, Any]
) -> None:
    await ingested(workshop)
    done = workshop.job()
    workshop.dataset(**change)
    await workshop.pass_time(minutes=1)
    assert workshop.job() == done
    workshop.dataset(prepare={"sql": "SELECT * FROM source"})
    await workshop.settle()
    running = workshop.job()
    workshop.dataset(prepare={"sql": "SELECT * FROM source"}, **change)
    await workshop.pass_time(seconds=5)
    assert workshop.job() not in (running, done)


async def test_ingest_that_failed_is_tried_again_with_other_resources(workshop: Workshop) -> None:
    workshop.dataset()
    await workshop.settle()
    failed = workshop.job()
    workshop.fail("ingest", ended(137, reason="OOMKilled"))
    await workshop.settle()
    workshop.dataset(resources={"limits": {"memory": "4Gi"}})
    await workshop.pass_time(seconds=5)
    assert workshop.job() != failed
    pod = workshop.get("Job", workshop.job())["spec"]["template"]["spec"]
    assert pod["containers"][0]["resources"] == {"limits": {"memory": "4Gi"}}


async def test_pod_that_the_api_server_refuses_is_told_in_its_words_and_looked_for_again(workshop: Workshop) -> None:
    workshop.dataset()
    await workshop.settle()
    assert await workshop.look_at("Dataset", "flights") == 2.0
    job = workshop.get("Job", workshop.job())
    words = 'Error creating: pods "flights-ingest-x-abcde" is forbidden: exceeded quota: team, requested: limits.cpu=1'
    workshop.kube.put(
        {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": "why", "namespace": NAMESPACE},
            "involvedObject": {"uid": job["metadata"]["uid"]},
            "reason": "FailedCreate",
            "message": words,
            "lastTimestamp": "2026-01-01T00:00:01Z",
        }
    )
    await workshop.settle()
    told = workshop.condition("Dataset", "flights")
    assert told
    assert told[:2] == ("False", "FailedCreate")
    assert "exceeded quota: team, requested: limits.cpu=1" in told[2]
    assert "abcde" not in told[2]
    assert await workshop.look_at("Dataset", "flights") == 30.0
    workshop.pod(workshop.job(), {"ingest": RUNNING}, phase="Running")
    await workshop.settle()
    ready = workshop.condition("Dataset", "flights")
    assert ready
    assert ready[1] == "Ingesting"


@pytest.mark.parametrize("succeeds", [True, False])
async def test_result_of_an_ingest_comes_back_after_looks_that_failed(workshop: Workshop, succeeds: bool) -> None:
    workshop.dataset()
    await workshop.settle()
    if succeeds:
        workshop.succeed(ingest_report())
    else:
        workshop.fail("ingest", said("ColumnMissing", "no column late"))
    await workshop.settle()
    result, job = workshop.condition("Dataset", "flights"), workshop.job()
    live = workshop.get("Dataset", "flights")
    failed = {"type": "Ready", "status": "Unknown", "reason": "ReconcileFailed", "message": "ValueError"}
    workshop.kube.put({**live, "status": live["status"] | {"conditions": [failed]}})
    await workshop.settle()
    assert workshop.condition("Dataset", "flights") == result
    assert workshop.job() == job
