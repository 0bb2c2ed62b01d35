"""A trace's Job whose task is not there: its own operator makes it good, another's is given up."""

import pytest

from modelward.clients.fake import FakeKube
from modelward.decide.observed import TraceJob
from modelward.observe.deployment_jobs import trace_jobs
from modelward.observe.world import World
from modelward.settings import Settings

JOB = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "trace", "namespace": "ns", "labels": {"app.kubernetes.io/component": "trace"}},
}


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ("trace", TraceJob("trace", finished=False, has_task=False)),
        (None, TraceJob("trace", finished=True, failed=True, has_task=False)),
    ],
)
async def test_job_without_its_task_waits_for_it_only_if_that_can_still_come(
    own: str | None, expected: TraceJob
) -> None:
    kube = FakeKube()
    world = World(kube, Settings(training_image="training", scoring_image="scoring"))

    assert await trace_jobs(world, [kube.put(JOB)], own) == (expected,)
