"""What a bad candidate costs clients: errors, hangs, and how soon nothing goes to it any more."""

import asyncio
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.serving.load import OpenLoop, Outcome, quantile
from modelward_contracts.traffic import HeaderMatch

from .servers import Operator, Server, serving
from .stub import stub

CONNECTIONS = 16


def shields(folder: Path, operator: Operator, request: bytes) -> dict[str, Any]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return {
            "errors_10_rps": runner.run(errors(folder, operator, request, 10.0, 12.0)),
            "errors_100_rps": runner.run(errors(folder, operator, request, 100.0, 4.0)),
            "hang_200_rps": runner.run(hang(folder, operator, request, 200.0, 6.0)),
        }


async def errors(folder: Path, operator: Operator, request: bytes, rate: float, seconds: float) -> dict[str, Any]:
    """A tenth goes to a candidate that answers 500 to everything."""
    with serving(folder, "r1", operator.folder) as stable:
        async with stub(hangs=False) as bad:
            await asyncio.to_thread(operator.split, [stable], bad.port, 10)
            outcome = await OpenLoop([stable.data], request, CONNECTIONS).run(rate, seconds)
            stopped, trials = await _stopped(stable)
    forwards = bad.seen[: len(bad.seen) - trials]
    return {
        **_seen_by_clients(outcome),
        "forwarded": len(forwards),
        "first_to_last_forward_seconds": round(forwards[-1] - forwards[0], 3),
        "failed_trials": trials,
        "breaker_open": stopped,
    }


async def hang(folder: Path, operator: Operator, request: bytes, rate: float, seconds: float) -> dict[str, Any]:
    """A tenth carries a header that sends it to a candidate that never answers, so that it can be told apart."""
    marked = request.replace(b"\r\n", b"\r\nx-canary: yes\r\n", 1)
    with serving(folder, "r1", operator.folder) as stable:
        # Alone first, so that the server knows its own p99, from which the deadline comes.
        alone = await OpenLoop([stable.data], request, CONNECTIONS).run(rate, 3.0)
        deadline = await asyncio.to_thread(stable.deadline)
        async with stub(hangs=True) as bad:
            match = [HeaderMatch(name="x-canary", value="yes")]
            await asyncio.to_thread(operator.split, [stable], bad.port, 0, matches=match)
            touched, others = await asyncio.gather(
                OpenLoop([stable.data], marked, CONNECTIONS).run(rate / 10, seconds),
                OpenLoop([stable.data], request, CONNECTIONS).run(rate * 9 / 10, seconds),
            )
            stopped, trials = await _stopped(stable)
    p99 = quantile(alone.latencies, 0.99)
    bound = deadline + 2 * p99
    return {
        **_seen_by_clients(touched),
        "errors_of_others": sum(others.errors.values()),
        "forwarded": len(bad.seen) - trials,
        "failed_trials": trials,
        "deadline_ms": round(1000 * deadline, 1),
        "stable_p99_ms": round(1000 * p99, 2),
        "worst_touched_ms": round(1000 * max(touched.latencies), 1),
        "bound_ms": round(1000 * bound, 1),
        "breaker_open": stopped,
    }


async def _stopped(stable: Server) -> tuple[bool, int]:
    """Whether forwarding has, and how many copies tried the candidate since, which no client waited for."""
    forwards = (await asyncio.to_thread(stable.monitor)).forwards["r2"]
    return forwards.breaker_open, forwards.failed_trials


def _seen_by_clients(outcome: Outcome) -> dict[str, Any]:
    return {"requests": len(outcome.latencies), "client_errors": outcome.failures}
