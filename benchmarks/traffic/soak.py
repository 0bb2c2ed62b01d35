"""`python -m benchmarks.traffic.soak [--seconds 600] [--workers 1]`: 80 % of capacity through all that a rollout does.

Two stable servers and a candidate. Weights change, connections are closed, servers are replaced and drained by
SIGTERM, clients die in mid-request. Not one request may fail, and no server that stays may grow.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

import uvloop

from benchmarks.serving.load import ClosedLoop, OpenLoop, Outcome, dying_client, quantile
from benchmarks.serving.models import dense
from benchmarks.serving.process import CLIENT_CORE, ROOT, memory_mb
from benchmarks.serving.requests import infer

from .servers import Operator, Server, serving

RESULTS = ROOT / "benchmarks/results"
LOAD = 0.8
CONNECTIONS = 32
WEIGHTS = (10, 50, 0, 100, 10, 100, 50)


@dataclass
class Report:
    seconds: float
    workers: int
    """Processes of each server."""
    capacity: float
    """Requests a second in a closed loop, all servers on one core: the least over the settings to come (the most costly
    is a connection for each request) and some seconds, because a shared machine's pace changes."""
    rate: float
    requests: int = 0
    forwarded: int = 0
    statuses: dict[str, int] = field(default_factory=dict)
    distinct_answers: int = 0
    errors: dict[str, int] = field(default_factory=dict)
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    weight_changes: int = 0
    drained: int = 0
    exit_codes: list[int] = field(default_factory=list)
    dead_clients: int = 0
    memory_mb: list[float] = field(default_factory=list)
    """Of the stable server that stays, at equal distances."""

    @property
    def growth_mb(self) -> float:
        """Median of the last third over that of the middle third: what comes before is warming up."""
        third = max(1, len(self.memory_mb) // 3)
        middle, last = sorted(self.memory_mb[third : 2 * third]), sorted(self.memory_mb[-third:])
        return last[len(last) // 2] - middle[len(middle) // 2]


class Soak:
    def __init__(self, home: Path, processes: ExitStack, workers: int) -> None:
        self.model = dense(home / "model", 30, 2)
        self.request = infer("/v2/models/m/infer", self.model, binary=False)
        self.operator = Operator(home / "traffic")
        self.processes, self.workers = processes, workers
        self.stays, self.leaves, self.candidate = self.start("r1"), self.start("r1"), self.start("r2")
        self.ports: list[int] = [self.stays.data, self.leaves.data]
        self.weight = 0

    def start(self, revision: str) -> Server:
        options = ("--drain-seconds", "2", "--workers", str(self.workers))
        return self.processes.enter_context(serving(self.model.folder, revision, self.operator.folder, *options))

    def split(self, weight: int, close: bool = False) -> None:
        self.weight = weight
        stable = [self.stays, self.leaves]
        self.operator.split(stable, self.candidate.direct, weight, close_connections=close)

    def replace_stable(self) -> int:
        """As a Deployment does: the new pod gets clients, the old one leaves the Service and then stops."""
        old, self.leaves = self.leaves, self.start("r1")
        self.split(self.weight)
        self.ports[:] = [self.stays.data, self.leaves.data]
        old.process.terminate()
        return old.process.wait(30)

    def replace_candidate(self) -> int:
        old, self.candidate = self.candidate, self.start("r2")
        self.split(self.weight)
        old.process.terminate()
        return old.process.wait(30)

    async def capacity(self) -> float:
        rates = []
        for weight, close in [(weight, False) for weight in WEIGHTS] + [(100, True)]:
            await asyncio.to_thread(self.split, weight, close)
            outcome = await ClosedLoop(self.ports, self.request, CONNECTIONS).run(1.0)
            rates.append(len(outcome.latencies) / outcome.seconds)
        return min(rates)


async def soak(seconds: float, period: float, workers: int = 1) -> Report:
    """One change each `period` seconds."""
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="modelward-soak-")))
        run = Soak(home, stack.enter_context(ExitStack()), workers)
        capacity = await run.capacity()
        report = Report(seconds, workers, capacity, LOAD * capacity)
        load = OpenLoop(run.ports, run.request, CONNECTIONS)
        loading = asyncio.create_task(load.run(report.rate, seconds))
        beside = [
            asyncio.create_task(_each(seconds / 60, lambda: _look(run, report))),
            asyncio.create_task(_each(0.2, lambda: _die(run, report))),
        ]
        try:
            await _changes(run, report, time.monotonic() + seconds - 2 * period, period)
            _fill(report, await loading)
        finally:
            for task in beside:
                task.cancel()
        return report


async def _changes(run: Soak, report: Report, end: float, period: float) -> None:
    number = 0
    while time.monotonic() < end:
        weight = WEIGHTS[number % len(WEIGHTS)]
        await asyncio.to_thread(run.split, weight, close=weight == 100 and number % 2 == 1)
        report.weight_changes += 1
        await asyncio.sleep(period)
        if number % 2 and time.monotonic() < end:
            replace = run.replace_stable if number % 4 == 1 else run.replace_candidate
            report.exit_codes.append(await asyncio.to_thread(replace))
            report.drained += 1
        number += 1


async def _each(period: float, do: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(period)
        await do()


async def _look(run: Soak, report: Report) -> None:
    report.memory_mb.append(round(memory_mb(run.stays.process.pid), 2))


async def _die(run: Soak, report: Report) -> None:
    report.dead_clients += 1
    await dying_client(run.stays.data, run.request)


def _fill(report: Report, outcome: Outcome) -> None:
    report.requests = len(outcome.latencies)
    report.forwarded = outcome.by_revision.get(b"r2", 0)
    report.statuses = {str(status): count for status, count in outcome.statuses.items()}
    report.distinct_answers = len(outcome.bodies)
    report.errors = dict(outcome.errors)
    report.p50_ms, report.p99_ms = (round(1000 * quantile(outcome.latencies, q), 3) for q in (0.5, 0.99))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.traffic.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--period", type=float, default=5.0, help="seconds between changes (default: 5)")
    parser.add_argument("--workers", type=int, default=1, help="processes of each server (default: 1)")
    parser.add_argument("--out", type=Path, help="where the result goes (default: benchmarks/results/soak….json)")
    options = parser.parse_args()
    os.sched_setaffinity(0, {CLIENT_CORE})
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        report = runner.run(soak(options.seconds, options.period, options.workers))
    result = asdict(report) | {"growth_mb": round(report.growth_mb, 2), "load_average": os.getloadavg()}
    name = "soak.json" if options.workers == 1 else f"soak-{options.workers}-workers.json"
    (options.out or RESULTS / name).write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))
    return 0 if set(report.statuses) == {"200"} and not report.errors else 1


if __name__ == "__main__":
    sys.exit(main())
