"""Rollouts under live traffic, with every error that a client could see counted: there is to be none."""

import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from .load import Load
from .shop import QUICK, Service, Shop, act, strange, train, winter
from .store import change_byte, run_in_store
from .world import World

pytestmark = pytest.mark.timeout(600, func_only=True)

STRAIGHT_TO_HALF: dict[str, Any] = {
    "rollout": {"steps": [{"weight": 50, "duration": "2s"}]},
    "analysis": QUICK | {"minRequests": 300},
}
"""Drift wants a few hundred answers of either version."""
SCARCE = {"requests": {"cpu": "50m", "memory": "24Mi"}, "limits": {"memory": "24Mi"}}
"""Less memory than the server needs to start."""


def assert_rolled_back(service: Service, load: Load, reason: str) -> str:
    """The cause is told everywhere that people look, and no client noticed. The verdict's message."""
    world, name = service.world, service.name
    told = world.wait_condition("modeldeployment", name, "RolledBack", "True")
    assert told["reason"] == reason, service.status["history"]
    service.wait_transition("RollbackComplete")
    service.wait_answers(load, "base")
    world.wait_condition("modeldeployment", name, "VerdictStored", "True")
    status = service.status
    assert status["phase"] == "Stable"
    assert status["stable"]["version"] == service.shop.versions["base"]
    assert [t["cause"] for t in status["history"]].count(reason) == 1
    assert world.reasons(name).count(reason) == 1
    assert {c["type"]: c["reason"] for c in status["conditions"]}["Ready"] == "RolledBack"
    assert len(world.find("deployments", f"modelward.dev/deployment={name}")) == 1
    (verdict,) = status["verdicts"]
    assert verdict["stored"]
    stored = json.loads(run_in_store(world, f"print(open('verdicts/{name}/{verdict['revision']}.json').read())"))
    assert (stored["reason"], stored["message"]) == (reason, verdict["message"])
    assert not load.errors
    print(f"{name}: {load.answered} answers, no error; {reason}: {verdict['message']}")
    return str(verdict["message"])


def assert_rejected(service: Service, version: str) -> None:
    """The ModelVersion says where it was rejected."""

    def roles() -> list[str]:
        found = service.world.get("modelversion", f"trips-{service.shop.versions[version]}") or {}
        served = found.get("status", {}).get("deployments", [])
        return [s["role"] for s in served if s["deployment"] == service.name and "until" not in s]

    service.world.wait(f"{version} is marked as rejected", lambda: roles() == ["Rejected"])


def test_version_that_fails_requests_is_rolled_back_and_a_namesake_elsewhere_sees_nothing(
    shop: Shop, world: World, request: pytest.FixtureRequest
) -> None:
    title, neighbour = request.node.name, train(world, "base")
    with (
        shop.serving(title) as service,
        neighbour.serving(title) as namesake,
        service.load(strange()) as load,
        namesake.load(strange(), rate=20) as other,
    ):
        assert service.name == namesake.name
        before = namesake.status["history"]
        service.roll_out("errors")
        message = assert_rolled_back(service, load, "Errors")
        assert "of the candidate's" in message
        assert "rejected" in message, "why they failed"
        assert_rejected(service, "errors")
        assert namesake.status["history"] == before
        assert not other.errors


def test_version_that_is_slow_is_seen_to_be_and_not_promoted(shop: Shop, request: pytest.FixtureRequest) -> None:
    """How soon that is beyond doubt depends on what else keeps the node busy: here other tests. Benchmarks tell."""
    straight = STRAIGHT_TO_HALF | {"analysis": {"minRequests": 300, "maxErrorIncreasePercent": 50}}
    with shop.serving(request.node.name, **straight) as service, service.load() as load:
        service.roll_out("slow")
        service.wait_transition("StepStarted")
        time.sleep(50)
        status = service.status
        if status["phase"] == "Canary":
            act(service, f"abort {status['candidate']['revision']} seen enough")
        service.wait_transition("RollbackComplete")
        history = service.status["history"]
        (ended,) = (t for t in history if t["to"] == "RollingBack")
        assert ended["cause"] in ("Latency", "Aborted"), history
        print(f"{service.name}: {load.answered} answers, no error; {ended['cause']}: {ended['evidence']}")
        assert ended["evidence"]["latencyRate"] > 1.5 * ended["evidence"]["latencyStableRate"]
        assert "Promoted" not in {t["cause"] for t in history}
        assert not load.errors


def test_version_trained_in_another_unit_is_rolled_back(shop: Shop, request: pytest.FixtureRequest) -> None:
    with shop.serving(request.node.name, **STRAIGHT_TO_HALF) as service, service.load() as load:
        service.roll_out("kilometres")
        message = assert_rolled_back(service, load, "Skew")
        assert "distance" in message
        assert_rejected(service, "kilometres")


def test_version_whose_bytes_were_changed_in_the_store_is_rolled_back(
    shop: Shop, request: pytest.FixtureRequest
) -> None:
    version = shop.world.get("modelversion", f"trips-{shop.versions['tampered']}")
    assert version
    run_in_store(shop.world, change_byte(version["spec"]["model"]["digest"]))
    with shop.serving(request.node.name) as service, service.load() as load:
        service.roll_out("tampered")
        message = assert_rolled_back(service, load, "DigestMismatch")
        assert version["spec"]["model"]["digest"] in message
        assert_rejected(service, "tampered")


def test_revision_that_runs_out_of_memory_is_rolled_back(shop: Shop, request: pytest.FixtureRequest) -> None:
    with shop.serving(request.node.name) as service, service.load() as load:
        service.roll_out("base", resources=SCARCE)
        message = assert_rolled_back(service, load, "OOMKilled")
        assert "limits" in message


def test_revision_whose_server_crashes_at_start_is_rolled_back(
    shop: Shop, request: pytest.FixtureRequest, upgraded: Callable[..., AbstractContextManager[None]]
) -> None:
    """The chart brings a scoring image with a defect: what serves keeps its own, the next rollout meets the new one."""
    defect = {"images.scoring": shop.world.images["modelward-crashing"]}
    with shop.serving(request.node.name) as service, service.load() as load, upgraded(defect):
        service.roll_out("good")
        message = assert_rolled_back(service, load, "CrashLoop")
        assert "this build of the server has no event loop" in message


def test_good_version_is_promoted_and_every_client_follows(shop: Shop, request: pytest.FixtureRequest) -> None:
    with shop.serving(request.node.name) as service, service.load() as load:
        service.roll_out("good")
        service.wait_transition("Promoted")
        service.wait_answers(load, "good")
        service.wait_transition("Baked")
        service.wait_answers(load, "good")
        assert service.world.condition("modeldeployment", service.name, "Ready")["status"] == "True"
        assert service.world.condition("modeldeployment", service.name, "RolledBack") == {}
        service.world.wait("the last Event", lambda: "Baked" in service.world.reasons(service.name))
        told = service.world.reasons(service.name)
        assert [told.count(cause) for cause in ("RolloutStarted", "Promoted", "Baked")] == [1, 1, 1]
        assert not load.errors
        print(f"{service.name}: {load.answered} answers, no error")


def test_harm_after_promotion_brings_every_client_back(shop: Shop, request: pytest.FixtureRequest) -> None:
    """Requests with an hour that nobody knew appear only now; only they fail, until the version before answers them."""
    bake = {"steps": [{"weight": 50, "duration": "2s"}], "bakeTime": "10m", "progressDeadlineSeconds": 120}
    with shop.serving(request.node.name, rollout=bake) as service, service.load() as load:
        service.roll_out("errors")
        service.wait_transition("Promoted")
        service.wait_answers(load, "errors")
        with service.load(strange(1), rate=20) as odd:
            assert_rolled_back(service, load, "Errors")
            service.wait_answers(odd, "base")
            assert all(error.startswith("400") for error in odd.errors), odd.errors
            failed = odd.errors.total()
            service.wait_answers(odd, "base")
            assert odd.errors.total() == failed
        assert_rejected(service, "errors")


def test_shift_that_both_versions_share_is_reported_and_rolls_nothing_back(
    shop: Shop, request: pytest.FixtureRequest
) -> None:
    with shop.serving(request.node.name, **STRAIGHT_TO_HALF) as service, service.load() as load:
        service.roll_out("good")
        service.wait_transition("StepStarted")
        load.use(winter())
        drifted = service.world.wait_condition("modeldeployment", service.name, "Drifted", "True")
        assert "distance" in drifted["message"]
        service.wait_transition("Promoted")
        assert service.status.get("verdicts", []) == []
        assert service.world.reasons(service.name).count("Drift") == 1
        assert not load.errors
        print(f"{service.name}: {load.answered} answers, no error; {drifted['message']}")
