"""Runs in a queue of the real Kueue: the label is all it takes, and who waits says what for."""

from typing import Any

import pytest

from localcluster.cluster import Cluster

from . import models
from .kueue import QUEUE, kueue
from .world import World

pytestmark = pytest.mark.timeout(900, func_only=True)
LABEL = "kueue.x-k8s.io/queue-name"


def queued(name: str, queue: str = QUEUE) -> dict[str, Any]:
    run = models.run(name, "-")
    run["metadata"]["labels"] = {LABEL: queue}
    del run["spec"]["container"], run["spec"]["parameters"]
    run["spec"] |= {"estimator": {"name": "LogisticRegression"}, "retrain": True}
    return run


def test_runs_in_a_queue_with_room_for_one_follow_one_another(alone: None, world: World) -> None:
    cluster = Cluster.get(world.kubeconfig.parent.name.removeprefix("modelward-cluster-"))
    with kueue(world, cluster):
        world.apply(models.dataset())
        world.wait_condition("dataset", "trips", "Ready", "True")
        world.apply(queued("first"), queued("second"), queued("lost", "nowhere"))
        waits = world.wait("one of them waits", lambda: waiting(world, "first", "second"))
        assert waits.startswith(f"waits in queue {QUEUE}: "), waits
        assert "insufficient unused quota for pods in flavor any" in waits, waits
        for name in ("first", "second"):
            world.wait_condition("trainingrun", name, "Complete", "True", 300)
            assert world.condition("trainingrun", name, "Suspended")["status"] == "False"
        (began, ended), (began_next, _) = sorted(times(world, name) for name in ("first", "second"))
        assert began < ended <= began_next
        lost = world.wait_reason("trainingrun", "lost", "Queued")
        assert "nowhere" in lost["message"], lost
        assert "doesn't exist" in lost["message"], lost


def waiting(world: World, *names: str) -> str | None:
    """What is told of the first that a queue holds, after its Job's name, once the queue has said why."""
    for name in names:
        ready = world.condition("trainingrun", name, "Ready")
        if ready.get("reason") == "Queued" and ": " in ready["message"]:
            return f"waits in {ready['message'].partition(' waits in ')[2]}"
    return None


def times(world: World, name: str) -> tuple[str, str]:
    run = world.get("trainingrun", name)
    assert run
    job = world.get("job", run["status"]["job"])
    assert job
    return job["status"]["startTime"], job["status"]["completionTime"]
