"""`python -m benchmarks.rollback.on_cluster`: from a bad version's first request to its rollback, on a real node.

Default analysis, and default steps but where a weight is named. Clients ask at a constant rate from outside; every
error that one of them could see is counted. The step began and the rollback was decided at the whole seconds that
status.history tells.
"""

import argparse
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from benchmarks.moments import at
from benchmarks.node import new_namespace, node
from benchmarks.serving.report import machine
from cluster.shop import Service, Shop, strange, summer, train
from localcluster import paths

RESULT = paths.REPOSITORY / "benchmarks/results/rollback-cluster.json"
CLUSTER = "bench-rollback"
LIMIT_SECONDS = 900.0
Bodies = list[dict[str, Any]]


@dataclass(frozen=True)
class Fault:
    name: str
    stable: str
    candidate: str
    """Of cluster.shop.RUNS."""
    bodies: Bodies
    limits: dict[int, float]
    """Seconds by requests a second."""
    weight: int | None = None
    """Percent in the first step. None: as the default has it."""


FAULTS = [
    Fault("100 % errors", "base", "errors", strange(1), {10: 20, 100: 15}),
    Fault("20 % errors", "base", "errors", strange(5), {10: 180, 100: 180}),
    Fault("latency x2", "waves", "waves-twice", summer(), {10: 120}),
    Fault("latency x2", "ripples", "ripples-twice", summer(), {100: 40}),  # waves would keep four cores busy
    *(
        Fault(f"{words}, {weight} %", "base", version, strange(5), {100: 180}, weight)
        for weight in (10, 50)
        for words, version in (("answers 500", "errors"), ("hangs", "hangs"), ("needs too much memory", "leaks"))
    ),
]
"""Of the last, a fifth of the requests is what the candidate cannot bear."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rollback.on_cluster", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="of each fault and rate (default: %(default)s)")
    parser.add_argument("--only", default="", help="faults whose name contains this")
    arguments = parser.parse_args()
    faults = [fault for fault in FAULTS if arguments.only in fault.name]
    with node(CLUSTER) as world:
        versions = {version for fault in faults for version in (fault.stable, fault.candidate)}
        shop = train(new_namespace(world, CLUSTER), *sorted(versions))
        for fault in faults:
            for rate, limit in fault.limits.items():
                runs = [rolled_back(shop, fault, rate, number) for number in range(arguments.runs)]
                write({"fault": fault.name, "rate": rate, "limit": limit, "runs": runs})


def rolled_back(shop: Shop, fault: Fault, rate: int, number: int) -> dict[str, Any]:
    """One rollout with the defaults of the API."""
    rollout: dict[str, Any] = {"bakeTime": "5s"}
    if fault.weight is not None:
        rollout["steps"] = [{"weight": fault.weight}]
    defaults: dict[str, Any] = {"rollout": rollout, "analysis": {}}
    title = f"fault {fault.name} {rate} {number}"
    with shop.serving(title, fault.stable, **defaults) as service, service.load(fault.bodies, rate) as load:
        service.roll_out(fault.candidate)
        verdict = shop.world.wait(f"{service.name}: a verdict", lambda: verdict_on(service), LIMIT_SECONDS)
        service.wait_transition("RollbackComplete")
        started = service.wait_transition("StepStarted")
        seconds = at(verdict["time"]) - at(started["time"])
        tried = {"attempts": service.tried()[0], "answers": load.answered, "errors": load.errors.total()}
        return {"seconds": seconds, "step": service.status.get("step"), "reason": verdict["reason"], **tried}


def verdict_on(service: Service) -> dict[str, Any] | None:
    verdicts = service.status.get("verdicts", [])
    return verdicts[-1] if verdicts else None


def write(found: dict[str, Any]) -> None:
    """Beside the cells that were measured before, each with its day: all of them take an hour."""
    told = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
    }
    print(json.dumps(found, ensure_ascii=False), flush=True)
    known = {cell_of(each): each for each in (json.loads(RESULT.read_text()) if RESULT.exists() else [])}
    known[cell_of(found)] = found | told
    order = [(fault.name, rate) for fault in FAULTS for rate in fault.limits]
    RESULT.write_text(json.dumps([known[cell] for cell in order if cell in known], indent=1, ensure_ascii=False) + "\n")


def cell_of(found: dict[str, Any]) -> tuple[str, int]:
    return found["fault"], found["rate"]


if __name__ == "__main__":
    main()
