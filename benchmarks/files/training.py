"""Every file with a label (`labels`), one process a core; the outcomes in benchmarks/results/files-trained.json."""

import json
import multiprocessing
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .labels import LEARNT
from .learn import Outcome, Trained, trained
from .packages import files

RESULTS = Path("benchmarks/results/files-trained.json")


def run() -> bool:
    """Is a model silently wrong?"""
    paths, started = files(), time.monotonic()
    # Read when libraries are loaded: two threads of one that share a core wait for one another.
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    spawn, cores = multiprocessing.get_context("spawn"), os.sched_getaffinity(0)
    free: Any = spawn.Queue()
    for core in cores:
        free.put(core)
    found: dict[str, Trained] = {}
    with spawn.Pool(len(cores), _settle, (free,)) as pool:
        for name, result in pool.imap_unordered(_one, [(name, paths[name]) for name in LEARNT]):
            found[name] = result
            print(f"{name}: {summary(result)}", file=sys.stderr, flush=True)
            _write(round(time.monotonic() - started), found)
    return any(outcome.verdict == "wrong" for result in found.values() for outcome in result.outcomes.values())


def _write(seconds: int, found: dict[str, Trained]) -> None:
    told = {"seconds": seconds, "files": {name: asdict(found[name]) for name in sorted(found)}}
    RESULTS.write_text(json.dumps(told, indent=1) + "\n")


def results() -> tuple[int, dict[str, Trained]]:
    """Seconds that it took, and the outcomes by file."""
    stored = json.loads(RESULTS.read_text())
    return stored["seconds"], {name: _result(**result) for name, result in stored["files"].items()}


def _result(outcomes: dict[str, Any], **told: Any) -> Trained:
    return Trained(**told, outcomes={name: Outcome(**outcome) for name, outcome in outcomes.items()})


def summary(result: Trained) -> str:
    if result.refused:
        return f"refused: {result.refused}"
    verdicts = [outcome.verdict for outcome in result.outcomes.values()]
    counted = {each: verdicts.count(each) for each in ("equal", "near", "refused", "wrong")}
    return ", ".join(f"{count} {each}" for each, count in counted.items() if count)


def _settle(free: Any) -> None:
    """A core of its own, which is also what the trainer then takes for all there are."""
    os.sched_setaffinity(0, {free.get()})


def _one(job: tuple[str, Path]) -> tuple[str, Trained]:
    name, path = job
    return name, trained(path, LEARNT[name])
