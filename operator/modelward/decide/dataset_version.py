"""DatasetVersion: written once, Ready on sight. Reasons of Ready (API): Stored."""

from dataclasses import dataclass
from datetime import datetime

from modelward.api import DatasetVersion
from modelward.decide.jobs import Said, with_ready
from modelward.decide.plan import Plan
from modelward.settings import Settings


@dataclass(frozen=True)
class DatasetVersionObserved:
    version: DatasetVersion


def decide(o: DatasetVersionObserved, _: Settings, now: datetime) -> Plan:
    spec, status = o.version.spec, o.version.status
    split = spec.split_rows
    shares = f"{split.train} to train on, {split.validation} for validation, {split.test} for test"
    said: Said = ("True", "Stored", f"{spec.rows} rows: {shares}")
    return Plan(status=status.model_copy(update=with_ready(status, said, o.version.metadata.generation, now)))
