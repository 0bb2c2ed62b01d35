"""A CSV file of 1,000,000 rows and 20 columns to a version with expectations, statistics and splits; and 10,000,000.

The bars: at most 5 times as long as DuckDB takes to read the file and to write it as Parquet; at most 1 GiB of memory,
for either. The ingest is told of a limit of 1 GiB as its container's control group would tell it, and nothing holds it
to that: what it takes is measured. DuckDB alone has no limit.
"""

import json
import os
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from benchmarks.capture import Capture
from modelward_contracts.tasks import TASK_DIR, TASK_FILE, Expectation
from modelward_contracts.wire import canonical
from modelward_training import __main__ as step
from modelward_training import limits
from unit.training.harness import Pod, ingest_task

from .objects import _process

RESULTS = Path("benchmarks/results/data-rows.json")
MILLION, ROUNDS = 1_000_000, 3
BAR, LIMIT = 5.0, 1 << 30
EXPECTED = [
    Expectation(column="number0", type="number", minimum=0, maximum=1000),
    Expectation(column="whole0", type="integer", max_missing=0),
    Expectation(column="text0", matches="word [0-9]+"),
    Expectation(column="label", values=["late", "on time"]),
    Expectation(column="account", unique=True),
    Expectation(min_rows=1000),
]


def run() -> bool:
    """Whether a bar is missed."""
    found = {str(rows): _measured(rows, rounds) for rows, rounds in ((MILLION, ROUNDS), (10 * MILLION, 1))}
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1), file=sys.stderr)
    return found[str(MILLION)]["times_duckdb"] > BAR or any(each["peak_mib"] > LIMIT >> 20 for each in found.values())


def _measured(rows: int, rounds: int) -> dict[str, Any]:
    alone, ours = [], []
    with TemporaryDirectory(prefix="bench-") as folder:
        path = Path(folder) / "rows.csv"
        _write(path, rows)
        for number in range(rounds):
            alone.append(_alone(path))
            ours.append(_ingest(Path(folder) / str(number), path))
        size = path.stat().st_size
    seconds, duckdb_seconds = median(each["seconds"] for each in ours), median(each["seconds"] for each in alone)
    return {
        "bytes": size,
        "seconds": seconds,
        "duckdb_seconds": duckdb_seconds,
        "times_duckdb": round(seconds / duckdb_seconds, 2),
        "peak_mib": max(each["peak_mib"] for each in ours),
        "duckdb_peak_mib": max(each["peak_mib"] for each in alone),
        "ended": ours[-1]["ended"],
    }


def _write(path: Path, rows: int) -> None:
    """Numbers with and without gaps, whole numbers, text, a boolean, a time and a label, of the row's number."""
    drawn = "(hash(i * 31 + {}) % {})"
    columns = ["i AS id", "i * 7 AS account"]
    columns += [f"{drawn.format(n, 10**6)} / 1000 AS number{n}" for n in range(8)]
    columns += [f"CASE WHEN i % 10 <> {n} THEN {drawn.format(10 + n, 10**7)} / 1e6 END AS gaps{n}" for n in range(2)]
    columns += [f"{drawn.format(20 + n, 10 ** (2 + n))} AS whole{n}" for n in range(3)]
    columns += [f"'word ' || {drawn.format(30 + n, 50)} AS text{n}" for n in range(2)]
    columns += ["i % 3 = 0 AS flag", f"TIMESTAMP '2013-01-01' + to_seconds({drawn.format(40, 31 * 10**6)}) AS at"]
    columns += [f"CASE WHEN {drawn.format(50, 10)} < 3 THEN 'late' ELSE 'on time' END AS label"]
    with duckdb.connect() as con:
        con.execute(f"COPY (SELECT {', '.join(columns)} FROM range({rows}) t(i)) TO '{path}' (HEADER)")


def _alone(path: Path) -> dict[str, Any]:
    copy = f"COPY (SELECT * FROM read_csv('{path}')) TO '{path}.parquet' (COMPRESSION zstd)"
    return _process([sys.executable, "-c", f"import duckdb; duckdb.execute({copy!r})"], os.environ)


def _ingest(root: Path, path: Path) -> dict[str, Any]:
    pod = Pod(root, Capture())
    os.link(path, pod.paths.source / path.name)
    task = ingest_task(pod.url, label="label", id="id", expectations=EXPECTED)
    (pod.paths.at(TASK_DIR) / TASK_FILE).write_bytes(canonical(task))
    (root / "memory.max").write_text(str(LIMIT))
    log = root / "termination-log"
    own = {"MODELWARD_ROOT": str(root), "MODELWARD_TERMINATION_LOG": str(log), "TMPDIR": str(root)}
    found = _process([sys.executable, "-m", "benchmarks.data.rows", "ingest"], os.environ | own)
    return found | {"ended": json.loads(log.read_bytes())["reason"]}


if __name__ == "__main__":
    limits.CGROUP = Path(os.environ["MODELWARD_ROOT"])
    sys.exit(step.main())
