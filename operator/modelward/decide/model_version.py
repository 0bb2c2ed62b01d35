"""ModelVersion: verified or not by its gates, and where it serves.

Reasons of Verified and Ready (API): GatesPassed, NoGates, GateFailed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from modelward.api import ModelDeployment, ModelVersion
from modelward.api.evaluation import GateResult
from modelward.api.model_version import ServedBy
from modelward.build.version_counter import last_number, version_counter
from modelward.decide.conditions import set_condition
from modelward.decide.jobs import Said, with_ready
from modelward.decide.plan import Plan
from modelward.names import Manifest
from modelward.settings import Settings

MOST = 100
TOLD = 4
"""Gates in a condition's message."""


@dataclass(frozen=True)
class ModelVersionObserved:
    version: ModelVersion
    deployments: tuple[ModelDeployment, ...] = ()
    """All of its namespace."""
    counter: Manifest | None = None
    """Of its model's numbers."""


def decide(o: ModelVersionObserved, _: Settings, now: datetime) -> Plan:
    metadata, said = o.version.metadata, verified(o.version)
    conditions = set_condition(o.version.status.conditions, "Verified", *said, metadata.generation, now)
    status = o.version.status.model_copy(
        update={"conditions": conditions, "deployments": list(_served_by(metadata.name, o.deployments))[:MOST]}
    )
    status = status.model_copy(update=with_ready(status, said, metadata.generation, now))
    return Plan(status=status, **_counted(o))


def _counted(o: ModelVersionObserved) -> dict[str, Any]:
    """The counter is created, or raised; looked at again, because another version may have been faster."""
    spec, namespace = o.version.spec, o.version.metadata.namespace
    if last_number(o.counter) >= spec.version:
        return {}
    counter = version_counter(namespace, spec.model_name, spec.version, o.counter)
    return {"applies" if o.counter else "creates": (counter,), "requeue_after": 1.0}


def verified(version: ModelVersion) -> Said:
    gates = version.spec.gates
    missed = [_missed(gate) for gate in gates if not gate.passed]
    if missed:
        return "False", "GateFailed", _first("; ", missed)
    if gates:
        return "True", "GatesPassed", _first(", ", [_held(gate) for gate in gates])
    agrees = "agrees with its native predictions" if version.spec.parity else "has no native predictions to agree with"
    return "True", "NoGates", f"the run set no gates; the model runs and {agrees}"


def _first(between: str, sentences: list[str]) -> str:
    more = len(sentences) - TOLD
    return between.join(sentences[:TOLD]) + (f"{between}and {more} more" if more > 0 else "")


def _missed(gate: GateResult) -> str:
    """Versions of earlier releases have no sentence of their own."""
    return gate.message or f"{gate.metric} is {_number(gate.value)} and must be {gate.bound}"


def _held(gate: GateResult) -> str:
    return gate.message or f"{gate.metric} {_number(gate.value)} ({gate.bound})"


def _number(value: float | None) -> str:
    return "not measurable" if value is None else f"{value:.4g}"


def _served_by(version: str, deployments: Iterable[ModelDeployment]) -> Iterable[ServedBy]:
    """At most one role in each deployment: what it does counts more than what it once did."""
    for deployment in sorted(deployments, key=lambda d: d.metadata.name):
        status, name = deployment.status, deployment.metadata.name
        rejected = [v for v in status.verdicts if v.model_version == version]
        if status.stable and status.stable.model_version == version:
            yield ServedBy(deployment=name, role="Stable", since=status.stable.since)
        elif status.candidate and status.candidate.model_version == version:
            yield ServedBy(deployment=name, role="Candidate", since=status.candidate.since)
        elif rejected:
            yield ServedBy(deployment=name, role="Rejected", since=rejected[-1].time)
