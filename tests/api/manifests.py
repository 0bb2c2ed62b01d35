"""One valid manifest of each kind, and how to change a field of it."""

import copy
from typing import Any

from api.client import Manifest
from modelward.names import MODEL

DIGEST = "sha256:" + "0" * 64
ABSENT = object()
"""In a change: the field is left out."""

_SPECS: dict[str, Manifest] = {
    "Dataset": {
        "source": {"inline": {"data": "id,late\n1,0\n2,1\n"}},
        "columns": {"label": "late", "id": "id"},
    },
    "DatasetVersion": {
        "datasetName": "flights",
        "digest": DIGEST,
        "task": "classification",
        "rows": 2,
        "bytes": 15,
        "splitRows": {"train": 1, "validation": 0, "test": 1},
        "label": "late",
        "id": "id",
        "columns": [{"name": "late", "type": "integer", "nullable": False}],
        "sources": [{"path": "2013-01.csv", "bytes": 15, "digest": DIGEST}],
        "sourceFiles": 1,
    },
    "TrainingRun": {
        "modelName": "flights",
        "datasetRef": {"name": "flights"},
        "estimator": {"name": "LogisticRegression", "parameters": {"C": 0.5}},
    },
    "ModelVersion": {
        "modelName": "flights",
        "version": 1,
        "digest": DIGEST,
        "model": {"digest": DIGEST, "bytes": 1000},
        "task": "classification",
        "signature": {
            "inputs": [{"name": "distance", "datatype": "FP32", "shape": [-1, 1]}],
            "outputs": [{"name": "probabilities", "datatype": "FP32", "shape": [-1, 2]}],
        },
        "metrics": {"accuracy": 0.8},
        "lineage": {
            "trainingRun": "flights-a",
            "trainingRunUid": "3f1c",
            "datasetVersion": "flights-1",
            "datasetDigest": DIGEST,
            "inputsHash": DIGEST,
        },
    },
    "RegisteredModel": {
        "run": {"datasetRef": {"name": "flights"}, "estimator": {"name": "LogisticRegression"}},
        "triggers": {"newData": {"minimumNewRows": 1000}},
    },
    "ModelDeployment": {"modelRef": {"name": "flights"}},
}
KINDS = tuple(_SPECS)


def manifest(kind: str, namespace: str, changes: dict[str, Any] | None = None) -> Manifest:
    """A valid object named flights, with the fields at these paths (`spec.columns.id`) set or left out."""
    found: Manifest = {
        "apiVersion": "modelward.dev/v1alpha1",
        "kind": kind,
        "metadata": {"name": "flights", "namespace": namespace},
        "spec": copy.deepcopy(_SPECS[kind]),
    }
    if kind == "ModelVersion":
        found["metadata"]["labels"] = {MODEL: (changes or {}).get("spec.modelName", found["spec"]["modelName"])}
    return changed(found, changes or {})


def changed(original: Manifest, changes: dict[str, Any]) -> Manifest:
    """A copy with the fields at these paths set or left out."""
    found = copy.deepcopy(original)
    for path, value in changes.items():
        *parents, last = path.split(".")
        place = found
        for parent in parents:
            place = place.setdefault(parent, {})
        if value is ABSENT:
            del place[last]
        else:
            place[last] = value
    return found
