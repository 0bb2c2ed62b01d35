"""`python -m benchmarks.gates`: how often `notWorseThan: Serving` says what it should, of simulated pairs of models."""

import argparse
import json
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from modelward_contracts.tasks import Gate
from modelward_training.publish.gates import Evidence, judge
from modelward_training.publish.metrics import measure
from modelward_training.publish.serving import Opponent

from .pairs import pair

RESULTS = Path(__file__).parents[1] / "results" / "gates.json"


class Cell(NamedTuple):
    name: str
    of: dict[str, Any]
    """How `pair` makes the two models."""
    bar: Callable[[dict[str, float]], bool]
    metric: str = "auc"


def passes(share: float) -> Callable[[dict[str, float]], bool]:
    return lambda found: found["passed"] >= share


def fails(share: float) -> Callable[[dict[str, float]], bool]:
    return lambda found: found["failed"] >= share


def cannot_tell(share: float) -> Callable[[dict[str, float]], bool]:
    return lambda found: found["unclear"] >= share


ALL = {"of_all": True}
CELLS = (
    Cell("equal", {}, passes(0.95)),
    Cell("2 points worse", {"worse": 0.02}, fails(0.9)),
    Cell("equal, 0.8 is the correlation of all rows", ALL, passes(0.95)),
    Cell("2 points worse, 0.8 is the correlation of all rows", ALL | {"worse": 0.02}, fails(0.9)),
    Cell("equal, 400 rows: 100 positive", {"rows": 400}, cannot_tell(0.75)),
    Cell("2 points worse, 400 rows", {"rows": 400, "worse": 0.02}, cannot_tell(0.75)),
    Cell("15 points worse, 1,000 rows", {"rows": 1000, "worse": 0.15}, fails(0.99)),
    Cell("equal, AUC 0.98, 1,000 rows", {"rows": 1000, "auc": 0.98}, passes(0.9)),
    Cell("equal, by log loss", {}, passes(0.9), "log_loss"),
    Cell("2 points of AUC worse, by log loss", {"worse": 0.02}, fails(0.7), "log_loss"),
    Cell("equal, by accuracy", {}, passes(0.9), "accuracy"),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=4000)
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    results = {cell.name: measured(cell, arguments.replicates) for cell in CELLS}
    arguments.results.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    met = sum(found["met"] for found in results.values())
    print(f"{met} of {len(results)} cells meet their bars")
    return int(met < len(results))


def measured(cell: Cell, replicates: int) -> dict[str, Any]:
    began = time.monotonic()
    with ProcessPoolExecutor() as pool:
        ends = list(pool.map(partial(judged, cell.metric, cell.of), range(replicates), chunksize=20))
    differences = [end.difference for end in ends]
    truth = sum(differences) / len(differences)
    found: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "replicates": replicates,
        **{name: sum(end.result == name.capitalize() for end in ends) / replicates for name in _NAMES},
        "meanDifference": round(truth, 5),
        # Of an unbiased estimate, the mean of all replicates is the truth.
        "intervalHoldsIt": sum(end.low <= truth <= end.high for end in ends) / replicates,
        "meanWidth": round(sum(end.high - end.low for end in ends) / replicates, 5),
        "tookSeconds": round(time.monotonic() - began, 1),
    }
    found["met"] = cell.bar(found)
    print(f"{'ok  ' if found['met'] else 'MISS'} {cell.name}: {json.dumps(found)}", flush=True)
    return found


_NAMES = ("passed", "failed", "unclear")


class End(NamedTuple):
    result: str
    difference: float
    low: float
    high: float


def judged(metric: str, of: dict[str, Any], seed: int) -> End:
    own, other = pair(**of, seed=seed)
    gate = Gate(metric=metric, not_worse_than="Serving")
    (found,) = judge([gate], Evidence(own, measure(own), serving=[Opponent("serving", other)]))
    return End(str(found.result), float(found.difference), float(found.low), float(found.high))  # type: ignore[arg-type]


if __name__ == "__main__":
    raise SystemExit(main())
