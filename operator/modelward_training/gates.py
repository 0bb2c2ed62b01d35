"""What a run asks for can be measured: a typo in the name of a metric or column is told before anything is trained."""

import difflib
from collections.abc import Mapping, Sequence

from modelward_contracts.manifests import DatasetManifest, Task
from modelward_contracts.metrics import COSTS, METRICS
from modelward_contracts.tasks import Evaluation, Gate
from modelward_training.outcome import JobError


def costs(latency_seconds: Mapping[str, float], model_bytes: int, memory_bytes: int) -> dict[str, float]:
    """What gates may name of the model alone; `latency_seconds`: p50 and p99."""
    latency = {f"latency_{name}_seconds": value for name, value in latency_seconds.items()}
    return latency | {"model_bytes": float(model_bytes), "memory_bytes": float(memory_bytes)}


def check_gates(gates: Sequence[Gate], task: Task) -> None:
    known = (*METRICS[task], *COSTS)
    for number, gate in enumerate(gates):
        check_measured("InvalidGate", f"gates[{number}].metric", gate.metric, known, task)


def check_measured(reason: str, field: str, metric: str, known: Sequence[str], task: Task) -> None:
    """Raises JobError with what was meant."""
    if metric not in known:
        what = f"{field}: {metric!r} is not measured for {task}"
        raise JobError(reason, f"{what}; {meant(metric, known)}There are {', '.join(known)}")


def check_evaluation(evaluation: Evaluation, dataset: DatasetManifest) -> None:
    kinds = {column.name: column.type for column in dataset.columns}
    usable = [name for name, kind in kinds.items() if name not in (dataset.label, dataset.id) and kind != "timestamp"]
    for number, by in enumerate(evaluation.slices):
        if by.column in usable:
            continue
        if by.column not in kinds:
            why = f"is no column of {dataset.dataset}"
        elif kinds[by.column] == "timestamp":
            why = "is a timestamp: derive its month or weekday in prepare.sql, and slice by that"
        else:
            what = "label" if by.column == dataset.label else "id"
            why = f"is the {what} of {dataset.dataset}: slices are of what is known beforehand, and shared by many rows"
        raise JobError(
            "InvalidSlices",
            f"evaluation.slices[{number}].column: {by.column!r} {why}; {meant(by.column, usable)}"
            f"There are {', '.join(usable[:30])}",
        )


def meant(name: str, known: Sequence[str]) -> str:
    """A sentence before those that there are; nothing where none is near."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]!r}? " if close else ""
