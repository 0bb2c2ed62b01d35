"""A Job and its pods as JSON → what is to be known of it.

A step of ours says in its termination message what is wrong; of a user's container, which may write anything there,
only the exit code and the last line of its log are told, and of their tests the last lines. The kubelet's and the
scheduler's sentences are passed on.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from msgspec import UNSET

from modelward.build.job import TEMPORARY
from modelward.decide.jobs import JobSeen, Problem
from modelward.decide.observed import parse_time
from modelward.names import Manifest
from modelward.observe.scoring_pods import HOLDING, termination
from modelward_contracts.reports import NOT_NEEDED, Termination
from modelward_contracts.tasks import Commit

PATIENCE = timedelta(seconds=10)
"""For a place on a node and a volume: claims are bound within seconds."""
LONG_PATIENCE = timedelta(seconds=60)
"""For what nobody explains in a status: volumes that are not mounted, pods that are not made."""

_LIMITS = {
    "ingest": "spec.resources",
    "source": "spec.resources",
    "prepare": "spec.prepare.resources",
    "fetch": "spec.stepResources.fetch",
    "tests": "spec.resources",
    "train": "spec.resources",
    "node": "spec.resources",
    "publish": "spec.stepResources.publish",
}
"""Where the user says how much memory a step may take."""
_TEST_LINES, _TEST_LETTERS = 10, 1000
End = tuple[str, dict[str, Any]]
"""A container's name and how it ended."""


def job_seen(job: Manifest, pods: Sequence[Manifest], theirs: Collection[str] = ()) -> JobSeen:
    """`theirs`: the containers that run the user's code."""
    metadata, state = job["metadata"], _conditions(job)
    name, uid = metadata["name"], metadata["uid"]
    pods = sorted(pods, key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")))
    if "Complete" in state:
        ended = parse_time(state["Complete"]["lastTransitionTime"])
        return JobSeen(name, "Succeeded", uid, ended=ended, digest=_digest(pods), commit=_commit(pods))
    failed = state.get("Failed") or state.get("FailureTarget")  # the latter while the last pods go
    if failed:
        if found := _said_already(pods):
            return JobSeen(name, "Succeeded", uid, stored=True, digest=found, commit=_commit(pods))
        problem, retryable = _failure(job, failed, pods, theirs)
        ended = parse_time(failed["lastTransitionTime"])
        seen = JobSeen(name, "Failed", uid, problem=problem, retryable=retryable, ended=ended, commit=_commit(pods))
        return replace(seen, trial=_trial(pods))
    if job["spec"].get("suspend"):
        return JobSeen(name, "Suspended", uid)
    podless = all(pod.get("status", {}).get("phase") == "Failed" for pod in pods)
    trouble = _trouble(job, pods, theirs)
    return JobSeen(name, "Active", uid, step=_step(pods), problem=trouble, podless=podless, commit=_commit(pods))


def succeeded(pods: Iterable[Manifest]) -> Manifest | None:
    return next((pod for pod in pods if pod.get("status", {}).get("phase") == "Succeeded"), None)


def ended_early(pods: Iterable[Manifest]) -> Manifest | None:
    """The pod in which our first step found the result in the store: what came after it was not run."""
    return next((pod for pod in pods if ("fetch", NOT_NEEDED) in ((n, e.get("exitCode")) for n, e in _ends(pod))), None)


def _said_already(pods: Sequence[Manifest]) -> str | None:
    """The digest of the report that it found."""
    pod = ended_early(pods)
    said = [termination(ended.get("message", "")) for name, ended in _ends(pod) if name == "fetch"] if pod else []
    return next((found.report for found in said if found and found.result == "Succeeded"), None)


def _conditions(of: Manifest) -> dict[str, dict[str, Any]]:
    return {c["type"]: c for c in of.get("status", {}).get("conditions", []) if c["status"] == "True"}


def _digest(pods: Sequence[Manifest]) -> str | None:
    pod = succeeded(pods)
    messages = [ended.get("message", "") for _, ended in _ends(pod)] if pod else []
    said = [found for message in messages if (found := termination(message))]
    return said[-1].report if said else None


def _commit(pods: Sequence[Manifest]) -> Commit | None:
    said = _fetched(pods)
    return (said.commit or None) if said else None


def _trial(pods: Sequence[Manifest]) -> dict[str, Any] | None:
    said = _fetched(pods)
    return said.trial if said and said.trial is not UNSET else None


def _fetched(pods: Sequence[Manifest]) -> Termination | None:
    """What `fetch` of the newest pod said."""
    messages = [ended.get("message", "") for name, ended in _ends(pods[-1]) if name == "fetch"] if pods else []
    return next((found for message in reversed(messages) if (found := termination(message))), None)


def _ends(pod: Manifest) -> list[End]:
    """The containers that have ended, in the order in which they run."""
    status = pod.get("status", {})
    containers = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    return [(c["name"], c["state"]["terminated"]) for c in containers if "terminated" in c.get("state", {})]


def _step(pods: Sequence[Manifest]) -> str | None:
    """The container whose turn it is, in a pod that has begun; no other one between two of them."""
    status = pods[-1].get("status", {}) if pods else {}
    containers: list[Manifest] = [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]
    if all("waiting" in c.get("state", {}) for c in containers):
        return None
    step = next((c for c in containers if "terminated" not in c["state"]), containers[-1])
    return str(step["name"])


def _failure(
    job: Manifest, failed: dict[str, Any], pods: Sequence[Manifest], theirs: Collection[str]
) -> tuple[Problem, bool]:
    """Why it failed, and whether the infrastructure did it."""
    if failed.get("reason") == "DeadlineExceeded":
        limit = job["spec"].get("activeDeadlineSeconds")
        return Problem("DeadlineExceeded", f"the Job was stopped after its activeDeadlineSeconds of {limit}"), False
    for pod in reversed(pods):
        found = end_of(pod, theirs)
        if found:
            return _given_up(job, *found) if failed.get("reason") == "BackoffLimitExceeded" else found
    reason = failed.get("reason", "JobFailed")
    return Problem(reason, failed.get("message", "") or reason), reason == "BackoffLimitExceeded"


def _given_up(job: Manifest, problem: Problem, retryable: bool) -> tuple[Problem, bool]:
    tries, limit = job.get("status", {}).get("failed", 0), job["spec"].get("backoffLimit")
    told = f"{problem.message}; given up after {tries} tries, as its backoffLimit is {limit}"
    return Problem(problem.reason, told if tries else problem.message), retryable


def end_of(pod: Manifest, theirs: Collection[str]) -> tuple[Problem, bool] | None:
    """How a pod failed; None if it did not."""
    status, name = pod.get("status", {}), pod["metadata"]["name"]
    if status.get("reason") == "Evicted":  # before its containers: they only say that they were killed
        return Problem("Evicted", f"pod {name} was evicted: {_sentence(status.get('message', ''))}"), _disrupted(pod)
    for container, ended in _ends(pod):
        if ended.get("exitCode"):
            return _bad_end(pod, container, ended, theirs)
    if status.get("phase") != "Failed":
        return None
    reason = status.get("reason", "PodFailed")
    return Problem(reason, f"pod {name} was ended: {status.get('message', reason)}"), True


def _bad_end(pod: Manifest, container: str, ended: dict[str, Any], theirs: Collection[str]) -> tuple[Problem, bool]:
    code, reason, message = ended["exitCode"], ended.get("reason", ""), ended.get("message", "")
    said = termination(message) if container not in theirs else None
    if said:
        return Problem(said.reason, said.message), said.retryable
    if reason == "OOMKilled":
        return Problem(reason, f"{container} ran out of memory{_limit(pod, container)}"), False
    if reason in ("StartError", "ContainerCannotRun"):
        cause = _sentence(message.rpartition("container process: ")[2])
        return Problem("StartError", f"{container} could not be started: {cause}"), False
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    told = _last_lines(lines) if container == "tests" else _cut(lines[-1]) if lines else ""
    last = f": {told}" if told else ""
    look = f"see kubectl logs {pod['metadata']['name']} -c {container}"
    problem = Problem(f"{container.capitalize()}Failed", f"{container} exited with code {code}{last}; {look}")
    return problem, code == TEMPORARY or _disrupted(pod)


def _disrupted(pod: Manifest) -> bool:
    """Preempted, drained, or its node lost."""
    return "DisruptionTarget" in _conditions(pod)


def _limit(pod: Manifest, container: str) -> str:
    spec, field = pod.get("spec", {}), _LIMITS.get(container)
    for each in [*spec.get("initContainers", []), *spec.get("containers", [])]:
        limit = each.get("resources", {}).get("limits", {}).get("memory")
        if each["name"] == container and limit:
            return f" (its limit is {limit})" + (f": raise {field}.limits.memory" if field else "")
    return f", that is, its node did: set {field}.limits.memory and as much as {field}.requests.memory" if field else ""


def _trouble(job: Manifest, pods: Sequence[Manifest], theirs: Collection[str]) -> Problem | None:
    """What holds up the newest pod, or else why the one before it failed, until a later one succeeds."""
    if not pods:
        return _no_pod(job["metadata"])
    waiting = waits_for(pods[-1])
    if waiting:
        return waiting
    found = next((end for pod in reversed(pods) if (end := end_of(pod, theirs))), None)
    if found is None:
        return slow(pods[-1])
    problem, retryable = found
    return Problem(problem.reason, f"{problem.message}; it is tried again") if retryable else None


def _no_pod(metadata: dict[str, Any]) -> Problem | None:
    if "creationTimestamp" not in metadata:
        return None
    since = parse_time(metadata["creationTimestamp"]) + LONG_PATIENCE
    name = metadata["name"]
    return Problem("NoPod", f"Job {name} cannot make its pod: see kubectl describe job {name}", since)


def waits_for(pod: Manifest) -> Problem | None:
    status, name = pod.get("status", {}), pod["metadata"]["name"]
    for container in [*status.get("initContainerStatuses", []), *status.get("containerStatuses", [])]:
        waiting = container.get("state", {}).get("waiting", {})
        if waiting.get("reason") in HOLDING:
            return _kubelet(container, waiting["reason"], waiting.get("message", ""))
    for condition in status.get("conditions", []):
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            said = _sentence(condition.get("message", ""))
            since = parse_time(condition["lastTransitionTime"]) + PATIENCE
            return Problem(condition.get("reason", "Unschedulable"), f"no node takes pod {name}: {said}", since)
    return None


def _kubelet(container: dict[str, Any], reason: str, message: str) -> Problem:
    """The same words whether a pull has just failed or is waited for: the kubelet alternates between the two."""
    if reason in ("ErrImagePull", "ImagePullBackOff"):
        cause = _sentence(message.partition("ErrImagePull: ")[2] or message)
        return Problem("ImagePullBackOff", f"the image {container['image']} cannot be pulled: {cause}")
    return Problem(reason, f"{container['name']} cannot be started: {_sentence(message)}")


def slow(pod: Manifest) -> Problem | None:
    """On a node, and none of its containers has begun: what keeps it is told in the pod's Events only."""
    scheduled = _conditions(pod).get("PodScheduled")
    if scheduled is None or pod.get("status", {}).get("phase") != "Pending" or _step([pod]) or _ends(pod):
        return None
    name, node = pod["metadata"]["name"], pod.get("spec", {}).get("nodeName", "its node")
    why = "a volume that is attached to another node or a large image is the usual cause"
    message = f"pod {name} does not start on {node}: {why}; see kubectl describe pod {name}"
    return Problem("NotStarting", message, parse_time(scheduled["lastTransitionTime"]) + LONG_PATIENCE)


def _sentence(text: str) -> str:
    return _cut(" ".join(text.split()))


def _last_lines(lines: Sequence[str]) -> str:
    """What tests say in the end counts."""
    text = " | ".join(lines[-_TEST_LINES:])
    return text if len(text) <= _TEST_LETTERS else f"…{text[1 - _TEST_LETTERS :]}"


def _cut(text: str) -> str:
    return text if len(text) <= 500 else f"{text[:499]}…"
