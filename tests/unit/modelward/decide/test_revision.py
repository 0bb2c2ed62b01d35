"""Which revision a spec asks for. Its identity outlives releases: another hash would be a rollout for everybody."""

from typing import Any

import pytest

from modelward.api.resources import Resources
from modelward.decide.revision import revision_of

from .simulated import serving

DIGEST = "sha256:" + "0a" * 32
GOLDEN = {
    "26f3c7bdba": {},
    "a739c0144d": {"requests": {"cpu": "500m"}, "limits": {"cpu": 2, "memory": "1Gi"}},
    "38aefc1f18": {"requests": {"cpu": "0.1"}, "limits": {"memory": "0.5Gi"}},
}


@pytest.mark.parametrize(("revision", "resources"), GOLDEN.items())
def test_identity_is_what_it_was_in_earlier_releases(revision: str, resources: dict[str, Any]) -> None:
    assert revision_of(DIGEST, Resources.model_validate(resources), "scoring:1") == revision


@pytest.mark.parametrize(
    "change",
    [
        {"pod": {"nodeSelector": {"disk": "ssd"}, "labels": {"team": "air"}}},
        {"disruptionBudget": {"enabled": False}},
        {"replicas": 3},
        {"resources": {"requests": {"cpu": "100m", "memory": "1Gi"}, "limits": {"memory": "512Mi"}}},
        {"resources": {"requests": {"cpu": 0.1, "memory": "1024Mi"}, "limits": {"memory": 536870912}}},
    ],
)
def test_what_changes_no_server_starts_no_rollout(change: dict[str, Any]) -> None:
    world = serving(resources={"requests": {"cpu": "0.1", "memory": "1Gi"}, "limits": {"memory": "0.5Gi"}})
    before = world.status.stable
    world.spec = {**world.spec, **change}
    world.settle()
    assert (world.status.phase, world.status.stable) == ("Stable", before)


def test_other_amounts_are_another_revision() -> None:
    world = serving(resources={"limits": {"memory": "0.5Gi"}})
    world.spec = {**world.spec, "resources": {"limits": {"memory": "0.5G"}}}
    assert world.run("Canary")
