"""The split is exact: of 10,000 requests, so many reach the candidate."""

import asyncio

import pytest

from .load import count_versions
from .shop import Shop, summer

pytestmark = pytest.mark.timeout(600, func_only=True)

REQUESTS = 10_000
ALLOWED = {1: (90, 110), 10: (980, 1020), 50: (4950, 5050)}


def test_candidate_gets_its_share_of_ten_thousand_requests(shop: Shop, request: pytest.FixtureRequest) -> None:
    """Two servers split, over keep-alive connections. The step is edited on the way: policy is no new rollout."""
    with shop.serving(request.node.name, replicas=2) as service:
        found = {}
        for weight in ALLOWED:
            steps = [{"weight": weight, "duration": "1h"}]
            service.roll_out("good", rollout={"steps": steps})
            service.wait_weight(weight)
            service.wait_confirmed()
            tried_before, all_before = service.tried()
            asyncio.run(count_versions(service.url, summer(), REQUESTS))
            tried, all_ = service.tried()
            assert all_ - all_before == REQUESTS
            found[weight] = tried - tried_before
        print(f"of {REQUESTS} requests reached the candidate: {found}")
        for weight, (least, most) in ALLOWED.items():
            assert least <= found[weight] <= most, found
