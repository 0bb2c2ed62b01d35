"""What is left in the end, without what may differ between two runs: times, counts, uids, epochs, random names."""

import json
import re
from typing import Any

from faults.world import Town
from modelward.decide.rollout import INTERRUPTED

_MAY_DIFFER = {
    "decided",
    "evidence",
    "time",
    "since",
    "until",
    "order",
    "lastTransitionTime",
    "stepStarted",
    "rolloutStarted",
    "epoch",
    "started",
    "ended",
    "finished",
    "startTime",
    "completionTime",
    "request",
    "uid",
    "resourceVersion",
    "trainingRunUid",
    "runUid",
    "modelward.dev/run-uid",
    "managedFields",
    "generation",
}
_NOT_OURS = ("Pod", "Event")


def outcome(town: Town) -> dict[str, Any]:
    """Every object by kind and name."""
    found = [o for kind in _kinds(town) for o in town.find(kind)]
    return {_words(f"{o['kind']} {o['metadata']['name']}"): plain(o) for o in found}


def _kinds(town: Town) -> list[str]:
    return sorted({kind for _, kind, _, _ in town.kube.objects} - {*_NOT_OURS})


def plain(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: plain(below, name) for name, below in value.items() if name not in _MAY_DIFFER}
    if key == "conditions":
        value = sorted(value, key=lambda condition: str(condition["type"]))  # a map, in whichever order it came about
    if isinstance(value, list):
        return [plain(below, key) for below in value if not _says_that_the_operator_was_away(below)]
    if isinstance(value, str) and key.endswith(".json"):
        return plain(json.loads(value))
    if isinstance(value, str):
        return re.sub(r"\d+(\.\d+)?", "N", _words(value)) if key in ("message", "why") else _words(value)
    return value


def _words(text: str) -> str:
    return re.sub(r"-(ingest|train|checkpoint)-[0-9a-f]+", r"-\1-*", text)


def _says_that_the_operator_was_away(entry: Any) -> bool:
    return isinstance(entry, dict) and entry.get("cause") == INTERRUPTED
