"""A PersistentVolumeClaim: of a store, of a run's checkpoint, of what an engine's pods share."""

from typing import Any

from modelward.names import Manifest


def volume_claim(metadata: dict[str, Any], access_mode: str, size: str, storage_class: str | None) -> Manifest:
    """No storage class: the cluster's default."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": metadata,
        "spec": {
            "accessModes": [access_mode],
            "resources": {"requests": {"storage": size}},
            **({"storageClassName": storage_class} if storage_class else {}),
        },
    }
