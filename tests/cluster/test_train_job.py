"""Trainings that Kubeflow Trainer does, on the real one: two pods train together and reach nothing that is not theirs,
and the version that comes of it is measured as any other.
"""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from localcluster.cluster import Cluster

from . import models
from .test_script import config_map, run
from .trainer import RUNTIME, trainer
from .world import World

pytestmark = [
    pytest.mark.timeout(900, func_only=True),
    pytest.mark.skipif(
        not os.environ.get("MODELWARD_TEST_ENGINE"), reason="builds Kubeflow Trainer and JobSet: make test-engine"
    ),
]

TOGETHER = """
import os, pathlib, time
from multiprocessing.connection import Client, Listener
import modelward_script
from sklearn.linear_model import LogisticRegression

rank, nodes = int(os.environ["PET_NODE_RANK"]), int(os.environ["PET_NNODES"])
port = int(os.environ["PET_MASTER_PORT"])
run = modelward_script.read()

assert os.getuid() == 65532, os.getuid()
assert "late" not in run.raw("test") and "late" not in run.raw("validation")
assert not os.listdir("/var/run/secrets/kubernetes.io/serviceaccount")
for place in ("/store", "/handoff", "/etc/modelward"):
    assert not pathlib.Path(place).exists(), place
assert not [name for name in os.environ if "AWS" in name or "STORE" in name], os.environ
for place in (__file__, "/usr/more"):
    try:
        open(place, "a")
    except OSError:
        continue
    raise AssertionError(f"{place} can be written to")

model = LogisticRegression().fit(run.x[rank::nodes], run.y[rank::nodes])
pathlib.Path(os.environ["MODELWARD_CHECKPOINT"], f"rank-{rank}").write_text("here")
if rank:
    for _ in range(300):
        try:
            with Client((os.environ["PET_MASTER_ADDR"], port), authkey=b"pair") as other:
                other.send((model.coef_, model.intercept_))
            break
        except OSError:
            time.sleep(0.2)
    else:
        raise SystemExit("the first node does not answer")
else:
    parts = [(model.coef_, model.intercept_)]
    with Listener(("", port), authkey=b"pair") as listener:
        while len(parts) < nodes:
            with listener.accept() as other:
                parts.append(other.recv())
    model.coef_, model.intercept_ = (sum(part) / nodes for part in zip(*parts))
    run.write(model)
    modelward_script.progress(1.0, f"{nodes} nodes together")
"""
RAISES = 'raise ValueError("no such column")'


def handed_over(name: str, nodes: int = 1, runtime: str = RUNTIME, **spec: Any) -> dict[str, Any]:
    engine = {"trainJob": {"runtimeRef": {"name": runtime}, "nodes": nodes}, "volume": {"size": "1Gi"}}
    return run(name, engine=engine, **spec)


def test_two_nodes_train_one_version_and_what_fails_says_why(
    alone: None, world: World, upgraded: Callable[[dict[str, str]], AbstractContextManager[None]]
) -> None:
    cluster = Cluster.get(world.kubeconfig.parent.name.removeprefix("modelward-cluster-"))
    world.apply(models.dataset(), config_map("pair", TOGETHER), config_map("raises", RAISES))
    world.apply(handed_over("waits", script={"configMap": {"name": "pair"}}))
    assert "engines.trainJob" in world.wait_reason("trainingrun", "waits", "EngineNotEnabled")["message"]
    with upgraded({"engines.trainJob": "true"}):
        world.wait_reason("trainingrun", "waits", "EngineMissing")
        with trainer(world, cluster):
            world.apply(handed_over("pair", 2, resources={"requests": {"cpu": "50m"}}), handed_over("raises"))
            world.apply(handed_over("lost", runtime="nowhere", script={"configMap": {"name": "pair"}}))
            published(world)
            failed = world.wait_condition("trainingrun", "raises", "Failed", "True", 240)
            assert failed["reason"] == "TrainFailed"
            assert "train.py, line 1: ValueError: no such column; see kubectl logs" in failed["message"]
            lost = world.wait("refusal", lambda: refused(world, "lost"))
            assert "nowhere" in lost
            world.wait_condition("trainingrun", "waits", "Complete", "True", 240)


def published(world: World) -> None:
    world.wait_condition("trainingrun", "pair", "Complete", "True", 300)
    found = world.get("trainingrun", "pair")
    assert found
    seen, version = found["status"]["engine"], world.get("modelversion", found["status"]["modelVersion"])
    assert (seen["nodes"], seen["succeeded"], seen["failed"], seen["summary"]) == (2, 2, 0, "2/2 succeeded")
    assert version
    assert version["spec"]["metrics"]["auc"] > 0.8
    assert version["spec"]["lineage"]["trainedAs"]["engine"]["trainJob"]["nodes"] == 2
    pods = world.find("pods", f"jobset.sigs.k8s.io/jobset-name={seen['trainJob']}")
    assert [pod["status"]["phase"] for pod in pods] == ["Succeeded"] * 2
    assert not [volume for pod in pods for volume in pod["spec"]["volumes"] if "projected" in volume]
    assert "HandedOver" in world.reasons("pair")
    world.wait(
        "the volume is given up", lambda: all("deletionTimestamp" in each["metadata"] for each in volumes(world))
    )
    world.kubectl("delete", "trainingrun", "pair", "--wait=false")
    world.wait("it goes with the pods", lambda: not volumes(world))


def volumes(world: World) -> list[dict[str, Any]]:
    return [claim for claim in world.find("pvc") if claim["metadata"]["name"].startswith("pair-")]


def refused(world: World, name: str) -> str | None:
    message = world.condition("trainingrun", name, "Ready").get("message", "")
    return message if "webhook" in message else None
