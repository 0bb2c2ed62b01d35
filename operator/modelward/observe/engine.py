"""Reads what an engine has of a run: the Job that fetches, the TrainJob, and the pods that it trains in.

Kubeflow Trainer tells how a TrainJob ended in its conditions, and nothing of why its pods fail or do not start: that is
read off the pods, as it is of a Job's.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from modelward.api import TrainingRun
from modelward.api.engine import EngineStatus
from modelward.build.train_job import NODE, fetch_name, train_job_name
from modelward.decide.jobs import JobSeen, Problem
from modelward.decide.observed import parse_time
from modelward.decide.run import EngineSeen
from modelward.errors import Refused
from modelward.names import JOBSET, RUN_UID, TRAINER, Manifest
from modelward.observe.job_pods import LONG_PATIENCE, end_of, slow, waits_for
from modelward.observe.jobs import log_of, observe_job
from modelward.observe.progress import TAIL_BYTES, TAIL_LINES, progress_in
from modelward.observe.queue import held_by_queue
from modelward.observe.refusals import refusal_of_job
from modelward.observe.world import World

INDEX = "batch.kubernetes.io/job-completion-index"
MISSING = (
    "the cluster knows no TrainJob: the run goes on once Kubeflow Trainer 2.2 or later is installed (its CRDs, its "
    "controller, and JobSet)"
)
_MOST = 1000


async def observe_engine(world: World, run: TrainingRun) -> EngineSeen:
    if not world.settings.engine_train_job:
        return EngineSeen()
    namespace, mine = run.metadata.namespace, {RUN_UID: run.metadata.uid}
    fetch = await observe_job(world, namespace, fetch_name(run), "fetch", ("tests",), follow=True)
    try:
        found = await world.kube.list(TRAINER, "TrainJob", namespace, mine)
    except Refused as refused:
        if refused.reason not in ("404", "NotFound"):
            raise
        return EngineSeen(fetch, missing=MISSING)
    trains = next((each for each in found if _is_it(each, run)), None)
    if trains is None:
        return EngineSeen(fetch)
    pods = await world.kube.list("v1", "Pod", namespace, mine | {JOBSET: trains["metadata"]["name"]})
    since = trains["metadata"].get("creationTimestamp", "")
    pods = [pod for pod in pods if str(pod["metadata"].get("creationTimestamp", "")) >= since]
    return await _seen(world, trains, sorted(pods, key=_index), EngineSeen(fetch))


def _is_it(found: Manifest, run: TrainingRun) -> bool:
    metadata = found["metadata"]
    return metadata["name"] == train_job_name(run) and not metadata.get("deletionTimestamp")


def _index(pod: Manifest) -> int:
    return int(pod["metadata"].get("labels", {}).get(INDEX, 0))


async def _seen(world: World, found: Manifest, pods: Sequence[Manifest], seen: EngineSeen) -> EngineSeen:
    metadata, ended = found["metadata"], _ended(found)
    job = JobSeen(metadata["name"], "Active", metadata["uid"], kind="TrainJob")
    status = _status(found, pods)
    if ended and ended["type"] == "Complete":
        return replace(seen, train=replace(job, state="Succeeded"), status=status)
    if ended:
        problem = await _failure(world, found, ended, pods)
        return replace(seen, train=replace(job, state="Failed", problem=problem), status=status)
    if found["spec"].get("suspend"):
        queue = await held_by_queue(world.kube, found)
        return replace(seen, train=replace(job, state="Suspended", queue=queue), status=status)
    first = next((pod for pod in pods if _phase(pod) == "Running"), None)
    log = await log_of(world, first, NODE, TAIL_BYTES, TAIL_LINES) if first else ""
    trouble = await _trouble(world, found, pods)
    step = "train" if first else None
    return replace(seen, train=replace(job, step=step, problem=trouble, progress=progress_in(log)), status=status)


def _ended(found: Manifest) -> dict[str, Any] | None:
    conditions = found.get("status", {}).get("conditions", [])
    return next((c for c in conditions if c["type"] in ("Complete", "Failed") and c["status"] == "True"), None)


def _phase(pod: Manifest) -> str:
    return str(pod.get("status", {}).get("phase", ""))


def _status(found: Manifest, pods: Sequence[Manifest]) -> EngineStatus:
    phases, ended = [_phase(pod) for pod in pods], _ended(found)
    told = found["spec"].get("trainer", {}).get("numNodes")
    nodes = told or (max(map(_index, pods)) + 1 if pods else None)
    running, succeeded = phases.count("Running"), phases.count("Succeeded")
    number, word = (succeeded, "succeeded") if ended else (running, "running")
    return EngineStatus(
        train_job=found["metadata"]["name"],
        nodes=nodes,
        active=running + phases.count("Pending"),
        succeeded=succeeded,
        failed=phases.count("Failed"),
        summary=f"{number}/{nodes} {word}" if nodes else "",
        message=_words(ended) if ended else "",
    )


def _words(condition: dict[str, Any]) -> str:
    return " ".join(str(condition.get("message", "")).split())[:_MOST]


async def _failure(world: World, found: Manifest, ended: dict[str, Any], pods: Sequence[Manifest]) -> Problem:
    """The first pod that says why, and what became of the TrainJob."""
    name, reason = found["metadata"]["name"], ended.get("reason", "TrainFailed")
    said = f"TrainJob {name} failed ({reason}): {_words(ended)}"
    if reason == "DeadlineExceeded":
        return Problem(reason, said)
    failed = next((pod for pod in pods if end_of(pod, (NODE,))), None)
    why = end_of(await _with_message(world, failed), (NODE,)) if failed else None
    if why is None:
        return Problem("TrainFailed", said)
    problem, _ = why
    as_any = "TrainFailed" if problem.reason == "NodeFailed" else problem.reason
    return Problem(as_any, f"{problem.message}; {said}")


async def _with_message(world: World, pod: Manifest) -> Manifest:
    """With the end of its log, as a Job's pods have it by their policy: TrainJobs have no word for that."""
    for container in pod["status"].get("containerStatuses", []):
        ended = container.get("state", {}).get("terminated")
        if container["name"] == NODE and ended and not ended.get("message"):
            ended["message"] = await log_of(world, pod, NODE, TAIL_BYTES, TAIL_LINES)
    return pod


async def _trouble(world: World, found: Manifest, pods: Sequence[Manifest]) -> Problem | None:
    if pods:
        return next((trouble for pod in pods if (trouble := waits_for(pod) or slow(pod))), None)
    metadata = found["metadata"]
    jobs = await world.kube.list("batch/v1", "Job", metadata["namespace"], {JOBSET: metadata["name"]})
    for job in jobs:
        if refusal := await refusal_of_job(world.kube, job, ()):
            return Problem("FailedCreate", f"the API server refuses a pod of TrainJob {metadata['name']}: {refusal}")
    if "creationTimestamp" not in metadata:
        return None
    what = f"TrainJob {metadata['name']} has no pods: see kubectl describe trainjob {metadata['name']}"
    why = "is Kubeflow Trainer's controller running, and JobSet's?"
    return Problem("NoPod", f"{what}; {why}", parse_time(metadata["creationTimestamp"]) + LONG_PATIENCE)
