"""The example's manifests as they lie in the folder, with this cluster's image and the demo's quicker rollout."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from demo.kubectl import Manifest

FOLDER = Path(__file__).parents[1] / "manifests"
IMAGE = "modelward-example-flights:0.1.0"
QUICK: dict[str, Any] = {
    "rollout": {
        "steps": [{"weight": 10, "duration": "15s"}, {"weight": 50, "duration": "15s"}],
        "bakeTime": "1m",
        "progressDeadlineSeconds": 300,
    },
    "analysis": {"minRequests": 150},
}
"""Minutes instead of the hour that a team would give it."""


def load(name: str, image: str, replaced: Mapping[str, str] | None = None) -> list[Manifest]:
    """The objects of one file."""
    text = (FOLDER / name).read_text()
    for old, new in {IMAGE: image, **(replaced or {})}.items():
        text = text.replace(old, new)
    objects = list(yaml.safe_load_all(text))
    for entry in objects:
        if entry["kind"] == "ModelDeployment":
            entry["spec"] |= QUICK
        if entry["kind"] == "RegisteredModel":
            del entry["spec"]["coolDown"]  # a month passes within two minutes
    return objects
