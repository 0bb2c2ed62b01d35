"""How long an ingest of a million rows takes, in units of what pandas.read_csv takes for the same file."""

import json
import sys
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.capture import Capture
from modelward_training.ingest import load
from modelward_training.ingest.source import listed
from unit.training.harness import Pod, ingest_task

RESULTS = Path("benchmarks/results/files-million.json")
ROWS = 1_000_000


def run(rows: int = ROWS) -> bool:
    """Records the seconds; no time is wrong."""
    table = generated(rows)
    with TemporaryDirectory() as folder:
        capture = Capture()
        with redirect_stdout(capture.stream):
            pod = Pod(Path(folder) / "pod", capture)
            path = pod.paths.source / "rows.csv"
            table.to_csv(path, index=False)
            size = path.stat().st_size
            _seconds(path.read_bytes)
            seconds = {
                "pandas_read_csv": _seconds(lambda: pd.read_csv(path)),
                "ingest_reading": _seconds(lambda: _read(pod, Path(folder))),
                "ingest": _seconds(lambda: _ingest(pod)),
            }
    found = {"rows": rows, "columns": len(table.columns), "bytes": size, "seconds": seconds}
    print(found, file=sys.stderr)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    return False


def results() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(RESULTS.read_text())
    return found


def generated(rows: int) -> pd.DataFrame:
    """20 columns: an id, numbers with and without gaps, whole numbers, text, a boolean, a time, and a label."""
    draw = np.random.default_rng(0)
    table = pd.DataFrame({"id": np.arange(rows)})
    for number in range(8):
        table[f"number {number}"] = draw.normal(100, 30, rows).round(4)
    for number in range(2):
        table[f"gaps {number}"] = pd.Series(draw.normal(0, 1, rows).round(6)).mask(draw.random(rows) < 0.1)
    for number in range(4):
        table[f"whole {number}"] = draw.integers(0, 10 ** (2 + number), rows)
    for number in range(2):
        table[f"text {number}"] = draw.choice([f"word {each}" for each in range(50)], rows)
    table["flag"] = draw.random(rows) < 0.3
    table["at"] = (pd.Timestamp("2013-01-01") + pd.to_timedelta(draw.integers(0, 31_000_000, rows), "s")).astype(str)
    table["label"] = draw.choice(["late", "on time"], rows)
    return table


def _seconds(work: Callable[[], Any]) -> float:
    started = time.perf_counter()
    work()
    return round(time.perf_counter() - started, 2)


def _read(pod: Pod, folder: Path) -> None:
    task = ingest_task(pod.url, label="label", id="id")
    with load.connect(folder) as con:
        load.load(con, listed(task, pod.paths), task, folder)
        con.execute("CREATE TABLE typed AS SELECT * FROM source")


def _ingest(pod: Pod) -> None:
    ended = pod.ingest(label="label", id="id")
    if ended.code:
        raise RuntimeError(ended.message)
