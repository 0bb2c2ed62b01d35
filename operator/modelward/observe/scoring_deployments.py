"""The Deployments of revisions: are their pods as they are wanted, and does the API server take them?"""

from collections.abc import Iterable

from modelward.decide.observed import Trouble
from modelward.names import REVISION, Manifest
from modelward.observe.refusals import refusal_of_deployment


def revision_of(deployment: Manifest) -> str:
    return str(deployment["metadata"]["labels"][REVISION])


def refused(deployments: Iterable[Manifest]) -> dict[str, Trouble]:
    """By revision."""
    found = {revision_of(d): refusal_of_deployment(d.get("status", {})) for d in deployments}
    return {
        revision: Trouble("hold", "FailedCreate", f"the API server refuses its pods: {words}")
        for revision, words in found.items()
        if words
    }


def replacing(deployments: Iterable[Manifest]) -> frozenset[str]:
    """Revisions with pods of an earlier template."""
    return frozenset(revision_of(d) for d in deployments if _replaces(d))


def _replaces(deployment: Manifest) -> bool:
    status, wanted = deployment.get("status", {}), deployment["spec"].get("replicas", 1)
    updated = status.get("updatedReplicas", 0)
    seen = status.get("observedGeneration", 0) >= deployment["metadata"].get("generation", 0)
    return not seen or updated < wanted or status.get("replicas", 0) > updated
