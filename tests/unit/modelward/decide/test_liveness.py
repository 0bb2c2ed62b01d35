"""Liveness before proof: something serves wherever something can, and nobody is blamed without harm."""

from dataclasses import replace
from typing import Any

import pytest

from modelward.api import ModelVersion
from modelward.api.model_version import Tensor
from modelward.decide.judge.evidence import Window

from .simulated import Simulated, Trouble, healthy, serving, version, with_canary

STEPS = {"steps": [{"weight": 10, "duration": "5s"}, {"weight": 50, "duration": "5s"}], "bakeTime": "20s"}
GONE = Trouble("hold", "NodeLost", "node gone")


def promoted(**spec: Any) -> Simulated:
    world = with_canary(**({"rollout": STEPS} | spec))
    world.give(healthy(), healthy(), step=1000)
    world.run("Baking")
    return world


def asked_for(world: Simulated, number: int | str) -> None:
    world.spec = world.spec | {"modelRef": {"name": "flights", "version": number}}


def causes(world: Simulated) -> list[str]:
    return [t.cause for t in world.status.history]


# what is down is replaced by what is Ready


def test_dead_version_in_service_is_replaced_by_the_ready_candidate_at_once() -> None:
    world = serving(rollout=STEPS, replicas=2)
    world.troubles["flights-1"] = GONE
    world.settle()
    assert world.stable() == "flights-1", "there is nothing else"
    world.versions.append(version(2))
    world.run("Baking", limit=4)
    assert world.stable() == "flights-2"
    world.tick()
    assert world.status.stable
    assert world.front() == world.status.stable.revision
    assert world.condition("Available") == ("True", "Serving", "flights-2 serves")
    assert "StableDown" in causes(world)
    world.run("Stable")
    assert (world.stable(), world.status.verdicts) == ("flights-2", [])


def test_promoted_version_that_loses_its_pods_gives_way_to_the_warm_one() -> None:
    world = promoted()
    world.troubles["flights-2"] = GONE
    world.tick()
    assert (world.stable(), world.status.phase) == ("flights-1", "RollingBack")
    assert world.status.verdicts == []


def test_harm_does_not_lead_back_to_a_version_without_pods() -> None:
    world = promoted()
    world.troubles["flights-1"] = GONE
    world.give(Window(requests=500, failures=250), healthy())
    world.settle(3)
    assert (world.stable(), world.status.phase) == ("flights-2", "Baking")
    world.troubles.clear()
    world.run("RollingBack", limit=3)
    assert world.status.verdicts[-1].reason == "Errors"


def test_first_version_serves_as_soon_as_one_pod_is_ready() -> None:
    world = Simulated(spec={"modelRef": {"name": "flights"}, "replicas": 3})
    full = world._pods
    world._pods = lambda: [replace(p, ready=p.name.endswith("-0")) for p in full()]  # type: ignore[method-assign]
    world.run("Stable")
    world.settle()
    assert world.condition("Available") == ("True", "Serving", "flights-1 serves")
    ready = world.condition("Ready")
    assert ready
    assert ready[0] == "False"
    assert "1 of 3 pods" in ready[2]


# a version that served before


def test_warm_version_is_back_at_once_when_it_is_asked_for() -> None:
    world = promoted()
    asked_for(world, 1)
    world.run("RollingBack", limit=2)
    assert (world.stable(), world.status.history[-1].cause) == ("flights-1", "Undone")
    world.run("Stable", limit=20)
    assert world.status.verdicts == []
    assert world.status.set_aside is None


def test_version_that_served_well_needs_no_canary() -> None:
    world = promoted()
    world.run("Stable")
    asked_for(world, 1)
    world.give()
    phases = world.run("Baking", limit=10)
    assert "Canary" not in phases
    assert world.stable() == "flights-1"


def test_version_that_served_well_is_tried_anew_where_that_is_asked_for() -> None:
    world = promoted(rollout=STEPS | {"undo": "Steps"})
    asked_for(world, 1)
    assert "Canary" in world.run("Canary", limit=60)
    assert world.status.candidate
    assert world.status.candidate.model_version == "flights-1"


# too little to judge by


def quiet(**analysis: Any) -> Simulated:
    return with_canary(rollout=STEPS | {"progressDeadlineSeconds": 60}, analysis=analysis)


@pytest.mark.parametrize(
    ("failures", "requests", "phase"), [(10, 10, "RollingBack"), (1, 72, "Promoting"), (0, 30, "Promoting")]
)
def test_at_the_deadline_what_was_seen_decides(failures: int, requests: int, phase: str) -> None:
    world = quiet()
    few = Window(requests=requests, failures=failures) if requests != 10 else Window(requests=4, failures=4)
    world.give(few, healthy(90), step=requests - failures, once=True)
    world.run(phase, limit=60)
    assert world.status.verdicts == []
    assert (world.status.set_aside is not None) == (phase == "RollingBack")


def test_deadline_cuts_no_step_short_that_was_asked_to_last_longer() -> None:
    steps = [{"weight": 10, "duration": "10m"}]
    world = with_canary(rollout={"steps": steps, "bakeTime": "20s", "progressDeadlineSeconds": 60})
    world.settle(200)
    assert (world.status.phase, world.status.weight) == ("Canary", 10)
    world.run("Promoting", limit=110)


def test_without_evidence_the_rollout_may_be_ended_and_is_tried_again_when_asked() -> None:
    world = quiet(onNoEvidence="Rollback")
    world.run("RollingBack", limit=60)
    world.run("Stable")
    world.settle(20)
    assert world.status.phase == "Stable"
    rolled_back = world.condition("RolledBack")
    assert rolled_back
    assert rolled_back[:2] == ("True", "NoEvidence")
    assert world.condition("VerdictStored") is None
    assert world.jobs == {}
    world.spec = world.spec | {"rollout": STEPS | {"retry": 1}}
    world.run("Canary")


def test_version_is_promoted_where_the_one_in_service_answers_nobody() -> None:
    world = with_canary(rollout=STEPS)
    world.give(healthy(), Window(requests=5000), step=1000)
    world.run("Baking")
    assert world.stable() == "flights-2"


# steps and widths


def test_steps_above_half_are_kept_as_written() -> None:
    world = with_canary(rollout={"steps": [{"weight": 10, "duration": "5s"}, {"weight": 90, "duration": "1h"}]})
    world.give(healthy(), healthy(), step=1000)
    world.settle(50)
    assert (world.status.phase, world.status.weight) == ("Canary", 90)


def test_without_replicas_a_version_takes_over_without_a_pod() -> None:
    world = serving()
    world.spec = world.spec | {"replicas": 0}
    world.versions.append(version(2))
    world.settle()
    assert (world.stable(), world.status.phase, world.status.verdicts) == ("flights-2", "Stable", [])
    assert [o["spec"]["replicas"] for (kind, _), o in world.objects.items() if kind == "Deployment"] == [0]
    world.spec = world.spec | {"replicas": 2}
    world.settle()
    assert world.condition("Ready") == ("True", "Serving", "flights-2 serves on 2 replicas")


def test_equal_quantities_start_no_rollout() -> None:
    world = serving(resources={"requests": {"cpu": "0.1"}, "limits": {"memory": "0.5Gi"}})
    world.spec = world.spec | {"resources": {"requests": {"cpu": "100m"}, "limits": {"memory": "512Mi"}}}
    world.settle()
    assert world.status.phase == "Stable"
    assert causes(world).count("RolloutStarted") == 0


# deployments made anew


def rebuilt(world: Simulated) -> Simulated:
    """The same manifests in an empty cluster; the store is still there."""
    return Simulated(spec=world.spec, versions=world.versions, store=world.store)


def test_deployment_made_anew_serves_the_version_that_was_promoted() -> None:
    before = promoted()
    before.run("Stable")
    before.settle()
    world = rebuilt(before)
    world.settle(10)
    assert (world.stable(), world.status.phase) == ("flights-2", "Stable")
    assert "ServedBefore" not in causes(world)


def test_version_that_served_before_and_cannot_start_any_more_gives_way() -> None:
    world = rebuilt(with_canary(rollout=STEPS))
    world.troubles["flights-1"] = Trouble("harm", "BlobMissing", "the store holds no such blob")
    world.run("Stable")
    world.settle(10)
    assert world.stable() == "flights-2"


def test_latest_falls_back_to_an_accepted_version_where_nothing_serves() -> None:
    world = Simulated(versions=[version(1), version(2)])
    world.troubles["flights-2"] = Trouble("harm", "RejectedRevision", "flights-2 was rolled back here before")
    world.run("Stable")
    world.settle(10)
    assert (world.stable(), world.status.phase) == ("flights-1", "Stable")
    ready = world.condition("Ready")
    assert ready
    assert ready[:2] == ("False", "RolledBack")


# signatures


def with_signature(number: int, inputs: dict[str, str], outputs: dict[str, str] | None = None) -> ModelVersion:
    found = version(number)
    sides = [
        [Tensor(name=name, datatype=datatype, shape=[-1, 1]) for name, datatype in side.items()]
        for side in (inputs, outputs or {"label": "INT64"})
    ]
    signature = found.spec.signature.model_copy(update={"inputs": sides[0], "outputs": sides[1]})
    return found.model_copy(update={"spec": found.spec.model_copy(update={"signature": signature})})


@pytest.mark.parametrize(
    ("inputs", "outputs", "said"),
    [
        ({"length": "BYTES"}, None, "input length takes BYTES [-1, 1] instead of FP32 [-1, 1]"),
        ({"size": "FP32"}, None, "input length is gone; input size is new"),
        ({"length": "FP32", "depth": "FP32"}, None, "input depth is new"),
        ({"length": "FP32"}, {"score": "FP32"}, "output label is gone"),
        ({"length": "FP32"}, {"label": "BYTES"}, "output label is BYTES [-1, 1] instead of INT64 [-1, 1]"),
    ],
)
def test_version_that_does_not_fit_its_clients_is_held_until_that_is_accepted(
    inputs: dict[str, str], outputs: dict[str, str] | None, said: str
) -> None:
    world = Simulated(spec={"modelRef": {"name": "flights"}}, versions=[with_signature(1, {"length": "FP32"})])
    world.run("Stable")
    world.versions.append(with_signature(2, inputs, outputs))
    world.settle(20)
    assert (world.stable(), world.status.phase) == ("flights-1", "Stable")
    for type_, status in (("Ready", "False"), ("Stalled", "True")):
        condition = world.condition(type_)
        assert condition
        assert condition[:2] == (status, "SignatureChanged")
        assert said in condition[2]
        assert "acceptSignature" in condition[2]
    world.spec = world.spec | {"rollout": {"acceptSignature": True}}
    world.run("Canary", limit=5)


def test_version_that_says_more_is_tried_as_any_other() -> None:
    world = Simulated(versions=[with_signature(1, {"length": "FP32"})])
    world.run("Stable")
    world.versions.append(with_signature(2, {"length": "FP32"}, {"label": "INT64", "score": "FP32"}))
    world.run("Canary", limit=5)


# words


def test_progress_says_what_is_missing_in_steps_that_do_not_churn() -> None:
    world = with_canary(rollout=STEPS)
    said = set()
    for seen in range(100):
        world.give(healthy(2) if seen else None, healthy(20))
        world.tick()
        progressing = world.condition("Progressing")
        assert progressing
        said.add(progressing[2])
    assert any("about 200 more answers, some" in message for message in said)
    assert len(said) < 12
