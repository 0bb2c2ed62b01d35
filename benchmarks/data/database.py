"""Rows out of PostgreSQL: psql's `\\copy` to CSV, our reading of the same, the whole ingest; each a process of its own.

The bar: reading takes at most twice as long as `\\copy`, and as much memory for four million rows as for one.
"""

import json
import os
import resource
import subprocess
import sys
import time
from collections import defaultdict
from contextlib import redirect_stdout
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.capture import Capture
from modelward_contracts.tasks import SOURCE_VARIABLE
from modelward_training.ingest import query
from postgresql import Server, server
from unit.training.harness import Pod, ingest_task

RESULTS = Path("benchmarks/results/data-database.json")
MILLION = 1_000_000
ROUNDS = 5
BAR = 2.0
_SELECT = "SELECT * FROM things"
_THINGS = """
CREATE TABLE things AS SELECT i AS id, i::bigint * 7 AS account, i % 1000 AS place, (random() * 1e6)::int AS points,
  (random() * 100)::smallint AS age, random() AS share, random() * 100 AS speed, random() * 1e5 AS weight,
  (random() * 100)::real AS height, (random() * 1000)::numeric(10, 2) AS price, (random() * 1e6)::numeric(12, 3) AS sum,
  'customer-' || i % 50000 AS customer, md5(i::text) AS key, (ARRAY['red', 'green', 'blue'])[1 + i % 3] AS colour,
  (ARRAY['a', 'b', 'c', 'd'])[1 + i % 4] AS class, timestamptz '2024-01-01' + i * interval '17 seconds' AS at,
  timestamp '2024-01-01' + i * interval '1 minute' AS local, date '2020-01-01' + i % 1500 AS day, i % 2 = 0 AS flag,
  random() < 0.3 AS late FROM generate_series(1, {rows}) i
"""


def run() -> bool:
    """Whether a bar is missed."""
    with server() as running:
        found = {str(rows): _measured(running, rows) for rows in (MILLION, 4 * MILLION)}
    one, four = found[str(MILLION)], found[str(4 * MILLION)]
    times = round(one["seconds"]["reading"] / one["seconds"]["psql_copy"], 2)
    found["times_psql_copy"] = times
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1), file=sys.stderr)
    grown: bool = four["peak_mib"]["reading"] > 1.2 * one["peak_mib"]["reading"]
    return grown or times > BAR


def _measured(running: Server, rows: int) -> dict[str, Any]:
    """Medians of rounds in which each comes once, so that a busy moment hits all alike."""
    running.psql("DROP TABLE IF EXISTS things", _THINGS.format(rows=rows), "VACUUM ANALYZE things")
    seconds: dict[str, list[float]] = defaultdict(list)
    peaks: dict[str, int] = {}
    for _ in range(ROUNDS if rows == MILLION else 1):
        seconds["psql_copy"].append(_copied(running))
        for what in ("reading", "ingest") if rows == MILLION else ("reading",):
            took, peak = _ours(running, what)
            seconds[what].append(took)
            peaks[what] = max(peaks.get(what, 0), peak)
    return {"seconds": {name: round(median(each), 2) for name, each in seconds.items()}, "peak_mib": peaks}


def _copied(running: Server) -> float:
    with TemporaryDirectory() as folder:
        started = time.perf_counter()
        running.psql(f"\\copy ({_SELECT}) TO '{folder}/things.csv' CSV HEADER")
        return time.perf_counter() - started


def _ours(running: Server, what: str) -> tuple[float, int]:
    secret = {SOURCE_VARIABLE + name: value for name, value in running.environment.items()}
    command = [sys.executable, "-m", "benchmarks.data.database", what]
    done = subprocess.run(command, env=os.environ | secret, stdout=subprocess.PIPE, text=True, check=True)
    took, peak = done.stdout.split()
    return float(took), int(peak)


def _step(what: str) -> None:
    """In a process of its own: prints seconds and the peak of memory in MiB. Imports are not counted."""
    with TemporaryDirectory() as folder:
        capture = Capture()
        with redirect_stdout(capture.stream):
            pod = Pod(Path(folder) / "pod", capture)
            fields = {"source": "sql", "query": _SELECT, "secret": "reader", "local_addresses": True, "label": "late"}
            started = time.perf_counter()
            if what == "reading":
                query.fetch(ingest_task(pod.url, **fields), Path(folder), Path(folder) / "query.parquet")
            else:
                ended = pod.ingest(**fields)
                assert ended.code == 0, ended
            took = time.perf_counter() - started
    print(round(took, 3), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


if __name__ == "__main__":
    _step(sys.argv[1])
