"""The states that each kind gets into, out of its real decisions, and what a person would say of each.

Argo CD says Healthy, Progressing, Degraded or Suspended; kstatus (Flux, Helm) Current, InProgress or Failed: it knows
no Suspended, and waits there.
"""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

import msgspec

from modelward.decide.judge.promql import Answer
from modelward.names import Manifest
from modelward_contracts.reports import Failure, GateResult
from unit.modelward.decide.simulated import HARMFUL, Simulated, Trouble, healthy, serving, version, with_canary
from unit.modelward.decide.test_checks import tried
from unit.modelward.decide.test_liveness import with_signature
from unit.modelward.decide.test_named_versions import called, following, needing_approval
from unit.modelward.decide.workshop import (
    API,
    NAMESPACE,
    RUNNING,
    Workshop,
    digest,
    ingest_report,
    publish_report,
    said,
    waiting,
)


class Scene(NamedTuple):
    kind: str
    name: str
    health: str
    kstatus: str
    make: Callable[[], Awaitable[Manifest]]


SCENES: list[Scene] = []


def scene(health: str, kstatus: str) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """The function's name is `kind_what_happens`; it gives a Simulated, or (workshop, name) in a coroutine."""

    def add(make: Callable[[], Any]) -> Callable[[], Any]:
        kind, _, name = make.__name__.partition("_")

        async def object_of() -> Manifest:
            found = make()
            if isinstance(found, Simulated):
                return deployment(found)
            workshop, resource = await found
            return tidy(workshop.get(KINDS[kind], resource))

        SCENES.append(Scene(KINDS[kind], name, health, kstatus, object_of))
        return make

    return add


KINDS = {
    "dataset": "Dataset",
    "data": "DatasetVersion",
    "run": "TrainingRun",
    "registered": "RegisteredModel",
    "version": "ModelVersion",
    "deployment": "ModelDeployment",
}
STEPS = {"rollout": {"steps": [{"weight": 10}, {"weight": 50}], "bakeTime": "5m"}}
CREATED = {"creationTimestamp": "2026-01-01T00:00:00Z"}


def tidy(found: Manifest) -> Manifest:
    metadata = {key: found["metadata"][key] for key in ("name", "namespace", "generation") if key in found["metadata"]}
    metadata |= {key: found["metadata"][key] for key in ("labels", "annotations") if found["metadata"].get(key)}
    head = {"apiVersion": found["apiVersion"], "kind": found["kind"], "metadata": metadata | CREATED}
    return head | {"spec": found["spec"], "status": found["status"]}


def deployment(world: Simulated) -> Manifest:
    status = world.status.wire()
    if "trial" in status:
        status["trial"] = {}  # what the judges remember is long, and for nobody
    return tidy(world.observed().raw | {"status": status})


# ModelDeployment


@scene("Progressing", "InProgress")
def deployment_not_seen_yet() -> Simulated:
    world = serving()
    world.generation += 1
    return world


@scene("Progressing", "InProgress")
def deployment_waits_for_its_first_version() -> Simulated:
    world = Simulated(versions=[])
    world.settle()
    return world


@scene("Progressing", "InProgress")
def deployment_names_a_version_that_is_not_there() -> Simulated:
    world = serving()
    world.spec = {"modelRef": {"name": "flights", "version": 7}}
    world.settle()
    return world


@scene("Progressing", "InProgress")
def deployment_follows_an_alias_that_nobody_holds() -> Simulated:
    world = following(version(1))
    world.settle()
    return world


@scene("Progressing", "InProgress")
def deployment_names_a_version_that_is_measured_just_now() -> Simulated:
    world = Simulated(spec={"modelRef": {"name": "flights", "version": 1}}, versions=[version(1, verified="Unknown")])
    world.settle()
    return world


@scene("Degraded", "Failed")
def deployment_names_a_version_that_missed_its_gates() -> Simulated:
    world = serving()
    world.versions.append(version(2, verified="False"))
    world.spec = {"modelRef": {"name": "flights", "version": 2}}
    world.settle()
    return world


@scene("Progressing", "InProgress")
def deployment_starts_its_first_version() -> Simulated:
    world = Simulated()
    world.troubles["flights-1"] = Trouble("hold", "GoldenRequests", "not Ready before it answers as when it was tested")
    world.settle()
    return world


@scene("Progressing", "InProgress")
def deployment_has_no_pod_yet() -> Simulated:
    world = Simulated()
    world.tick()
    return world


@scene("Degraded", "InProgress")
def deployment_has_a_first_version_that_crashes() -> Simulated:
    world = Simulated()
    world.troubles["flights-1"] = Trouble("harm", "CrashLoop", "server of pod flights-0 exited with code 1")
    world.settle()
    return world


@scene("Healthy", "Current")
def deployment_serves() -> Simulated:
    return serving()


@scene("Healthy", "Current")
def deployment_serves_and_its_spec_is_paused() -> Simulated:
    return serving(paused=True)


@scene("Progressing", "InProgress")
def deployment_tries_a_new_version() -> Simulated:
    return with_canary(**STEPS)


@scene("Progressing", "InProgress")
def deployment_tries_a_version_whose_image_cannot_be_pulled() -> Simulated:
    world = serving(**STEPS)
    world.versions.append(version(2))
    world.troubles["flights-2"] = Trouble("hold", "ImagePullBackOff", "pod flights-2-0: back-off pulling image")
    world.settle()
    return world


@scene("Suspended", "InProgress")
def deployment_waits_for_approval() -> Simulated:
    return needing_approval()


@scene("Suspended", "InProgress")
def deployment_waits_for_promotion() -> Simulated:
    world = with_canary(rollout={"steps": [{"weight": 10}, {"pause": {}}]})
    assert world.status.candidate
    world.ask("promote", world.status.candidate.revision)
    world.settle()
    return world


@scene("Suspended", "InProgress")
def deployment_is_paused_by_its_spec() -> Simulated:
    world = with_canary(**STEPS)
    world.spec = world.spec | {"paused": True}
    world.settle()
    return world


@scene("Suspended", "InProgress")
def deployment_is_paused_by_a_person_on_trial() -> Simulated:
    return _asked(with_canary(**STEPS), "pause")


@scene("Suspended", "InProgress")
def deployment_is_paused_by_a_person_in_its_promotion() -> Simulated:
    return _asked(_promoting(), "pause")


@scene("Suspended", "Current")
def deployment_is_paused_by_a_person_while_it_is_watched() -> Simulated:
    world = _baking()
    assert world.status.stable
    world.ask("pause", world.status.stable.revision)
    world.settle()
    return world


def _asked(world: Simulated, verb: str) -> Simulated:
    assert world.status.candidate
    world.ask(verb, world.status.candidate.revision)
    world.settle()
    return world


def _promoting() -> Simulated:
    world = with_canary(**STEPS)
    assert world.status.stable
    world.deaf.add(world.status.stable.revision)
    return _asked(world, "promote-full")


def _baking() -> Simulated:
    world = with_canary(**STEPS)
    world.give(healthy(), healthy())
    world.run("Baking")
    world.settle()
    return world


@scene("Progressing", "InProgress")
def deployment_promotes_a_version() -> Simulated:
    return _promoting()


@scene("Healthy", "Current")
def deployment_watches_what_it_promoted() -> Simulated:
    return _baking()


@scene("Degraded", "Failed")
def deployment_rolls_back() -> Simulated:
    world = with_canary(**STEPS)
    world.give(HARMFUL, healthy())
    world.run("RollingBack")
    return world


@scene("Degraded", "Failed")
def deployment_rolled_back_and_is_still_asked_for_the_rejected_version() -> Simulated:
    return _rolled_back()


def _rolled_back() -> Simulated:
    world = with_canary(**STEPS)
    world.give(HARMFUL, healthy())
    world.run("RollingBack")
    world.give()
    world.run("Stable")
    world.settle()
    return world


@scene("Healthy", "Current")
def deployment_rolled_back_and_git_was_reverted() -> Simulated:
    world = _rolled_back()
    world.spec = world.spec | {"modelRef": {"name": "flights", "version": 1}}
    world.generation += 1
    world.settle()
    return world


@scene("Progressing", "InProgress")
def deployment_rolled_back_and_another_try_was_asked_for() -> Simulated:
    world = _rolled_back()
    world.spec = world.spec | {"rollout": STEPS["rollout"] | {"retry": 1}}
    world.generation += 1
    world.settle()
    return world


@scene("Progressing", "InProgress")
def deployment_rolled_back_and_retry_was_clicked() -> Simulated:
    world = _rolled_back()
    assert world.status.target
    world.ask("retry", world.status.target, "the month was right after all")
    world.settle()
    return world


@scene("Progressing", "InProgress")
def deployment_rolled_back_and_git_asks_for_the_next_version() -> Simulated:
    world = _rolled_back()
    world.versions.append(version(3))
    world.spec = world.spec | {"modelRef": {"name": "flights", "version": 3}}
    world.generation += 1
    world.settle()
    return world


@scene("Degraded", "Failed")
def deployment_was_aborted_by_a_person() -> Simulated:
    world = _asked(with_canary(**STEPS), "abort")
    world.run("Stable")
    world.settle()
    return world


@scene("Progressing", "InProgress")
def deployment_refused_what_was_clicked() -> Simulated:
    world = with_canary(**STEPS)
    world.ask("promote", "0a1b2c3d4e", "clicked")
    world.settle()
    return world


@scene("Degraded", "InProgress")
def deployment_lost_its_pods() -> Simulated:
    world = serving()
    world.troubles["flights-1"] = Trouble("hold", "NodeLost", "pod flights-1-0: its node lost track of it")
    world.settle()
    return world


@scene("Progressing", "InProgress")
def deployment_is_short_of_pods() -> Simulated:
    world = serving(replicas=1)
    world.spec = world.spec | {"replicas": 2}
    plan = world.plan()
    world.status = plan.status  # type: ignore[assignment]
    return world


@scene("Progressing", "InProgress")
def deployment_replaces_its_pods() -> Simulated:
    world = serving()
    assert world.status.stable
    world.replacing.add(world.status.stable.revision)
    world.settle()
    return world


@scene("Progressing", "InProgress")
def deployment_has_pods_that_the_api_server_refuses() -> Simulated:
    world = deployment_replaces_its_pods()
    assert isinstance(world, Simulated)
    assert world.status.stable
    refused = Trouble("hold", "FailedCreate", "the API server refuses its pods: exceeded quota: team")
    world.refused[world.status.stable.revision] = refused
    world.settle()
    return world


@scene("Degraded", "Failed")
def deployment_has_a_name_that_is_taken() -> Simulated:
    world = Simulated(taken=True)
    world.settle()
    return world


@scene("Degraded", "Failed")
def deployment_names_an_account_that_is_not_allowed() -> Simulated:
    world = serving()
    world.spec = {**world.spec, "pod": {"serviceAccountName": "admin"}}
    world.settle()
    return world


@scene("Degraded", "Failed")
def deployment_names_an_image_that_is_not_allowed() -> Simulated:
    world = serving()
    world.spec = {**world.spec, "runtime": {"image": "hub/team/scoring:1"}}
    world.settle()
    return world


@scene("Degraded", "Failed")
def deployment_is_offered_another_signature() -> Simulated:
    world = Simulated(versions=[with_signature(1, {"length": "FP32"})])
    world.run("Stable")
    world.versions.append(with_signature(2, {"length": "BYTES"}))
    world.settle(20)
    return world


@scene("Degraded", "Failed")
def deployment_asks_a_query_that_does_not_parse() -> Simulated:
    world = tried(Answer(reason="QueryRefused", message="the server does not take the query: parse error"), weight=0)
    world.settle()
    return world


@scene("Degraded", "InProgress")
def deployment_serves_a_version_that_was_deleted() -> Simulated:
    world = serving()
    world.versions.clear()
    world.settle()
    return world


@scene("Healthy", "Current")
def deployment_follows_an_alias() -> Simulated:
    world = following(called(version(1)))
    world.run("Stable")
    world.settle()
    return world


# Dataset and DatasetVersion

MISSED = Failure(expectation="{column: late, minimum: 0}", message="2 of 10 values below 0")


async def _dataset(**spec: Any) -> Workshop:
    workshop = Workshop()
    workshop.dataset(**spec)
    await workshop.settle()
    return workshop


async def _ingested(**spec: Any) -> Workshop:
    workshop = await _dataset(**spec)
    workshop.succeed(ingest_report())
    await workshop.settle()
    return workshop


@scene("Progressing", "InProgress")
async def dataset_is_ingested_just_now() -> tuple[Workshop, str]:
    return await _dataset(), "flights"


@scene("Healthy", "Current")
async def dataset_is_ingested() -> tuple[Workshop, str]:
    return await _ingested(schedule="@daily"), "flights"


@scene("Healthy", "Current")
async def dataset_is_suspended_with_data_in_service() -> tuple[Workshop, str]:
    workshop = await _ingested()
    workshop.edit("Dataset", "flights", suspend=True)
    await workshop.settle()
    return workshop, "flights"


@scene("Suspended", "InProgress")
async def dataset_is_suspended_from_the_start() -> tuple[Workshop, str]:
    return await _dataset(suspend=True), "flights"


@scene("Healthy", "Current")
async def dataset_is_looked_at_again() -> tuple[Workshop, str]:
    workshop = await _ingested(interval="1h")
    await workshop.pass_time(hours=2)
    return workshop, "flights"


@scene("Degraded", "Failed")
async def dataset_has_an_invalid_newest_version_and_the_last_good_one_in_use() -> tuple[Workshop, str]:
    return await _invalid(), "flights"


async def _invalid() -> Workshop:
    workshop = await _ingested()
    workshop.dataset(annotations={"modelward.dev/requested-at": "1"}, expectations=[{"column": "late", "minimum": 0}])
    await workshop.settle()
    bad = msgspec.structs.replace(ingest_report(digest("b")), expectations=1, failed=1, failures=[MISSED])
    workshop.succeed(bad)
    await workshop.settle()
    return workshop


@scene("Degraded", "Failed")
async def dataset_misses_a_column() -> tuple[Workshop, str]:
    workshop = await _dataset()
    workshop.fail("ingest", said("ColumnMissing", "there is no column late"))
    await workshop.settle()
    return workshop, "flights"


@scene("Progressing", "InProgress")
async def dataset_is_tried_again_after_the_store_was_away() -> tuple[Workshop, str]:
    workshop = await _dataset()
    workshop.fail("ingest", said("StoreUnavailable", "the store did not answer", retryable=True))
    await workshop.settle()
    return workshop, "flights"


@scene("Degraded", "Failed")
async def dataset_has_failed_again_and_again() -> tuple[Workshop, str]:
    workshop = await _dataset()
    for hours in (2, 2, 0):
        workshop.fail("ingest", said("StoreUnavailable", "the store did not answer", retryable=True))
        await workshop.settle()
        await workshop.pass_time(hours=hours)
    return workshop, "flights"


@scene("Progressing", "InProgress")
async def dataset_waits_for_its_volume() -> tuple[Workshop, str]:
    workshop = await _dataset(source={"pvc": {"claimName": "raw"}})
    unplaced = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no node fits"}
    conditions = [unplaced | {"lastTransitionTime": "2026-01-01T00:00:00Z"}]
    workshop.pod(workshop.job(), {"ingest": waiting("")}, conditions=conditions)
    await workshop.pass_time(minutes=10)
    return workshop, "flights"


@scene("Degraded", "Failed")
async def dataset_has_an_image_that_cannot_be_pulled() -> tuple[Workshop, str]:
    workshop = await _dataset()
    workshop.pod(workshop.job(), {"ingest": waiting("ImagePullBackOff", "not found")})
    await workshop.pass_time(minutes=10)
    return workshop, "flights"


@scene("Progressing", "InProgress")
async def dataset_waits_for_its_parent() -> tuple[Workshop, str]:
    workshop = await _dataset(source={"datasets": [{"name": "weather"}]})
    return workshop, "flights"


@scene("Healthy", "Current")
async def data_is_as_expected() -> tuple[Workshop, str]:
    return await _ingested(), "flights-" + "a" * 10


@scene("Degraded", "Current")
async def data_is_not_as_expected() -> tuple[Workshop, str]:
    return await _invalid(), "flights-" + "b" * 10


# TrainingRun


async def _prepared() -> Workshop:
    workshop = await _ingested()
    job = workshop.job()
    workshop.kube.remove("batch/v1", "Job", NAMESPACE, job)
    workshop.kube.remove("v1", "ConfigMap", NAMESPACE, job)
    return workshop


async def _run(**spec: Any) -> Workshop:
    workshop = await _prepared()
    workshop.run(**spec)
    await workshop.settle()
    return workshop


@scene("Progressing", "InProgress")
async def run_waits_for_its_dataset() -> tuple[Workshop, str]:
    workshop = Workshop()
    workshop.run()
    await workshop.settle()
    return workshop, "flights-a"


@scene("Progressing", "InProgress")
async def run_trains() -> tuple[Workshop, str]:
    workshop = await _run()
    workshop.pod(workshop.job(), {"fetch": RUNNING, "publish": waiting("PodInitializing")}, phase="Running")
    await workshop.settle()
    return workshop, "flights-a"


@scene("Suspended", "InProgress")
async def run_is_suspended() -> tuple[Workshop, str]:
    return await _run(suspend=True), "flights-a"


@scene("Progressing", "InProgress")
async def run_is_queued_by_kueue() -> tuple[Workshop, str]:
    workshop = await _run()
    job = workshop.get("Job", workshop.job())
    named = job["metadata"] | {"labels": job["metadata"]["labels"] | {"kueue.x-k8s.io/queue-name": "gpu"}}
    workshop.kube.put({**job, "metadata": named, "spec": job["spec"] | {"suspend": True}})
    await workshop.settle()
    return workshop, "flights-a"


@scene("Healthy", "Current")
async def run_is_complete() -> tuple[Workshop, str]:
    return await _trained(), "flights-a"


async def _trained(*gates: GateResult) -> Workshop:
    workshop = await _run()
    workshop.succeed(publish_report(gates=gates))
    await workshop.settle()
    return workshop


BELOW = GateResult(metric="auc", value=0.6, bound=">= 0.7", passed=False)


@scene("Degraded", "Failed")
async def run_missed_a_gate() -> tuple[Workshop, str]:
    return await _trained(BELOW), "flights-a"


@scene("Degraded", "Failed")
async def run_failed() -> tuple[Workshop, str]:
    workshop = await _run()
    workshop.fail("train", said("TrainFailed", "KeyError: speed"))
    await workshop.settle()
    return workshop, "flights-a"


@scene("Degraded", "Failed")
async def run_names_an_account_that_is_not_allowed() -> tuple[Workshop, str]:
    return await _run(pod={"serviceAccountName": "admin"}), "flights-a"


# ModelVersion and RegisteredModel


@scene("Healthy", "Current")
async def version_is_verified() -> tuple[Workshop, str]:
    return await _trained(), "flights-1"


@scene("Degraded", "Failed")
async def version_missed_a_gate() -> tuple[Workshop, str]:
    return await _trained(BELOW), "flights-1"


async def _registered(**spec: Any) -> Workshop:
    workshop = await _prepared()
    run = {"datasetRef": {"name": "flights"}, "estimator": {"name": "Ridge"}}
    metadata = {"name": "flights", "namespace": NAMESPACE}
    workshop.kube.put(
        {"apiVersion": API, "kind": "RegisteredModel", "metadata": metadata, "spec": {"run": run, **spec}}
    )
    await workshop.settle()
    return workshop


@scene("Progressing", "InProgress")
async def registered_trains_for_the_first_time() -> tuple[Workshop, str]:
    return await _registered(), "flights"


@scene("Suspended", "InProgress")
async def registered_is_suspended_from_the_start() -> tuple[Workshop, str]:
    return await _registered(suspend=True), "flights"


@scene("Suspended", "InProgress")
async def registered_has_a_first_run_that_is_suspended() -> tuple[Workshop, str]:
    workshop = await _registered()
    (run,) = workshop.names("TrainingRun")
    workshop.edit("TrainingRun", run, suspend=True)
    await workshop.settle()
    return workshop, "flights"


@scene("Healthy", "Current")
async def registered_is_up_to_date() -> tuple[Workshop, str]:
    workshop = await _registered()
    workshop.succeed(publish_report())
    await workshop.settle()
    return workshop, "flights"


@scene("Degraded", "Failed")
async def registered_has_a_last_run_that_failed() -> tuple[Workshop, str]:
    workshop = await _registered()
    workshop.fail("train", said("TrainFailed", "KeyError: speed"))
    await workshop.settle()
    return workshop, "flights"


@scene("Degraded", "Failed")
async def registered_has_a_time_zone_that_does_not_exist() -> tuple[Workshop, str]:
    return await _registered(triggers={"schedule": "@daily", "timeZone": "Europe/Atlantis"}), "flights"
