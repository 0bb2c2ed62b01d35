"""What the pods of a revision say about it."""

from collections.abc import Iterable

from modelward.api.model_deployment import ServingRevision
from modelward.decide.judge.evidence import Finding
from modelward.decide.observed import DeploymentObserved, ScoringPod, Trouble


def pods_of(pods: Iterable[ScoringPod], revision: ServingRevision | None) -> list[ScoringPod]:
    return [p for p in pods if revision and p.revision == revision.revision and not p.deleting]


def ready_pods(pods: Iterable[ScoringPod], revision: ServingRevision | None) -> int:
    return sum(p.ready for p in pods_of(pods, revision))


def trouble_of(o: DeploymentObserved, revision: ServingRevision | None) -> Trouble | None:
    """Of one of its pods, or why there are none."""
    found = next((p.trouble for p in pods_of(o.pods, revision) if p.trouble), None)
    return found or (o.refused.get(revision.revision) if revision else None)


def harm_of(pods: Iterable[ScoringPod]) -> Finding | None:
    """A container that ended by itself, ran out of memory or refused to start. Nothing that the cluster did."""
    harmed = next((p.trouble for p in pods if p.trouble and p.trouble.kind == "harm"), None)
    return Finding("Harm", harmed.reason, harmed.message) if harmed else None
