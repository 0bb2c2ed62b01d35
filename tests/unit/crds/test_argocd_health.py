"""The health that Argo CD shows, by running the scripts as it does, over what the decisions really write."""

import ast
import re
from pathlib import Path

import pytest
import yaml

import modelward.decide
from modelward.api import GROUP, KINDS
from modelward.api.common import Condition
from modelward.decide import deployment_conditions
from modelward.decide.jobs import NOT_BEGUN
from modelward.decide.stalled import MAY_COME

from .scenes import SCENES, Scene
from .testdata import FOLDER, existing, files, health_of

DECIDE = Path(modelward.decide.__file__).parent
NAMES = [kind.__name__ for kind in KINDS]
PREFIX = "resource.customizations"


def test_snippet_is_what_the_scripts_say_and_has_every_kind() -> None:
    data = yaml.safe_load((FOLDER.parents[1] / "argocd-cm.yaml").read_text())["data"]
    for kind in NAMES:
        assert data[f"{PREFIX}.health.{GROUP}_{kind}"] == (FOLDER / kind / "health.lua").read_text()
        if kind != "DatasetVersion":
            actions = yaml.safe_load(data[f"{PREFIX}.actions.{GROUP}_{kind}"])
            scripts = {path.parent.name: path.read_text() for path in (FOLDER / kind).glob("actions/*/action.lua")}
            assert {each["name"]: each["action.lua"] for each in actions["definitions"]} == scripts
            assert actions["discovery.lua"] == (FOLDER / kind / "actions/discovery.lua").read_text()


@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: f"{scene.kind}-{scene.name}")
async def test_state_has_the_health_that_a_person_would_say(scene: Scene) -> None:
    assert health_of(await scene.make())[0] == scene.health


async def test_files_for_argo_cds_repository_are_as_the_decisions_write_them() -> None:
    wanted = await files()
    stale = [path.name for path, text in wanted.items() if not path.exists() or path.read_text() != text]
    assert not stale, "run `make crds`"
    assert existing(NAMES) == wanted.keys(), "run `make crds`"


@pytest.mark.parametrize("kind", NAMES)
def test_resource_that_the_operator_has_not_seen_is_progressing(kind: str) -> None:
    pending = Condition(type="Ready", status="Unknown", reason="Pending").wire()
    for status in ({"conditions": [pending]}, {}):
        found = {"kind": kind, "metadata": {"generation": 1}, "spec": {}, "status": status}
        assert health_of(found) == ("Progressing", "Waiting for the operator")


def test_every_reason_of_a_deployments_ready_has_a_scene() -> None:
    """Those of checks and of pods stand in other conditions, or for many."""
    listed = re.search(r"of Ready: (.*?), and any reason", deployment_conditions.__doc__ or "", re.DOTALL)
    assert listed
    reasons = set(re.findall(r"\w+", listed.group(1))) - {"Pending", "QueryRefused", "ServerNotAllowed"}
    shown = {_ready(path) for path in (FOLDER / "ModelDeployment/testdata").glob("*.yaml")}
    assert reasons <= shown


def _ready(path: Path) -> str:
    conditions = yaml.safe_load(path.read_text())["status"]["conditions"]
    return next(str(each["reason"]) for each in conditions if each["type"] == "Ready")


def test_whatever_is_waited_for_is_either_said_to_come_or_to_need_somebody() -> None:
    """A new reason belongs into one of them."""
    somebody_acts = {
        *("SourceSecretNotLabelled", "ScriptTooLarge", "ParentCircle"),
        *("ImagePullBackOff", "ErrImageNeverPull", "CreateContainerConfigError", "CreateContainerError"),
    }
    of_deployments = {"VersionDeleted", "VersionNotVerified", "AliasNotHeld"}
    reasons = {reason for path in DECIDE.rglob("*.py") for reason in _waits(path)} | NOT_BEGUN
    assert reasons == MAY_COME | somebody_acts | of_deployments


def _waits(path: Path) -> list[str]:
    tree = ast.parse(path.read_text())
    constants = dict(_constants(tree))
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name))
    waits = (call.args[0] for call in calls if getattr(call.func, "id", "") == "Wait")
    found = []
    for given in waits:
        if isinstance(given, ast.Constant):
            found.append(str(given.value))
        elif isinstance(given, ast.Name):
            found.append(constants.get(given.id, "ScriptNotFound"))
    return found


def _constants(tree: ast.Module) -> list[tuple[str, str]]:
    """Of the module: `A, B = "a", "b"` as well."""
    pairs = []
    for node in tree.body:
        if isinstance(node, ast.Assign):
            (target,), value = node.targets, node.value
            names = target.elts if isinstance(target, ast.Tuple) else [target]
            values = value.elts if isinstance(value, ast.Tuple) else [value]
            pairs += [
                (name.id, str(each.value))
                for name, each in zip(names, values, strict=False)
                if isinstance(name, ast.Name) and isinstance(each, ast.Constant)
            ]
    return pairs
