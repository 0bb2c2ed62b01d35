"""Drains: every pod of a service can be evicted, one after the other, and no client notices."""

import json
from typing import Any

import pytest

from .shop import Service, Shop, strange

pytestmark = pytest.mark.timeout(600, func_only=True)

HELMS = {"app.kubernetes.io/managed-by": "Helm"}


def pods(service: Service) -> dict[str, bool]:
    """Those that serve, and are not being taken away: are they Ready?"""
    found = service.world.find("pods", service.status["selector"])
    return {
        pod["metadata"]["name"]: any(
            c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", [])
        )
        for pod in found
        if "deletionTimestamp" not in pod["metadata"]
    }


def evict(service: Service, pod: str) -> bool:
    """As `kubectl drain` does. False: the budget does not allow it now."""
    world = service.world
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod, "namespace": world.namespace}}
    path = f"/api/v1/namespaces/{world.namespace}/pods/{pod}/eviction"
    try:
        world.kubectl("create", f"--raw={path}", "--filename=-", stdin=json.dumps(eviction))
    except AssertionError as refused:
        if "disruption budget" not in str(refused):
            raise
        return False
    return True


def drain(service: Service) -> None:
    """Both pods go; the second only once the first is replaced."""
    first, second = pods(service)
    assert evict(service, first)
    assert not evict(service, second)
    service.world.wait("the other may go as well", lambda: evict(service, second))
    assert sum(pods(service).values()) >= 1
    service.world.wait("two others serve", lambda: list(pods(service).values()) == [True, True])
    assert not {first, second} & pods(service).keys()


def budgets(service: Service) -> list[dict[str, Any]]:
    return service.world.find("poddisruptionbudgets", f"modelward.dev/deployment={service.name}")


def test_both_replicas_are_evicted_one_after_the_other_and_no_request_is_lost(
    shop: Shop, request: pytest.FixtureRequest
) -> None:
    with shop.serving(request.node.name, replicas=2) as service, service.load() as load:
        service.wait_answers(load, "base")
        service.world.wait(
            "the budget counts", lambda: [b["status"]["disruptionsAllowed"] for b in budgets(service)] == [1]
        )
        drain(service)
        service.wait_answers(load, "base")
        assert not load.errors
        print(f"{service.name}: {load.answered} answers, no error")

        service.world.kubectl("scale", "modeldeployment", service.name, "--replicas=1")
        service.world.wait("one replica has no budget", lambda: not budgets(service))


def test_budget_of_the_users_own_lets_pods_go_after_a_rollback_as_well(
    shop: Shop, request: pytest.FixtureRequest
) -> None:
    """It selects by the deployment's name; what wrote the verdict is not among what it selects."""
    with shop.serving(request.node.name, replicas=2) as service, service.load(strange()) as load:
        world, name = service.world, service.name
        spec = {"maxUnavailable": 1, "selector": {"matchLabels": {"modelward.dev/deployment": name}}}
        own = {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": name, "labels": HELMS},
            "spec": spec,
        }
        world.apply(own)
        try:
            world.wait("ours makes room", lambda: not budgets(service))
            service.roll_out("errors")
            world.wait_condition("modeldeployment", name, "RolledBack", "True")
            world.wait_condition("modeldeployment", name, "VerdictStored", "True")
            service.wait_transition("RollbackComplete")
            world.wait("pods may go", lambda: (world.get("pdb", name) or {})["status"]["disruptionsAllowed"] == 1)
            drain(service)
            assert not load.errors
            world.wait(
                "the Job that wrote the verdict is gone",
                lambda: not world.find("jobs", f"modelward.dev/deployment={name}"),
            )
        finally:
            world.kubectl("delete", "pdb", name)
