"""The namespace's store, where it is a PersistentVolumeClaim. Owned by nothing: it outlives every resource."""

from typing import Any

from modelward.names import STORE_CLAIM, Manifest, labels
from modelward.settings import Settings


def store_claim(namespace: str, settings: Settings) -> tuple[Manifest, ...]:
    """Nothing where the store is elsewhere."""
    if not settings.store_is_claim:
        return ()
    spec: dict[str, Any] = {
        "accessModes": [settings.store_access_mode],
        "resources": {"requests": {"storage": settings.store_size}},
    }
    if settings.store_class:
        spec["storageClassName"] = settings.store_class
    return (
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": STORE_CLAIM, "namespace": namespace, "labels": labels("store")},
            "spec": spec,
        },
    )
