"""The operator is away, or killed, in a rollout: traffic stays as it was, and the rollout ends as it should."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from .conftest import LONG, OPERATOR
from .load import count_versions
from .shop import Shop, strange, summer
from .test_rollouts import assert_rolled_back
from .world import World

pytestmark = pytest.mark.timeout(1200, func_only=True)

REQUESTS = 2_000
AWAY_SECONDS = 600 if LONG else 0
"""At least; the requests take their time too."""
KILLS = 5
ONCE = {"RolloutStarted": 1, "StepStarted": 2, "Promoted": 1, "Baked": 1}


def test_rollout_goes_on_where_it_was_after_the_operator_was_away(
    shop: Shop, request: pytest.FixtureRequest, operator_away: Callable[[], AbstractContextManager[None]]
) -> None:
    """While it is away the candidate's share stays exact, and a scoring pod that starts anew still serves."""
    with shop.serving(request.node.name) as service, service.load() as load:
        service.roll_out("good", rollout={"steps": [{"weight": 10, "duration": "1h"}]})
        service.wait_weight(10)
        service.wait_confirmed()
        with operator_away():
            back = time.monotonic() + AWAY_SECONDS
            tried_before, all_before = service.tried()
            answers: Counter[str] = Counter()
            while not answers or time.monotonic() < back:
                answers += asyncio.run(count_versions(service.url, summer(), REQUESTS))
            tried, all_ = service.tried()
            assert answers.total() % REQUESTS == 0
            assert answers[str(shop.versions["good"])] > 0
            assert 0.095 <= (tried - tried_before) / (all_ - all_before) <= 0.105
        service.roll_out("good", rollout={"steps": [{"weight": 10, "duration": "2s"}]})
        service.wait_transition("Promoted")
        service.wait_answers(load, "good")
        service.wait_transition("Baked")
        assert [t["cause"] for t in service.status["history"]].count("RolloutStarted") == 1
        assert not load.errors


def test_harmful_version_is_rolled_back_by_the_operator_that_comes_back(
    shop: Shop, request: pytest.FixtureRequest, operator_away: Callable[[], AbstractContextManager[None]]
) -> None:
    """The harm begins while nobody looks on; clients are shielded all the same."""
    with shop.serving(request.node.name) as service, service.load() as load:
        service.roll_out("errors", rollout={"steps": [{"weight": 10, "duration": "1h"}]})
        service.wait_weight(10)
        service.wait_confirmed()
        with operator_away():
            load.use(strange())
            asyncio.run(count_versions(service.url, strange(), 500))
        assert_rolled_back(service, load, "Errors")


def test_rollout_ends_as_it_should_though_the_operator_is_killed_again_and_again(
    shop: Shop, request: pytest.FixtureRequest, home: World, alone: None
) -> None:
    """Some seconds apart, and nobody waits for its end; each transition happens once all the same."""
    with shop.serving(request.node.name) as service, service.load() as load:
        service.roll_out("good")
        for _ in range(KILLS):
            home.kubectl("delete", "pod", f"--selector={OPERATOR}", "--force", "--grace-period=0")
            home.kubectl("rollout", "status", "deployment", "modelward", "--timeout=60s")
        service.wait_transition("Promoted")
        service.wait_answers(load, "good")
        service.wait_transition("Baked")
        causes = Counter(t["cause"] for t in service.status["history"])
        assert {cause: causes[cause] for cause in ONCE} == ONCE, causes
        assert not load.errors
