"""What a forwarded request costs, and what the split costs the others."""

import asyncio
import random
import time
from pathlib import Path
from statistics import median
from typing import Any, cast

from benchmarks.serving.load import closed
from benchmarks.serving.process import cpu_seconds
from modelward_contracts.traffic import Target, Traffic
from modelward_serving.http.connection import Port
from modelward_serving.http.messages import Request
from modelward_serving.monitor.counters import Counters
from modelward_serving.traffic.director import Director
from modelward_serving.traffic.forward import Local

from .servers import Operator, Server, serving


def forwarding(folder: Path, operator: Operator, request: bytes, rounds: int, seconds: float) -> dict[str, Any]:
    """Direct call, local score and forwarded request in turn: one connection for latency, 16 for CPU."""
    rows: list[dict[str, float]] = []
    with (
        serving(folder, "r1", operator.folder) as stable,
        serving(folder, "r2", operator.folder) as candidate,
    ):
        for _ in range(rounds):
            direct = closed(candidate.direct, request, 1, seconds)
            operator.split([stable], None, 0)
            local_cpu = _cpu(stable, [stable], request, seconds)
            operator.split([stable], candidate.direct, 0)
            unforwarded_cpu = _cpu(stable, [stable], request, seconds)
            operator.split([stable], candidate.direct, 100, deadline_seconds=10)
            forwarded = closed(stable.data, request, 1, seconds)
            forwarded_cpu = _cpu(stable, [stable, candidate], request, seconds)
            rows.append(
                {
                    "direct_p50_ms": direct.p50_ms,
                    "forwarded_p50_ms": forwarded.p50_ms,
                    "local_cpu_us": local_cpu,
                    "unforwarded_cpu_us": unforwarded_cpu,
                    "forwarded_cpu_us": forwarded_cpu,
                }
            )
        failures = sum(candidate_failures(stable).values())
    cost = split_cost()
    result: dict[str, Any] = {key: [round(row[key], 3) for row in rows] for key in rows[0]}
    return result | {
        "failures": failures,
        "added_p50_ms": round(median(row["forwarded_p50_ms"] - row["direct_p50_ms"] for row in rows), 3),
        "cpu_ratio": round(median(row["forwarded_cpu_us"] / row["local_cpu_us"] for row in rows), 2),
        "unforwarded_ratio": round(median(row["unforwarded_cpu_us"] / row["local_cpu_us"] for row in rows), 3),
        "split_cost_us": round(1e6 * cost, 3),
        "split_cost_share": round(1e6 * cost / min(row["local_cpu_us"] for row in rows), 4),
    }


def candidate_failures(stable: Server) -> dict[str, int]:
    return stable.monitor().forwards["r2"].failures


def _cpu(server: Server, counted: list[Server], request: bytes, seconds: float) -> float:
    """Microseconds a request, of all the processes that worked on it."""
    before = sum(cpu_seconds(one.process.pid) for one in counted)
    answered = closed(server.data, request, 16, seconds)
    return 1e6 * (sum(cpu_seconds(one.process.pid) for one in counted) - before) / answered.requests


def split_cost(times: int = 200_000) -> float:
    """Seconds that a setting in force adds to a request that is not forwarded, without the rest of the server."""
    loop = asyncio.new_event_loop()
    director = Director(loop, Counters(), cast(Local, _Nothing()), Port("data", lambda _: None))
    request = cast(Request, _Empty())
    plain = _time(director, request, times)
    loop.run_until_complete(_reach_candidate(director))
    with_setting = _time(director, request, times)
    director.close()
    loop.close()
    return with_setting - plain


async def _reach_candidate(director: Director) -> None:
    """Before one is reached, the split is not asked."""
    async with await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0) as listening:
        target = Target(revision="r2", host="127.0.0.1", port=listening.sockets[0].getsockname()[1])
        director.apply(Traffic(deployment="d", revision="r1", epoch=1, candidate=target))
        async with asyncio.timeout(10):
            while not director.forwards()["r2"].reached:  # noqa: ASYNC110 — nothing tells when
                await asyncio.sleep(0.01)


def _time(director: Director, request: Request, times: int) -> float:
    best = float("inf")
    for _ in range(5):
        random.seed(0)
        began = time.perf_counter()
        for _ in range(times // 5):
            director.handle(request)
        best = min(best, time.perf_counter() - began)
    return best / (times // 5)


class _Empty:
    headers: dict[bytes, bytes] = {}


class _Nothing:
    def score(self, request: Request) -> None: ...
