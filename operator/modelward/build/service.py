"""Services: the front one that clients call, and one per revision that only other revisions call."""

from typing import Any

from modelward.api.model_deployment import ServingRevision
from modelward.build.scoring import revision_labels, revision_name, revision_selector
from modelward.names import Manifest, labels, owned_by
from modelward.settings import Settings


def front_service(owner: Manifest, serving: ServingRevision, settings: Settings) -> Manifest:
    """The deployment's own name, port 80 → the data port of the revision in service."""
    name = owner["metadata"]["name"]
    return _service(owner, name, labels("front", deployment=name), serving, "data", settings)


def revision_service(owner: Manifest, revision: ServingRevision, settings: Settings) -> Manifest:
    """Port 80 → the direct port, which never splits: loops cannot be built."""
    name = owner["metadata"]["name"]
    own = revision_labels(name, revision)
    return _service(owner, revision_name(name, revision.revision), own, revision, "direct", settings)


def _service(
    owner: Manifest, name: str, own: dict[str, str], revision: ServingRevision, port: str, settings: Settings
) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": name,
            "namespace": owner["metadata"]["namespace"],
            "labels": own,
            "ownerReferences": [owned_by(owner)],
        },
        "spec": {
            "selector": revision_selector(owner["metadata"]["name"], revision),
            "ports": [{"name": "http", "port": 80, "targetPort": port, "protocol": "TCP"}],
            **ip_families(settings),
        },
    }


def ip_families(settings: Settings) -> dict[str, Any]:
    """What is not said is as the cluster does."""
    policy, families = settings.ip_family_policy, list(settings.ip_families)
    return ({"ipFamilyPolicy": policy} if policy else {}) | ({"ipFamilies": families} if families else {})
