"""What is told of a Job whose pod was taken from it."""

from typing import Any

import pytest

from modelward.observe.job_pods import job_seen

MOMENT = "2030-01-01T00:00:00Z"
EVICTED = "Pod ephemeral local storage usage exceeds the total limit of containers 32Mi. "


def failed_job() -> dict[str, Any]:
    failed = {"type": "Failed", "status": "True", "reason": "PodFailurePolicy", "lastTransitionTime": MOMENT}
    return {"metadata": {"name": "run-train", "uid": "u"}, "spec": {}, "status": {"conditions": [failed]}}


def evicted_pod(*conditions: dict[str, str]) -> dict[str, Any]:
    """The kubelet kills its containers and says why in the pod's own status."""
    killed = {"name": "train", "state": {"terminated": {"exitCode": 137, "reason": "Error"}}}
    status = {"phase": "Failed", "reason": "Evicted", "message": EVICTED, "initContainerStatuses": [killed]}
    return {"metadata": {"name": "run-train-x"}, "status": {**status, "conditions": list(conditions)}}


@pytest.mark.parametrize(
    ("conditions", "retryable"),
    [((), False), (({"type": "DisruptionTarget", "status": "True"},), True)],
    ids=["over-its-own-limit", "node-without-room"],
)
def test_evicted_pod_is_told_in_the_kubelets_words(conditions: tuple[dict[str, str], ...], retryable: bool) -> None:
    seen = job_seen(failed_job(), [evicted_pod(*conditions)], theirs=("train",))
    assert seen.problem is not None
    assert seen.problem.reason == "Evicted"
    assert seen.problem.message == f"pod run-train-x was evicted: {EVICTED.strip()}"
    assert seen.retryable is retryable


def killed_pod(limits: dict[str, str]) -> dict[str, Any]:
    killed = {"name": "train", "state": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}
    spec = {"containers": [{"name": "train", "resources": {"limits": limits}}]}
    return {"metadata": {"name": "run-train-x"}, "spec": spec, "status": {"initContainerStatuses": [killed]}}


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({"memory": "2Gi"}, "train ran out of memory (its limit is 2Gi): raise spec.resources.limits.memory"),
        (
            {},
            "train ran out of memory, that is, its node did: set spec.resources.limits.memory and as much as "
            "spec.resources.requests.memory",
        ),
    ],
    ids=["with-a-limit", "without"],
)
def test_out_of_memory_says_what_to_write(limits: dict[str, str], told: str) -> None:
    problem = job_seen(failed_job(), [killed_pod(limits)], theirs=("train",)).problem
    assert problem is not None
    assert problem.message == told


def test_long_lines_of_tests_keep_their_end() -> None:
    lines = "\n".join(["x" * 900, "y" * 900, "1 failed, 3 passed"])
    ended = {"name": "tests", "state": {"terminated": {"exitCode": 1, "reason": "Error", "message": lines}}}
    pod = {"metadata": {"name": "p"}, "status": {"phase": "Failed", "initContainerStatuses": [ended]}}
    problem = job_seen(failed_job(), [pod], ("tests", "train")).problem
    assert problem is not None
    assert problem.message.startswith("tests exited with code 1: …")
    assert "y | 1 failed, 3 passed; see kubectl logs p -c tests" in problem.message
    assert len(problem.message) < 1100


def test_retries_that_are_used_up_are_told_with_what_they_failed_by() -> None:
    job = failed_job()
    job["spec"] = {"backoffLimit": 2}
    job["status"]["conditions"][0]["reason"] = "BackoffLimitExceeded"
    job["status"]["failed"] = 3
    message = '{"result":"Failed","reason":"StoreUnavailable","message":"no route to it","retryable":true}'
    ended = {"name": "fetch", "state": {"terminated": {"exitCode": 75, "message": message}}}
    pod = {"metadata": {"name": "p"}, "status": {"phase": "Failed", "initContainerStatuses": [ended]}}
    seen = job_seen(job, [pod])
    assert seen.problem is not None
    assert (seen.problem.reason, seen.retryable) == ("StoreUnavailable", True)
    assert seen.problem.message == "no route to it; given up after 3 tries, as its backoffLimit is 2"
