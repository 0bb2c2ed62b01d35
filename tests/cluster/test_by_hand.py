"""A person takes a version through its whole rollout and back again, with kubectl and under live traffic."""

import httpx
import pytest

from .shop import Service, act, summer, train
from .world import World

pytestmark = pytest.mark.timeout(600, func_only=True)


def test_version_is_approved_tested_promoted_and_rolled_back_by_hand(
    world: World, request: pytest.FixtureRequest
) -> None:
    shop = train(world, "base", "good")
    rollout = {
        "steps": [{"pause": {}}, {"weight": 50, "duration": "2s"}, {"pause": {}}],
        "approval": "Required",
        "matches": [{"header": "x-tester", "value": "yes"}],
        "bakeTime": "10m",
    }
    with shop.serving(request.node.name, rollout=rollout) as service, service.load() as load:
        service.roll_out("good")
        world.wait_reason("modeldeployment", service.name, "AwaitingApproval")
        revision = service.status["candidate"]["revision"]
        assert answered_by(service, tester=True) == shop.versions["base"]

        act(service, f"approve {revision} the risk committee agreed")
        world.wait_reason("modeldeployment", service.name, "AwaitingPromotion")
        world.wait("testers reach it", lambda: answered_by(service, tester=True) == shop.versions["good"])
        assert answered_by(service, tester=False) == shop.versions["base"]
        service.wait_answers(load, "base")

        act(service, f"promote {revision} testers are content")
        service.wait_weight(50)
        world.wait("the last pause", lambda: service.status["step"] == 2)
        act(service, f"promote-full {revision}")
        service.wait_transition("Promoted")
        service.wait_answers(load, "good")

        act(service, f"rollback {shop.versions['base']} customers complain")
        told = service.wait_transition("RolledBackByHand")
        service.wait_answers(load, "base")
        assert (told["requestedBy"], told["reason"]) == ("ada", "customers complain")
        assert not load.errors
        print(f"{service.name}: {load.answered} answers, no error")


def answered_by(service: Service, *, tester: bool) -> int:
    headers = {"x-tester": "yes"} if tester else {}
    return int(httpx.post(service.url, json=summer()[0], headers=headers).raise_for_status().json()["model_version"])
