"""`python -m benchmarks.rollback`: how often, and how fast, simulated rollouts end as they should."""

import argparse
import json
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from scipy.stats import beta  # type: ignore[import-untyped]

from .cells import CELLS, Cell
from .simulate import End, rollout

RESULTS = Path(__file__).parents[1] / "results" / "rollback.json"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--only", default="", help="cells whose name contains this")
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    cells = [cell for cell in CELLS if arguments.only in cell.name]
    met = 0
    for cell in cells:
        found = measured(cell, arguments.replicates)
        print(f"{'ok  ' if found['met'] else 'MISS'} {cell.name}: {json.dumps(found)}", flush=True)
        write(arguments.results, cell.name, found)
        met += found["met"]
    print(f"{met} of {len(cells)} cells meet all of their bars")
    return int(met < len(cells))


def write(results: Path, name: str, found: dict[str, Any]) -> None:
    """Beside the cells that were measured before, each with its day: all of them take an hour."""
    before = json.loads(results.read_text(encoding="utf-8")) if results.exists() else {}
    known = before | {name: found}
    kept = {cell.name: known[cell.name] for cell in CELLS if cell.name in known}
    results.write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def measured(cell: Cell, replicates: int) -> dict[str, Any]:
    began = time.monotonic()
    replicates = min(replicates, cell.replicates or replicates)
    with ProcessPoolExecutor() as pool:
        ends = list(pool.map(partial(rollout, cell.shape, start=cell.start), range(replicates), chunksize=5))
    ends = [End(end.outcome, end.seconds - cell.shape.fault) for end in ends]
    count = Counter(end.outcome for end in ends)
    harm, promoted = count["Harm"], count["Promoted"]
    found: dict[str, Any] = {
        "date": datetime.now(UTC).date().isoformat(),
        "replicates": replicates,
        "harm": harm / replicates,
        "harmUpper": round(float(beta.ppf(0.975, harm + 1, replicates - harm)) if harm < replicates else 1.0, 4),
        "sentBack": count["SentBack"] / replicates,
        "promoted": promoted / replicates,
        "promotedMedian": quantile(ends, "Promoted", 0.5),
        "promotedP95": quantile(ends, "Promoted", 0.95),
        "harmMedian": quantile(ends, "Harm", 0.5),
        "harmP95": quantile(ends, "Harm", 0.95),
        "tookSeconds": round(time.monotonic() - began, 1),
    }
    found["bars"] = {name: bool(met(found)) for name, met in cell.bars}
    found["met"] = all(found["bars"].values())
    return found


def quantile(ends: list[End], outcome: str, q: float) -> float | None:
    """Seconds until this outcome, of the rollouts that ended so."""
    seconds = sorted(end.seconds for end in ends if end.outcome == outcome)
    return seconds[min(len(seconds) - 1, int(q * len(seconds)))] if seconds else None


if __name__ == "__main__":
    raise SystemExit(main())
