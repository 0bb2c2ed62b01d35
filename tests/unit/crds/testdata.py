"""`PYTHONPATH=tests:operator:serving python -m unit.crds.testdata` writes the scenes as Argo CD's own repository keeps
them: each resource a file under testdata/, and what is expected of its health and its actions beside the scripts."""

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from lupa.lua51 import LuaRuntime

from modelward.api import GROUP
from modelward.names import Manifest

from .scenes import SCENES, Scene

FOLDER = Path(__file__).resolve().parents[3] / "crds/argocd/resource_customizations" / GROUP
Files = dict[Path, str]


async def files() -> Files:
    """What lies below FOLDER and is no script."""
    made = {scene: await scene.make() for scene in SCENES}
    found = {FOLDER / scene.kind / f"testdata/{scene.name}.yaml": _text(made[scene]) for scene in SCENES}
    for kind in sorted({scene.kind for scene in SCENES}):
        of_kind = {scene: made[scene] for scene in SCENES if scene.kind == kind}
        found[FOLDER / kind / "health_test.yaml"] = _text({"tests": [_health(*each) for each in of_kind.items()]})
        if (FOLDER / kind / "actions").is_dir():
            tests = [_actions(*each) for each in of_kind.items()]
            found[FOLDER / kind / "actions/action_test.yaml"] = _text({"discoveryTests": tests})
    return found


def _health(scene: Scene, found: Manifest) -> dict[str, Any]:
    _, message = health_of(found)
    said = {"status": scene.health, "message": message}
    return {"healthStatus": said, "inputPath": f"testdata/{scene.name}.yaml"}


def _actions(scene: Scene, found: Manifest) -> dict[str, Any]:
    return {"inputPath": f"../testdata/{scene.name}.yaml", "result": actions_of(found)}


def health_of(found: Manifest) -> tuple[str, str]:
    said = _run(FOLDER / found["kind"] / "health.lua", found)
    return said["status"], said["message"]


def actions_of(found: Manifest) -> list[dict[str, Any]]:
    """As its discovery script tells, by their names."""
    said = _run(FOLDER / found["kind"] / "actions/discovery.lua", found)
    return [{"name": name} | _plain(said[name]) for name in sorted(said)]


def _plain(action: Any) -> dict[str, Any]:
    told = {key: action[key] for key in ("disabled", "displayName", "iconClass")}
    parameters = [{"name": each["name"]} for each in action["params"].values()] if action["params"] else []
    return told | ({"params": parameters} if parameters else {})


def _run(script: Path, found: Manifest) -> Any:
    lua = LuaRuntime()
    return lua.eval(f"function(obj)\n{script.read_text()}\nend")(lua.table_from(found, recursive=True))


def _text(found: Any) -> str:
    return yaml.safe_dump(found, sort_keys=False, allow_unicode=True, width=120)


def existing(kinds: Iterable[str]) -> set[Path]:
    return {path for kind in kinds for path in (FOLDER / kind).rglob("*.yaml")}


def main() -> None:
    wanted = asyncio.run(files())
    for path in existing({scene.kind for scene in SCENES}) - wanted.keys():
        path.unlink()
    for path, text in wanted.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
