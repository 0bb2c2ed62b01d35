"""What must hold of a mutation, whatever it is."""

import re
from collections.abc import Iterator
from typing import Any

from faults.outcome import plain
from modelward.names import Manifest
from mutation.realm import Realm

_CHILDREN = ("Deployment", "Service", "PodDisruptionBudget")
_OURS = ("Dataset", "RegisteredModel", "ModelDeployment")
_MEMORY = {
    *(
        "history",
        "served",
        "actions",
        "previous",
        "recorded",
        "trial",
        "checks",
        "ingest",
        "ticks",
        "checked",
        "serving",
    ),
    *("observedGeneration", "run", "request", "orderedBy"),
}
"""Of a status: what was. And of a server's fields: what it counts."""
_SERVERS = {"clusterIP", "clusterIPs", "creationTimestamp", "status"}
_KEPT = ("DatasetVersion", "ModelVersion", "PersistentVolumeClaim", "Pod")
"""Owned by nothing, or by nothing that is told."""


def state(realm: Realm) -> dict[str, Any]:
    """The present end state: no memory, no times."""
    found = {f"{o['kind']} {o['metadata']['name']}": _spec(o) for kind in _CHILDREN for o in realm.find(kind)}
    found |= {f"{o['kind']} {o['metadata']['name']}": _status(o, realm) for kind in _OURS for o in realm.find(kind)}
    traffic = [o for o in realm.find("ConfigMap") if o["metadata"]["name"].endswith("-traffic")]
    return found | {f"ConfigMap {o['metadata']['name']}": plain(o["data"]) for o in traffic}


def difference(one: Any, other: Any, at: str = "") -> list[str]:
    if isinstance(one, dict) and isinstance(other, dict):
        names = sorted(one.keys() | other.keys())
        return [found for name in names for found in difference(one.get(name), other.get(name), f"{at}/{name}")]
    return [] if one == other else [f"{at}: {one} → {other}"[:300]]


def names_its_field(message: str, path: str, there: bool) -> bool:
    """The field, or what it is part of; where that is not `there`, another that it needs."""
    words = re.findall(r"\w+", path)[-3:]
    return any(word in message for word in words if word != "spec") or (not there and "spec." in message)


def leaked(realm: Realm) -> Iterator[str]:
    """Children whose owner is gone, or that nobody owns although somebody should."""
    uids = {o["metadata"]["uid"] for o in realm.kube.objects.values()}
    for found in realm.kube.objects.values():
        owners = found["metadata"].get("ownerReferences", [])
        if owners and not any(owner["uid"] in uids for owner in owners):
            yield f"{found['kind']} {found['metadata']['name']} outlives its owner"
        if not owners and found["kind"] in ("Job", "Deployment", "Service"):
            yield f"{found['kind']} {found['metadata']['name']} is owned by nobody"


def said(found: Manifest) -> str:
    """Ready, as the resource shows it; what is not of this generation is no answer."""
    status = found.get("status") or {}
    ready: dict[str, Any] = next((c for c in status.get("conditions", []) if c["type"] == "Ready"), {})
    current = ready.get("observedGeneration") == found["metadata"]["generation"] and ready.get("reason")
    return f"{ready['status']} {ready['reason']}" if current else ""


def _spec(found: Manifest) -> Any:
    return plain({key: value for key, value in found["spec"].items() if key not in _SERVERS})


def _status(found: Manifest, realm: Realm) -> Any:
    status = {key: value for key, value in (found.get("status") or {}).items() if key not in _MEMORY}
    status["conditions"] = [
        {key: condition[key] for key in ("type", "status", "reason")} for condition in status["conditions"]
    ]
    if found["kind"] == "RegisteredModel" and (name := status.get("latestVersion")):
        version = realm.controllers.get("ModelVersion", name)
        status["latestVersion"] = version["spec"]["digest"] if version else name
    return plain(status)
