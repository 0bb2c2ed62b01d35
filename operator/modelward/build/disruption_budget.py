"""The PodDisruptionBudget of one revision: drains take its pods one by one, each replaced before the next goes.

One a revision, because the pods of a candidate that does not become Ready must not hold up a drain of those that serve.
Pods that are not Ready may always go.
"""

from modelward.api.model_deployment import DisruptionBudget, ServingRevision
from modelward.build.scoring import revision_labels, revision_name, revision_selector
from modelward.names import Manifest, owned_by


def disruption_budget(owner: Manifest, revision: ServingRevision, asked: DisruptionBudget) -> Manifest:
    name = owner["metadata"]["name"]
    return {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {
            "name": revision_name(name, revision.revision),
            "namespace": owner["metadata"]["namespace"],
            "labels": revision_labels(name, revision),
            "ownerReferences": [owned_by(owner)],
        },
        "spec": {
            "maxUnavailable": asked.max_unavailable,
            "unhealthyPodEvictionPolicy": "AlwaysAllow",
            "selector": {"matchLabels": revision_selector(name, revision)},
        },
    }
