"""A cluster at rest: pods are scraped, requests are answered, and the operator writes nothing."""

import json
from datetime import UTC, datetime

import pytest

from .conftest import LONG
from .shop import Shop
from .world import World

pytestmark = pytest.mark.timeout(900, func_only=True)

QUIET_SECONDS = 300 if LONG else 30


def test_cluster_at_rest_sees_no_write_by_the_operator(shop: Shop, request: pytest.FixtureRequest, alone: None) -> None:
    with shop.serving(request.node.name) as service, service.load(rate=50) as load:
        service.world.wait(f"{QUIET_SECONDS} s without a write", lambda: quiet(service.world) > QUIET_SECONDS, 600)
        assert not load.errors


def quiet(world: World) -> float:
    """Seconds since the operator wrote anything, anywhere in the cluster."""
    events = [json.loads(line) for line in world.audit_log.read_text().rpartition("\n")[0].splitlines()]
    written = [e["stageTimestamp"] for e in events if e.get("userAgent") == "modelward"]
    return (datetime.now(UTC) - datetime.fromisoformat(max(written))).total_seconds()
