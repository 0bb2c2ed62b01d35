"""`python -m benchmarks.serving [--quick] [--only server,…] [--cases case,…]`: servers take turns on one core."""

import argparse
import os
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from .environments import environment
from .measure import Case, Sample, Wrong, first_answer, measure, require_right
from .models import Published, bare, dense, pipeline
from .process import CLIENT_CORE, ROOT, free_port, running
from .report import report, table, write
from .requests import answer_bytes, infer
from .servers import SERVERS, Server

CASES = [
    Case("floats30-c16", "floats30", 16),
    Case("floats30-c1", "floats30", 1),
    Case("floats30-constant", "floats30", 16, share=0.5),
    Case("floats784-c16", "floats784", 16),
    Case("floats784-binary-c16", "floats784", 16, binary=True),
    Case("pipeline-c16", "pipeline", 16),
]
UNMONITORED = "modelward-unmonitored"
"""Our server on the bare model, without manifest and profile."""
QUICK = ("echo", "modelward", "fastapi")


class Run:
    def __init__(self, servers: list[str], cases: list[Case], seconds: float, home: Path) -> None:
        self.servers, self.cases, self.seconds, self.home = servers, cases, seconds, home
        self.samples: dict[str, dict[str, list[Sample]]] = {case.name: defaultdict(list) for case in cases}
        self.starts: dict[str, list[float]] = defaultdict(list)
        self.models: dict[str, Published] = {}

    def model(self, name: str) -> Published:
        if name not in self.models:
            make = {"floats30": lambda at: dense(at, 30, 2), "floats784": lambda at: dense(at, 784, 10)}
            self.models[name] = make.get(name, pipeline)(self.home / name)
        return self.models[name]

    def turn(self, model: str) -> None:
        """Every server once, on one model."""
        for name in self.servers:
            published = self.model(model)
            if name == UNMONITORED:
                if not (self.home / f"{model}-bare").exists():
                    self.models[f"{model}-bare"] = bare(published, self.home / f"{model}-bare")
                published = self.models[f"{model}-bare"]
            server = SERVERS["modelward" if name == UNMONITORED else name]
            for binary in sorted({case.binary for case in self.cases if case.model == model}):
                if server.binary or not binary:
                    self.one(name, server, model, published, binary)

    def one(self, name: str, server: Server, model: str, published: Published, binary: bool) -> None:
        port, log = free_port(), self.home / f"{name}.log"
        request = infer(server.path, published, binary)
        sizes = (len(request), answer_bytes(published))
        command = server.command(environment(server.requirements), published.folder, (port, free_port()), sizes)
        began = time.perf_counter()
        with running(command, log) as process:
            body, seconds = first_answer(process, port, request, log, began)
            if server.name != "echo":
                require_right(body, published)
            if model == "floats30":
                self.starts[name].append(seconds)
            for case in self.cases:
                if case.model == model and case.binary == binary:
                    sample = measure(process, port, request, case, self.seconds)
                    self.samples[case.name][name].append(sample)
                    print(f"{name:22} {case.name:22} {sample.cpu_us:8.1f} µs {sample.rate:9,.0f}/s", file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="echo, modelward and fastapi in under a minute")
    parser.add_argument("--only", type=lambda text: text.split(","), help=f"of {', '.join(SERVERS)}, {UNMONITORED}")
    parser.add_argument("--cases", type=lambda text: text.split(","), help="starts of the cases' names")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement (default: 1)")
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/serving.json")
    options = parser.parse_args()
    servers = options.only or (list(QUICK) if options.quick else [*SERVERS, UNMONITORED])
    cases = [case for case in CASES if not options.cases or any(case.name.startswith(start) for start in options.cases)]
    rounds, seconds = (1, 0.5) if options.quick else (options.rounds, options.seconds)
    for name in servers:
        environment(SERVERS[name.removesuffix("-unmonitored")].requirements)
    os.sched_setaffinity(0, {CLIENT_CORE})
    with tempfile.TemporaryDirectory(prefix="modelward-bench-") as home:
        run = Run(servers, cases, seconds, Path(home))
        for _ in range(rounds):
            for model in dict.fromkeys(case.model for case in cases):
                try_turn(run, model)
        result = report(run.samples, run.starts, rounds, seconds)
    write(result, options.out)
    print(table(result))
    return 0


def try_turn(run: Run, model: str) -> None:
    """A server that fails is left out of the rest; the others go on."""
    for name in list(run.servers):
        run.servers, kept = [name], run.servers
        try:
            run.turn(model)
        except (Wrong, RuntimeError) as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
            kept = [one for one in kept if one != name]
        run.servers = kept


if __name__ == "__main__":
    sys.exit(main())
