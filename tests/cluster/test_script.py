"""Scripts on a node: what they need is there, what is not theirs is out of reach, and what they break is told."""

from pathlib import Path
from typing import Any

import pytest

from gitserver import GitServer, Repository

from . import models
from .host import reachable
from .world import World

pytestmark = pytest.mark.timeout(900, func_only=True)

GOOD = """
import modelward_script
from {module} import {model}

run = modelward_script.read()
run.write({model}(n_estimators=10, random_state=run.seed).fit(run.x, run.y))
"""
LIGHTGBM = GOOD.format(module="lightgbm", model="LGBMClassifier")
XGBOOST = GOOD.format(module="xgboost", model="XGBClassifier")
SPY = """
import os, pathlib, socket, ssl, urllib.error, urllib.request
import modelward_script

run = modelward_script.read()
for place in ("/store", "/handoff", "/etc/modelward", "/var/run/secrets/kubernetes.io"):
    assert not pathlib.Path(place).exists(), place
assert not [name for name in os.environ if "AWS" in name or "SOURCE_" in name or "STORE" in name], os.environ
assert "late" not in run.raw("test") and "late" not in run.raw("validation")
for place in (__file__, "/opt/modelward/more.py", "/script/more.py"):
    try:
        open(place, "w")
    except OSError:
        continue
    raise AssertionError(f"{place} can be written to")
assert os.getuid() == 65532, os.getuid()
api = f"https://{os.environ['KUBERNETES_SERVICE_HOST']}/api/v1/namespaces/default/secrets"
trusting = ssl._create_unverified_context()
try:
    urllib.request.urlopen(api, context=trusting, timeout=5)
except urllib.error.HTTPError as refused:
    assert refused.code in (401, 403), refused
except OSError:
    pass
else:
    raise AssertionError("the API answers")
""" + LIGHTGBM.replace("import modelward_script\n", "").replace("run = modelward_script.read()\n", "")
BAD = {
    "raises": ("TrainFailed", "train.py, line 7: ValueError: no such column", 'raise ValueError("no such column")'),
    "swells": ("InvalidOutput", "larger than", "import os; os.truncate(run.target / 'model.onnx', 1 << 40)"),
    "eats": ("OOMKilled", "raise spec.resources.limits.memory", "x = [bytearray(1 << 24) for _ in range(1000)]"),
}


def config_map(name: str, text: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"train.py": text}}


def run(name: str, script: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    made = models.run(name, "-")
    del made["spec"]["container"], made["spec"]["parameters"]
    made["spec"] |= {"script": script or {"configMap": {"name": name}}, **spec}
    return made


def test_scripts_train_and_reach_nothing_that_is_not_theirs(world: World) -> None:
    world.apply(models.dataset(), config_map("spies", SPY), config_map("boosts", XGBOOST), run("spies"), run("boosts"))
    for name in ("spies", "boosts"):
        world.wait_condition("trainingrun", name, "Complete", "True", 400)
        found = world.get("trainingrun", name)
        assert found
        version = world.get("modelversion", found["status"]["modelVersion"])
        assert version
        assert version["spec"]["lineage"]["script"] == found["status"]["script"]
        assert found["status"]["script"]["key"] == "train.py"
        assert version["spec"]["metrics"]["auc"] > 0.8


def test_what_scripts_break_is_told_and_nothing_is_registered(world: World) -> None:
    maps = [config_map(name, f"{LIGHTGBM}{bad}\n") for name, (_, _, bad) in BAD.items()]
    runs = [run(name, resources={"limits": {"memory": "1Gi"}}) for name in BAD]
    world.apply(models.dataset(), *maps, *runs, run("waits"))
    for name, (reason, words, _) in BAD.items():
        ready = world.wait_reason("trainingrun", name, reason)
        assert words in ready["message"], ready
        print(f"{name}: {ready['message']}")
    assert world.find("modelversions") == []
    assert world.wait_reason("trainingrun", "waits", "ScriptNotFound")["status"] == "False"
    world.apply(config_map("waits", LIGHTGBM))
    world.wait_condition("trainingrun", "waits", "Complete", "True", 400)


def test_script_of_a_git_repository_is_run_at_the_commit_of_its_branch(world: World, host: str, tmp_path: Path) -> None:
    train = LIGHTGBM.replace("n_estimators=10", "n_estimators=TREES").replace(
        "import modelward_script", "import modelward_script\nfrom settings import TREES"
    )
    commit = Repository(tmp_path / "shop").commit(train=train, settings="TREES = 10")
    with GitServer(tmp_path) as server, reachable(host, server.port):
        git = {"url": f"http://{host}:{server.port}/shop/.git", "revision": "main", "path": "train.py"}
        none = git | {"revision": "release"}
        world.apply(models.dataset(), run("of-git", {"git": git}), run("of-none", {"git": none}))
        world.wait_condition("trainingrun", "of-git", "Complete", "True", 400)
        refused = world.wait_reason("trainingrun", "of-none", "RevisionNotFound")
    assert "there are main" in refused["message"]
    version = world.get("modelversion", "trips-1")
    assert version
    found = version["spec"]["lineage"]["script"]
    assert (found["commit"], found["revision"], found["path"]) == (commit, "main", "train.py")
    assert any(f"branch main at commit {commit}" in note for note in version["spec"]["notes"])
