"""What is seen of a ModelDeployment before anything is decided about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from modelward.api import ModelDeployment, ModelVersion
from modelward.api.model_deployment import ModelDeploymentStatus, ServingRevision
from modelward.decide.jobs import Problem
from modelward.decide.judge.evidence import Evidence
from modelward.decide.judge.promql import Check
from modelward.decide.judge.recording import Recording
from modelward.decide.judge.remembered import Remembered
from modelward.decide.plan import Ref
from modelward_contracts.monitor import Snapshot
from modelward_contracts.traffic import Traffic


def parse_time(text: str) -> datetime:
    return datetime.fromisoformat(text)


@dataclass(frozen=True)
class Trouble:
    """Why a pod is not as it should be. `harm`: it did it itself; `hold`: the cluster did, wait."""

    kind: Literal["harm", "hold"]
    reason: str
    message: str


@dataclass(frozen=True)
class ScoringPod:
    name: str
    uid: str
    revision: str
    address: str | None
    """host:port of the admin port; None before it has an IP."""
    ready: bool
    deleting: bool
    trouble: Trouble | None = None
    snapshot: Snapshot | None = None
    """None: it did not answer the scrape."""
    served_before: ServingRevision | None = None
    """What the store knows as the revision in service, as the pod found it when it started."""


@dataclass(frozen=True)
class VerdictJob:
    revision: str
    retry: int
    succeeded: bool
    name: str = ""
    problem: Problem | None = None
    """Why it does not get on, or failed."""


@dataclass(frozen=True)
class ServedJob:
    """Tells the store what is in service."""

    name: str
    succeeded: bool
    refs: tuple[Ref, ...] = ()
    """What to take away once it has."""


@dataclass(frozen=True)
class TraceJob:
    """Writes what was looked at in a trial into the store."""

    name: str
    finished: bool
    failed: bool = False
    has_task: bool = True


@dataclass(frozen=True)
class DeploymentObserved:
    deployment: ModelDeployment
    raw: dict[str, object]
    """The live object: owner of its children."""
    versions: tuple[ModelVersion, ...] = ()
    pods: tuple[ScoringPod, ...] = ()
    children: tuple[Ref, ...] = ()
    """Deployments and Services of revisions, by name."""
    front: str | None = None
    """The revision that the front Service selects."""
    replicas: Mapping[str, int] = field(default_factory=dict)
    """Pods that the Deployment of a revision has, by revision."""
    refused: Mapping[str, Trouble] = field(default_factory=dict)
    """Why the API server refuses pods of a revision, by revision."""
    replacing: frozenset[str] = frozenset()
    """Revisions with pods that are not yet as their Deployment has them."""
    taken: bool = False
    """Another's Service has the name of the front Service."""
    budget_of_others: bool = False
    """Another's PodDisruptionBudget selects pods of ours."""
    evidence: Evidence = field(default_factory=Evidence)
    trial: Remembered | None = None
    """Of the candidate that is compared with stable, this look included."""
    recording: Recording | None = None
    """What was looked at in the newest trial, until a Job has stored it."""
    checks: tuple[Check, ...] = ()
    """Of spec.analysis.promql, in its order."""
    drift: tuple[bool, str] | None = None
    """Of the version in service: whether it drifted in the newest whole window, with the numbers."""
    looked_on_since: datetime | None = None
    """From when on this operator has gathered evidence; None: always."""
    actions_verified: bool = False
    """Names beside actions are proven."""
    verdict_jobs: tuple[VerdictJob, ...] = ()
    served_jobs: tuple[ServedJob, ...] = ()
    trace_jobs: tuple[TraceJob, ...] = ()
    sign: Callable[[Traffic], str] = lambda traffic: traffic.deployment
    """Deterministic (Ed25519), so a decision stays a function of what was observed."""
    public_keys: str = ""

    @property
    def status(self) -> ModelDeploymentStatus:
        return self.deployment.status
