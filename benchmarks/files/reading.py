"""Every file read by ingest and by pandas; the verdicts in benchmarks/results/files.json."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from .compare import Compared, compare
from .packages import files

RESULTS = Path("benchmarks/results/files.json")


def run() -> bool:
    """Is a file silently wrong?"""
    found: dict[str, Compared] = {}
    for name, path in files().items():
        found[name] = compare(path)
        print(f"{verdict(found[name]):8} {name}", file=sys.stderr, flush=True)
    RESULTS.write_text(json.dumps({name: asdict(result) for name, result in found.items()}, indent=1) + "\n")
    return any(result.wrong for result in found.values())


def results() -> dict[str, Compared]:
    return {name: Compared(**result) for name, result in json.loads(RESULTS.read_text()).items()}


def verdict(result: Compared) -> str:
    if result.refused:
        return "refused"
    return "wrong" if result.wrong else "told" if result.told else "the same"
