"""Objects on a real S3 server, each thing that is measured in a process of its own.

* again: 100,000 that are as they were. The bars: no object is read, by the server's log; at most 1.5 times as long as a
  bare listing by fsspec, and 5 s; at most 512 MiB.
* added: one of 10 MB beside a hundred. The bars: one object is read; at most 3 times as long as DuckDB takes to read
  the same files off the disk and to write them as Parquet. Neither has a limit of memory here, so that `peak_mib` is
  what a gigabyte of text takes where it may; what a limit makes of it is measured by `rows`.
"""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import redirect_stdout
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from benchmarks.capture import Capture
from modelward_contracts.tasks import SOURCE_VARIABLE, TASK_DIR, TASK_FILE, IngestTask
from modelward_contracts.wire import canonical
from modelward_training.ingest import last_look, remote
from modelward_training.ingest.last_look import listing_of
from objectstore import ObjectStore
from unit.training.harness import Pod, ingest_report, ingest_task

RESULTS = Path("benchmarks/results/data-objects.json")
MANY, FILES, SIZE, ROUNDS = 100_000, 100, 10_000_000, 3
BUCKET = "raw"


def run() -> bool:
    """Whether a bar is missed."""
    with TemporaryDirectory(prefix="bench-") as folder, ObjectStore(Path(folder) / "s3") as store:
        found = {"again": _again(store, Path(folder) / "again"), "added": _added(store, Path(folder) / "added")}
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1), file=sys.stderr)
    again, added = found["again"], found["added"]
    slow: bool = again["seconds"] > 1.5 * again["bare_listing_seconds"] + 5 or added["times_duckdb"] > 3
    read = (again["objects_read"], added["objects_read"])
    return slow or read != (0, 1) or bool(again["peak_mib"] > 512)


def _again(store: ObjectStore, root: Path) -> dict[str, Any]:
    """The first look, which reads 100,000 objects, is put together from one that reads one."""
    folder = store.bucket("many")
    for number in range(MANY):
        if number % 1000 == 0:
            (folder / f"{number // 1000:03}").mkdir()
        _object(
            folder / f"{number // 1000:03}" / f"part-{number:06}.csv", b"id,late,x\n%d,%d,1\n" % (number, number % 2)
        )
    pod, url = Pod(root, capture := Capture()), "s3://many/*/part-*.csv"
    _object(folder / "one.csv", b"id,late,x\n" + b"".join(b"%d,%d,%d\n" % (n, n % 2, n) for n in range(200)))
    os.environ.update({SOURCE_VARIABLE + key: value for key, value in store.environment.items()})
    with redirect_stdout(capture.stream):
        first = ingest_report(pod.step("ingest", _task(pod, "s3://many/one.csv")))
    task = _task(pod, url)
    files = remote.opened(task.url or "", remote.Credentials(task.secret, os.environ), True, root).listed()
    report = pod.store.put_json(first).digest
    listing = listing_of((file.name, file.identity) for file in files)
    last_look.remember(pod.store, task, listing, first.manifest, report)
    bare, ours = [], []
    for _ in range(ROUNDS):
        bare.append(_bare_listing(store, "many"))
        store.forget()
        ours.append(_ingest(store, pod, url))
    return {
        "objects": len(files),
        "objects_read": len(store.requests("GetObject")),
        "bare_listing_seconds": round(median(bare), 2),
        "seconds": round(median(each["seconds"] for each in ours), 2),
        "peak_mib": max(each["peak_mib"] for each in ours),
        "ended": ours[-1]["ended"],
    }


def _added(store: ObjectStore, root: Path) -> dict[str, Any]:
    folder, url = store.bucket(BUCKET), f"s3://{BUCKET}/*.csv"
    pod = Pod(root, Capture())
    for number in range(FILES):
        _object(folder / f"{number:03}.csv", _csv(number))
    first = _ingest(store, pod, url)
    _object(folder / f"{FILES:03}.csv", _csv(FILES))
    store.forget()
    before = _duckdb(folder / "*.csv", root / "all.parquet")
    second = _ingest(store, pod, url)
    alone = (before + _duckdb(folder / "*.csv", root / "all.parquet")) / 2
    return {
        "first_seconds": first["seconds"],
        "seconds": second["seconds"],
        "objects_read": len(store.requests("GetObject")),
        "duckdb_seconds": round(alone, 2),
        "times_duckdb": round(second["seconds"] / alone, 2),
        "peak_mib": second["peak_mib"],
        "ended": second["ended"],
    }


def _csv(number: int) -> bytes:
    """10 MB of ten columns, 47,000 rows."""
    rows, start = [b"id,late,a,b,c,d,e,f,key,at\n"], number * 1_000_000
    size = len(rows[0])
    while size < SIZE:
        n = start + len(rows)
        key = hashlib.sha512(b"%d" % n).hexdigest().encode()
        row = b"%d,%d,%.3f,%d,%d,AA%d,word-%d,%.2f,%s,2024-01-%02d\n" % (
            *(n, n % 2, n % 977 / 7, n % 13, n % 1009, n % 50, n % 5000, n % 331 / 3, key, n % 28 + 1),
        )
        rows.append(row)
        size += len(row)
    return b"".join(rows)


def _object(path: Path, data: bytes) -> None:
    """As the server would have put it there, in a fraction of the time."""
    path.write_bytes(data)
    os.setxattr(path, "user.etag", f'"{hashlib.md5(data, usedforsecurity=False).hexdigest()}"'.encode())


def _task(pod: Pod, url: str) -> IngestTask:
    return ingest_task(pod.url, source="url", url=url, path=None, secret="reader", local_addresses=True)


def _ingest(store: ObjectStore, pod: Pod, url: str) -> dict[str, Any]:
    """The step as its pod runs it."""
    (pod.paths.at(TASK_DIR) / TASK_FILE).write_bytes(canonical(_task(pod, url)))
    log = pod.root / "termination-log"
    secret = {SOURCE_VARIABLE + key: value for key, value in store.environment.items()}
    own = {"MODELWARD_ROOT": str(pod.root), "MODELWARD_TERMINATION_LOG": str(log), "PYTHONPATH": "operator"}
    found = _process([sys.executable, "-m", "modelward_training", "ingest"], os.environ | secret | own)
    return found | {"ended": json.loads(log.read_bytes())["reason"]}


def _process(command: list[str], environment: Mapping[str, str]) -> dict[str, Any]:
    started = time.perf_counter()
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        _, _, used = os.wait4(process.pid, 0)
        took = time.perf_counter() - started
        process.returncode = 0
    return {"seconds": round(took, 2), "peak_mib": used.ru_maxrss // 1024}


def _bare_listing(store: ObjectStore, bucket: str) -> float:
    fs = store.filesystem()
    fs.ls("")
    started = time.perf_counter()
    fs.find(bucket, detail=True)
    return time.perf_counter() - started


def _duckdb(files: Path, target: Path) -> float:
    started = time.perf_counter()
    with duckdb.connect() as con:
        con.execute("CREATE TABLE source AS SELECT * FROM read_csv($1)", [str(files)])
        con.execute(f"COPY (SELECT * FROM source ORDER BY id) TO '{target}' (COMPRESSION zstd)")
    return time.perf_counter() - started
