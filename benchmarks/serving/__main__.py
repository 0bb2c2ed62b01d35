"""`python -m benchmarks.serving [--quick] [--only server,…] [--cases case,…]`: servers take turns on one core."""

import argparse
import os
import signal
import sys
import tempfile
from pathlib import Path

from . import bars, workers, wrk
from .environments import environment
from .monitoring import row_us
from .page import rewrite
from .process import CLIENT_CORE, ROOT
from .report import report, table, write
from .servers import SERVERS
from .turns import CASES, Turns

QUICK = ["echo", "modelward", "fastapi"]
RESULT = ROOT / "benchmarks/results/serving.json"
PAGE = ROOT / "docs/serving-benchmark.md"


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    names = [case.name for case in CASES]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--quick", action="store_true", help=f"{', '.join(QUICK)} in under a minute; writes no file")
    parser.add_argument("--only", type=listed, metavar="SERVER,…", help=f"of {', '.join(SERVERS)}")
    parser.add_argument("--cases", type=listed, metavar="CASE,…", help=f"of {', '.join(names)}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=1, help="of each measurement (default: 1)")
    parser.add_argument("--out", type=Path, help=f"where the result goes (default: {RESULT.relative_to(ROOT)})")
    options = parser.parse_args(arguments)
    if unknown := {*(options.only or ()), *(options.cases or ())} - {*SERVERS, *names}:
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    return options


def listed(text: str) -> list[str]:
    return text.split(",")


def main() -> int:
    options = parse()
    servers = [SERVERS[name] for name in options.only or (QUICK if options.quick else SERVERS)]
    cases = [case for case in CASES if case.name in (options.cases or [one.name for one in CASES])]
    rounds, seconds = (1, 1) if options.quick else (options.rounds, options.seconds)
    wrk.install()
    for server in servers:
        environment(server.requirements)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server under way is ended too
    os.sched_setaffinity(0, {CLIENT_CORE})
    load_average = os.getloadavg()
    with tempfile.TemporaryDirectory(prefix="modelward-bench-") as home:
        turns = Turns(servers, cases, seconds, Path(home))
        small = turns.model("floats30")
        by_itself = {"monitoring_row_us": row_us(small), "further_worker_mb": workers.further_mb(small, Path(home))}
        for _ in range(rounds):
            turns.round()
    result = report(turns.samples, turns.starts, rounds, seconds, load_average) | by_itself
    if options.out or not (options.quick or options.only or options.cases):
        write(result, options.out or RESULT)
        if not options.out:
            rewrite(PAGE, result)
    print(table(result), bars.table(result), sep="\n")
    return 0 if len(turns.servers) == len(servers) else 1


if __name__ == "__main__":
    sys.exit(main())
