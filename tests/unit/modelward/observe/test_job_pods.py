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
    seen = job_seen(failed_job(), [evicted_pod(*conditions)], theirs="train")
    assert seen.problem is not None
    assert seen.problem.reason == "Evicted"
    assert seen.problem.message == f"pod run-train-x was evicted: {EVICTED.strip()}"
    assert seen.retryable is retryable
