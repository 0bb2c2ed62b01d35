"""Every label, reason of our own making and deterministic name that more than one module uses."""

import hashlib
from typing import Any

Manifest = dict[str, Any]
"""A Kubernetes object as JSON."""

FIELD_MANAGER = "modelward"
STORE_CLAIM = "modelward-store"
COLLECTION = "modelward-collection"
KUEUE = "kueue.x-k8s.io/"
"""Labels of a TrainingRun with this prefix go on to its Job: that is all Kueue needs to queue it."""
TRAINER = "trainer.kubeflow.org/v1alpha1"
"""Kubeflow Trainer's TrainJobs."""
JOBSET = "jobset.sigs.k8s.io/jobset-name"
"""Label of what a TrainJob's JobSet, which has its name, makes."""
LABEL = "modelward.dev/"
MANAGED_BY = "app.kubernetes.io/managed-by"

DATASET = LABEL + "dataset"
TRAINING_RUN = LABEL + "training-run"
RUN_UID = LABEL + "run-uid"
TRIAL = LABEL + "trial"
"""Number of a search's trial."""
MODEL = LABEL + "model"
REGISTERED_MODEL = LABEL + "registered-model"
DEFINITION = LABEL + "definition"
"""Hash of how a RegisteredModel had a run trained."""
VERSION = LABEL + "version"
DEPLOYMENT = LABEL + "deployment"
REVISION = LABEL + "revision"
TASK_HASH = LABEL + "task"

TAKE_OVER = LABEL + "take-over"
"""Annotation of the ConfigMap `COLLECTION`: the owner before, by the uid of its own."""
ACTION = LABEL + "action"
REQUESTED_BY = LABEL + "requested-by"
"""Annotations by which a person asks something of a rollout."""
REQUESTED_AT = LABEL + "requested-at"
"""Annotation of a Dataset or a RegisteredModel: a value that it did not have asks for another look, or another run."""


def labels(component: str, **ours: str) -> dict[str, str]:
    """Labels of a child: the recommended ones, and ours by their keyword (`run_uid=` → modelward.dev/run-uid)."""
    return {
        "app.kubernetes.io/name": "modelward",
        "app.kubernetes.io/component": component,
        MANAGED_BY: "modelward",
        **{LABEL + key.replace("_", "-"): value for key, value in ours.items()},
    }


def is_ours(found: Manifest) -> bool:
    """Others write that label too: Helm on all that it installs."""
    return (found["metadata"].get("labels") or {}).get(MANAGED_BY) == "modelward"


def short_hash(*parts: str, length: int = 10) -> str:
    """Hexadecimal, stable over releases: part of children's names."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:length]


def child_name(stem: str, suffix: str, limit: int = 63) -> str:
    """`stem-suffix`, with the stem's tail replaced by its hash where both together are too long."""
    room = limit - len(suffix) - 1
    if len(stem) > room:
        stem = f"{stem[: room - 9].rstrip('-.')}-{short_hash(stem, length=8)}"
    return f"{stem}-{suffix}"


def owned_by(owner: Manifest) -> dict[str, Any]:
    """`ownerReferences` entry that makes `owner` (apiVersion, kind, metadata) the controller of a child."""
    metadata = owner["metadata"]
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
        "blockOwnerDeletion": False,
    }
