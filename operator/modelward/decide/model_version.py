"""ModelVersion: verified or not by its gates, where it serves, and what people said of it.

Reasons of Verified and Ready (API): GatesPassed, NoGates, GateFailed. Of ActionDone: Done, Refused.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from modelward.api import ModelDeployment, ModelVersion
from modelward.api.evaluation import GateResult
from modelward.build.version_counter import last_number, version_counter
from modelward.decide.aliases import given_away, held
from modelward.decide.asked_of_version import answered
from modelward.decide.conditions import set_condition
from modelward.decide.jobs import Said, with_ready
from modelward.decide.plan import Plan
from modelward.decide.where_served import where_served
from modelward.names import Manifest
from modelward.settings import Settings

TOLD = 4
"""Gates in a condition's message."""


@dataclass(frozen=True)
class ModelVersionObserved:
    version: ModelVersion
    deployments: tuple[ModelDeployment, ...] = ()
    """Of its namespace, such as it serves or served in."""
    counter: Manifest | None = None
    """Of its model's numbers."""
    versions: tuple[ModelVersion, ...] = ()
    """Of its model, where it holds an alias or something is asked of it."""
    asked_at: str | None = None
    """When the annotation that asks for something was written, by the API server's clock."""


def decide(o: ModelVersionObserved, settings: Settings, now: datetime) -> Plan:
    metadata, said = o.version.metadata, verified(o.version)
    status, events = answered(_known(o), o.versions, o.asked_at, settings.actions_verified, now)
    conditions = set_condition(status.conditions, "Verified", *said, metadata.generation, now)
    served = where_served(metadata.name, status.deployments, o.deployments, now)
    alias = ", ".join(word.name for word in held(status.aliases)) or None
    status = status.model_copy(update={"conditions": conditions, "deployments": served, "alias": alias})
    status = status.model_copy(update=with_ready(status, said, metadata.generation, now))
    return Plan(status=status, events=events, **_counted(o))


def _known(o: ModelVersionObserved) -> ModelVersion:
    """With the ends of the aliases that another version was given meanwhile."""
    status = o.version.status
    aliases = [*status.aliases, *given_away(o.version, o.versions)]
    return o.version.model_copy(update={"status": status.model_copy(update={"aliases": aliases})})


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
