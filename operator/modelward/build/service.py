"""Services: the front one that clients call, and one per revision that only other revisions call."""

from modelward.api.model_deployment import ServingRevision
from modelward.build.scoring import revision_labels, revision_name, revision_selector
from modelward.names import Manifest, labels, owned_by


def front_service(owner: Manifest, serving: ServingRevision) -> Manifest:
    """The deployment's own name, port 80 → the data port of the revision in service."""
    name = owner["metadata"]["name"]
    return _service(owner, name, labels("front", deployment=name), serving, "data")


def revision_service(owner: Manifest, revision: ServingRevision) -> Manifest:
    """Port 80 → the direct port, which never splits: loops cannot be built."""
    name = owner["metadata"]["name"]
    return _service(owner, revision_name(name, revision.revision), revision_labels(name, revision), revision, "direct")


def _service(owner: Manifest, name: str, own: dict[str, str], revision: ServingRevision, port: str) -> Manifest:
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
        },
    }
