"""The health that Argo CD shows, by running the scripts as it does."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from lupa.lua51 import LuaRuntime

from modelward.api import GROUP, KINDS

FILE = Path(__file__).resolve().parents[3] / "crds/argocd/argocd-cm.yaml"
SCRIPTS: dict[str, str] = yaml.safe_load(FILE.read_text())["data"]
PREFIX = f"resource.customizations.health.{GROUP}_"

Conditions = dict[str, str]
Health = Callable[..., tuple[str, str]]


@pytest.fixture
def health() -> Health:
    """The health of a resource of that kind, phase and conditions (`Ready=True`), and its message."""

    def run(kind: str, *conditions: str, generation: int = 2, **status: Any) -> tuple[str, str]:
        listed = [
            {"type": t, "status": s, "message": f"{t} is {s}"} for t, _, s in (c.partition("=") for c in conditions)
        ]
        obj = {
            "metadata": {"generation": 2},
            "status": {"observedGeneration": generation, "conditions": listed} | status,
        }
        lua = LuaRuntime()
        found = lua.eval(f"function(obj)\n{SCRIPTS[PREFIX + kind]}\nend")(lua.table_from(obj, recursive=True))
        return found["status"], found["message"]

    return run


def test_every_kind_has_a_script() -> None:
    assert set(SCRIPTS) == {PREFIX + kind.__name__ for kind in KINDS}


@pytest.mark.parametrize("kind", [kind.__name__ for kind in KINDS])
def test_ready_resource_is_healthy(health: Health, kind: str) -> None:
    assert health(kind, "Ready=True") == ("Healthy", "Ready is True")


@pytest.mark.parametrize("kind", [kind.__name__ for kind in KINDS])
def test_resource_that_the_operator_has_not_seen_is_progressing(health: Health, kind: str) -> None:
    assert health(kind, "Ready=True", generation=1) == ("Progressing", "Waiting for the operator")
    assert health(kind, conditions=None) == ("Progressing", "Waiting for the operator")


@pytest.mark.parametrize("kind", [kind.__name__ for kind in KINDS])
def test_resource_at_work_is_progressing(health: Health, kind: str) -> None:
    assert health(kind, "Ready=Unknown") == ("Progressing", "Ready is Unknown")


@pytest.mark.parametrize("kind", ["Dataset", "DatasetVersion", "TrainingRun", "ModelVersion"])
def test_resource_that_is_not_ready_is_degraded(health: Health, kind: str) -> None:
    assert health(kind, "Ready=False") == ("Degraded", "Ready is False")


def test_failed_run_is_degraded_and_a_suspended_one_suspended(health: Health) -> None:
    assert health("TrainingRun", "Ready=False", "Failed=True") == ("Degraded", "Failed is True")
    assert health("TrainingRun", "Ready=Unknown", "Suspended=True") == ("Suspended", "Suspended is True")


def test_rolled_back_deployment_is_degraded_though_the_old_version_serves(health: Health) -> None:
    found = health(
        "ModelDeployment", "Ready=False", "Available=True", "RolledBack=True", "Stalled=True", phase="Stable"
    )
    assert found == ("Degraded", "RolledBack is True")


def test_paused_deployment_is_suspended(health: Health) -> None:
    found = health("ModelDeployment", "Ready=Unknown", "Available=True", "Progressing=True", phase="Paused")
    assert found == ("Suspended", "Ready is Unknown")


@pytest.mark.parametrize("reason", ["AwaitingApproval", "AwaitingPromotion"])
def test_deployment_that_waits_for_a_person_is_suspended(health: Health, reason: str) -> None:
    conditions = [{"type": "Ready", "status": "Unknown", "reason": reason, "message": "a person"}]
    assert health("ModelDeployment", phase="Canary", conditions=conditions) == ("Suspended", "a person")


def test_rollout_is_progressing(health: Health) -> None:
    found = health("ModelDeployment", "Ready=Unknown", "Available=True", "Progressing=True", phase="Canary")
    assert found == ("Progressing", "Ready is Unknown")


def test_deployment_that_waits_for_its_first_version_is_progressing(health: Health) -> None:
    found = health("ModelDeployment", "Ready=False", "Available=False", "Progressing=False", phase="Pending")
    assert found == ("Progressing", "Ready is False")


def test_deployment_that_no_longer_serves_is_degraded(health: Health) -> None:
    stable = {"modelVersion": "flights-1"}
    found = health(
        "ModelDeployment", "Ready=False", "Available=False", "Progressing=False", phase="Stable", stable=stable
    )
    assert found == ("Degraded", "Available is False")


def test_deployment_that_the_user_must_change_is_degraded(health: Health) -> None:
    assert health("ModelDeployment", "Ready=False", "Available=False", "Stalled=True")[0] == "Degraded"
