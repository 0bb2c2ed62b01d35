"""A deployment at rest is read only when something names it: what no event brings, the sweep finds."""

import pytest

from faults.test_operator_killed import SERVED, second_version_is_tried
from faults.world import SWEEP, Town


@pytest.mark.parametrize("kind", ["ModelVersion", "Pod", "Deployment"])
async def test_lost_events_hold_a_new_version_up_until_the_sweep_at_most(kind: str) -> None:
    town = Town()
    town.lost = lambda found: found["kind"] == kind
    await second_version_is_tried(town, SERVED)
    promoted = lambda: (town.status().get("stable") or {}).get("modelVersion") == "flights-2"  # noqa: E731
    await town.until("promoted", promoted, SWEEP + 120)
    await town.rest()
