"""What the watches have shown so far: the newest resourceVersion of each of our objects, and who refers to whom.

Nothing is decided from this. It says which keys to look at, and lets the sweep find out that a watch has died.
"""

from collections import defaultdict
from collections.abc import Iterable, Set
from typing import TypeVar

from modelward.decide.plan import Key
from modelward.decide.where_served import roles_in
from modelward.names import DATASET, DEPLOYMENT, REGISTERED_MODEL, TRAINING_RUN, Manifest
from modelward_contracts.wire import canonical

_OWNERS = {
    DATASET: "Dataset",
    TRAINING_RUN: "TrainingRun",
    DEPLOYMENT: "ModelDeployment",
    REGISTERED_MODEL: "RegisteredModel",
}
T = TypeVar("T")
_Target = tuple[str, str, str]
"""What is referred to: Dataset or Model (which is no object), namespace, name."""


class Sightings:
    def __init__(self) -> None:
        self.versions: dict[Key, str] = {}
        self._refers: dict[Key, set[_Target]] = {}
        self._referrers: defaultdict[_Target, set[Key]] = defaultdict(set)
        self._told: dict[Key, dict[Key, str]] = {}
        self._tellers: defaultdict[Key, set[Key]] = defaultdict(set)

    def see(self, kind: str, found: Manifest, *, gone: bool = False) -> set[Key]:
        """Note one of our objects, and give the keys that it concerns: itself, its owners, those that refer to it."""
        key = key_of(kind, found)
        if gone:
            self.versions.pop(key, None)
        else:
            self.versions[key] = found["metadata"]["resourceVersion"]
        keys = {key, *owners_of(found), *self._concerned(key, found)}
        self._note_references(key, set() if gone else _references(key, found))
        return keys | self._note_told(key, {} if gone else _told(key, found))

    def told_by(self, about: Key) -> frozenset[Key]:
        """The objects whose status said something of this one."""
        return frozenset(self._tellers.get(about, ()))

    def forget(self, key: Key) -> set[Key]:
        """One of our objects that vanished unseen."""
        return self.see(key.kind, {"metadata": {"namespace": key.namespace, "name": key.name}}, gone=True)

    def _concerned(self, key: Key, found: Manifest) -> set[Key]:
        spec = found.get("spec", {})
        match key.kind:
            case "Dataset":
                target = ("Dataset", key.namespace, key.name)
            case "DatasetVersion":
                target = ("Dataset", key.namespace, spec.get("datasetName", ""))
            case "ModelVersion":
                target = ("Model", key.namespace, spec.get("modelName", ""))
            case _:
                return set()
        return self._referrers.get(target, set()) | self._defined(target)

    def _defined(self, model: _Target) -> set[Key]:
        """The RegisteredModel of this name, if there is one."""
        kind, namespace, name = model
        key = Key("RegisteredModel", namespace, name)
        return {key} if kind == "Model" and key in self.versions else set()

    def _note_references(self, key: Key, targets: set[_Target]) -> None:
        before = self._refers.pop(key, set())
        if targets:
            self._refers[key] = targets
        _point(self._referrers, key, before, targets)

    def _note_told(self, key: Key, told: dict[Key, str]) -> set[Key]:
        """The objects of which this object's status says something new: theirs repeats it, or follows from it."""
        before = self._told.pop(key, {})
        if told:
            self._told[key] = told
        _point(self._tellers, key, before.keys(), told.keys())
        new = {about for about in before.keys() | told.keys() if before.get(about) != told.get(about)}
        return {about for about in new if about.kind != "RegisteredModel" or about in self.versions}


def _point(index: defaultdict[T, set[Key]], key: Key, before: Set[T], now: Set[T]) -> None:
    """`key` is found under all of `now`, and no longer under the rest of `before`."""
    for target in before - now:
        index[target].discard(key)
        if not index[target]:
            del index[target]
    for target in now:
        index[target].add(key)


def key_of(kind: str, found: Manifest) -> Key:
    metadata = found["metadata"]
    return Key(kind, metadata.get("namespace", ""), metadata["name"])


def owners_of(found: Manifest) -> Iterable[Key]:
    """By label, so that children without owner reference (versions) are found as well."""
    metadata = found["metadata"]
    carried = metadata.get("labels") or {}
    return {Key(kind, metadata["namespace"], carried[label]) for label, kind in _OWNERS.items() if carried.get(label)}


def _references(key: Key, found: Manifest) -> set[_Target]:
    spec = found.get("spec", {})
    match key.kind:
        case "Dataset":
            return {("Dataset", key.namespace, each["name"]) for each in spec.get("source", {}).get("datasets") or []}
        case "TrainingRun":
            return {("Dataset", key.namespace, spec.get("datasetRef", {}).get("name", ""))}
        case "RegisteredModel":
            return {("Dataset", key.namespace, spec.get("run", {}).get("datasetRef", {}).get("name", ""))}
        case "ModelDeployment":
            return {("Model", key.namespace, spec.get("modelRef", {}).get("name", ""))}
        case _:
            return set()


def _told(key: Key, found: Manifest) -> dict[Key, str]:
    """What a status says of versions: where they serve, whether they are what was expected, what they have lost."""
    status = found.get("status") or {}
    match key.kind:
        case "ModelDeployment":
            roles = {Key("ModelVersion", key.namespace, name): role for name, role in roles_in(status).items()}
            return roles | _serving(key, found)
        case "ModelVersion":
            words = [word for word in status.get("aliases", []) if word.get("before")]
            return {Key("ModelVersion", key.namespace, word["before"]): canonical(word).decode() for word in words}
        case "Dataset" if checked := status.get("checked"):
            return {Key("DatasetVersion", key.namespace, checked["version"]): canonical(checked).decode()}
        case _:
            return {}


def _serving(key: Key, found: Manifest) -> dict[Key, str]:
    """What a RegisteredModel hears of a ModelDeployment: what it serves, and whether that drifted."""
    status, name = found.get("status") or {}, found.get("spec", {}).get("modelRef", {}).get("name", "")
    stable = (status.get("stable") or {}).get("modelVersion", "")
    drifted = [c for c in status.get("conditions", []) if c["type"] == "Drifted"]
    said = drifted[0]["status"] if drifted else ""
    return {Key("RegisteredModel", key.namespace, name): f"{stable} {said}"}
