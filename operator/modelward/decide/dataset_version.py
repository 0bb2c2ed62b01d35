"""DatasetVersion: written once, Ready on sight, and Valid as its Dataset's last check of it says.

Reasons of Ready (API): Stored. Of Valid: see `decide.expectations`.
"""

from dataclasses import dataclass
from datetime import datetime

from modelward.api import DatasetVersion
from modelward.api.dataset_version import DatasetVersionSpec, DatasetVersionStatus
from modelward.api.expectations import Check, Checked
from modelward.decide.conditions import set_condition
from modelward.decide.expectations import valid
from modelward.decide.jobs import Said, with_ready
from modelward.decide.plan import Plan
from modelward.settings import Settings


@dataclass(frozen=True)
class DatasetVersionObserved:
    version: DatasetVersion
    checked: Checked | None = None
    """What its Dataset checked last, of this version or of another one."""


def decide(o: DatasetVersionObserved, _: Settings, now: datetime) -> Plan:
    spec, status = o.version.spec, o.version.status
    split = spec.split_rows
    shares = f"{split.train} to train on, {split.validation} for validation, {split.test} for test"
    if spec.label is None:
        shares = "no label, so none is held out"
    said: Said = ("True", "Stored", "; ".join([f"{spec.rows} rows: {shares}", *_read(spec), *spec.warnings])[:4096])
    parents = ", ".join(parent.version for parent in spec.parents) or None
    update = with_ready(status, said, o.version.metadata.generation, now) | {"parents": parents}
    status = status.model_copy(update=update)
    return Plan(status=_judged(status, o, now))


def _judged(status: DatasetVersionStatus, o: DatasetVersionObserved, now: datetime) -> DatasetVersionStatus:
    """What was said stays until it is checked again."""
    checked, metadata = o.checked, o.version.metadata
    if checked is None or checked.version != metadata.name:
        return status
    conditions = set_condition(status.conditions, "Valid", *valid(checked), metadata.generation, now)
    check = Check(expectations=checked.expectations, failed=checked.failed, failures=checked.failures)
    return status.model_copy(update={"conditions": conditions, "check": check})


def _read(spec: DatasetVersionSpec) -> list[str]:
    """How the files were read, with the guesses called so."""
    read = spec.csv
    if read is None:
        return []
    fields = {
        "delimiter": [read.delimiter, *read.other_delimiters],
        "encoding": [read.encoding, *read.other_encodings],
        "decimal": [read.decimal],
    }
    how = ", ".join(_field(name, values) + " (guessed)" * (name in read.guessed) for name, values in fields.items())
    guessed = sum(column.guessed for column in spec.columns)
    return [f"read as CSV with {how}, the types of {guessed} of {len(spec.columns)} columns guessed from all values"]


def _field(name: str, values: list[str]) -> str:
    if len(values) == 1:
        return f"{name} {values[0]!r}"
    return f"{name}s {', '.join(map(repr, values[:-1]))} and {values[-1]!r}, file by file"
