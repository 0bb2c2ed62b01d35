"""Gates: what the test metrics must reach. A typo in a metric's name is told before anything is trained."""

import difflib
from collections.abc import Iterator, Sequence

from modelward_contracts.manifests import Task
from modelward_contracts.reports import GateResult
from modelward_contracts.tasks import Gate
from modelward_training.outcome import JobError

METRICS: dict[Task, tuple[str, ...]] = {
    "classification": ("accuracy", "balanced_accuracy", "precision", "recall", "f1", "auc", "log_loss"),
    "regression": ("rmse", "mae", "r2"),
}
COSTS = ("model_bytes", "memory_bytes", "latency_p50_seconds", "latency_p99_seconds")


def check_gates(gates: Sequence[Gate], task: Task) -> None:
    known = (*METRICS[task], *COSTS)
    for number, gate in enumerate(gates):
        if gate.metric not in known:
            close = difflib.get_close_matches(gate.metric, known, n=1)
            meant = f"did you mean {close[0]!r}? " if close else ""
            raise JobError(
                "InvalidGate",
                f"gates[{number}].metric: {gate.metric!r} is not measured for {task}; {meant}"
                f"There are {', '.join(known)}",
            )


def judge(gates: Sequence[Gate], measured: dict[str, float]) -> list[GateResult]:
    return [result for gate in gates for result in _results(gate, measured.get(gate.metric))]


def _results(gate: Gate, value: float | None) -> Iterator[GateResult]:
    """One per bound. What could not be measured (an AUC of one class) has not passed."""
    if gate.minimum is not None:
        passed = value is not None and value >= gate.minimum
        yield GateResult(metric=gate.metric, value=value, bound=f">= {gate.minimum:g}", passed=passed)
    if gate.maximum is not None:
        passed = value is not None and value <= gate.maximum
        yield GateResult(metric=gate.metric, value=value, bound=f"<= {gate.maximum:g}", passed=passed)
