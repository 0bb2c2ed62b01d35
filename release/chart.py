"""The chart as it is published: packed, with what only a release knows.

python -m release.chart --registry registry.example.com/team [--digests images.json] [--home https://…] [--out dist]

Installed from there it runs the images of that registry without a further word. The annotations are Artifact Hub's:
what the images are, what the kinds are and an example of each, and what changed. `--digests`: by image
(`modelward-operator`), as `sha256:…`, for who pins or mirrors them.
"""

import argparse
import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from localcluster import parts
from release.changelog import ROOT, changes, notes
from release.version import is_prerelease, version

CHART = ROOT / "charts/modelward"
IMAGES = ("modelward-operator", "modelward-training", "modelward-scoring")
_MANIFESTS = ROOT / "examples/flights/manifests"
EXAMPLES = [_MANIFESTS / f"{name}.yaml" for name in ("dataset", "registeredmodel", "trainingrun-a", "modeldeployment")]
LINKS = {
    "Rollouts": "blob/HEAD/docs/rollouts.md",
    "Data": "blob/HEAD/docs/data.md",
    "Security": "blob/HEAD/SECURITY.md",
}
_UNSET = '  registry: ""\n'


def stage(folder: Path, registry: str, digests: Mapping[str, str], home: str) -> Path:
    """A copy below `folder` that `helm package` packs."""
    target = shutil.copytree(CHART, folder / "modelward")
    values = (target / "values.yaml").read_text()
    if values.count(_UNSET) != 1:
        raise SystemExit(f"values.yaml: images.registry must be written as {_UNSET.strip()}, once")
    (target / "values.yaml").write_text(values.replace(_UNSET, f"  registry: {registry}\n"))
    chart = yaml.safe_load((target / "Chart.yaml").read_text())
    chart |= {"home": home, "sources": [home]} if home else {}
    chart["annotations"] |= annotations(registry, digests, home)
    (target / "Chart.yaml").write_text(yaml.safe_dump(chart, sort_keys=False, allow_unicode=True, width=10_000))
    return target


def annotations(registry: str, digests: Mapping[str, str], home: str) -> dict[str, str]:
    changed = list(changes(notes(version())))
    found: dict[str, Any] = {
        "images": [{"name": name, "image": _reference(registry, name, digests)} for name in IMAGES],
        "crds": [_kind(path) for path in sorted((ROOT / "crds").glob("*.yaml"))],
        "crdsExamples": [_first(path) for path in EXAMPLES],
        "changes": [{"kind": kind, "description": text} for kind, text in changed],
        "links": [{"name": name, "url": f"{home}/{path}"} for name, path in LINKS.items()] if home else [],
        "prerelease": is_prerelease(version()),
        "containsSecurityUpdates": "security" in {kind for kind, _ in changed},
    }
    return {f"artifacthub.io/{key}": _text(value) for key, value in found.items() if value != []}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=10_000)


def _reference(registry: str, name: str, digests: Mapping[str, str]) -> str:
    return f"{registry}/{name}:{version()}" + (f"@{digests[name]}" if digests else "")


def _kind(path: Path) -> dict[str, str]:
    """As Artifact Hub lists it."""
    crd = yaml.safe_load(path.read_text())
    newest = crd["spec"]["versions"][-1]
    kind = crd["spec"]["names"]["kind"]
    told = newest["schema"]["openAPIV3Schema"]["description"]
    return {
        "kind": kind,
        "version": newest["name"],
        "name": crd["metadata"]["name"],
        "displayName": kind,
        "description": told,
    }


def _first(path: Path) -> Any:
    return next(each for each in yaml.safe_load_all(path.read_text()) if each)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--registry", required=True)
    parser.add_argument("--digests", type=Path)
    parser.add_argument("--home", default="")
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    asked = parser.parse_args()
    digests = json.loads(asked.digests.read_text()) if asked.digests else {}
    if digests and set(digests) != set(IMAGES):
        raise SystemExit(f"{asked.digests}: must name {', '.join(IMAGES)}, and names {', '.join(digests) or 'none'}")
    with tempfile.TemporaryDirectory() as folder:
        chart = stage(Path(folder), asked.registry.rstrip("/"), digests, asked.home.rstrip("/"))
        subprocess.run([parts.helm(), "lint", "--strict", chart], check=True)
        subprocess.run([parts.helm(), "package", chart, f"--destination={asked.out}"], check=True)


if __name__ == "__main__":
    main()
