"""The namespace's store, where it is a PersistentVolumeClaim. Owned by nothing: it outlives every resource."""

from modelward.build.volume_claim import volume_claim
from modelward.names import STORE_CLAIM, Manifest, labels
from modelward.settings import Settings


def store_claim(namespace: str, settings: Settings) -> tuple[Manifest, ...]:
    """Nothing where the store is elsewhere."""
    if not settings.store_is_claim:
        return ()
    metadata = {"name": STORE_CLAIM, "namespace": namespace, "labels": labels("store")}
    return (volume_claim(metadata, settings.store_access_mode, settings.store_size, settings.store_class),)
