"""`python -m benchmarks.search`: after 30 trials, two at a time, is what TPE has found better than what chance has?

On functions whose minimum is known the loss is what is left above it; on examples/flights it is 1 - AUC. A cell is met
where TPE's median over the seeds is better than random's. CMA-ES is told beside it.
"""

import argparse
import json
import tempfile
import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from modelward_contracts.search import Algorithm
from modelward_training import limits

from .compared import against, best_of
from .functions import FUNCTIONS, Function

RESULTS = Path(__file__).parents[1] / "results" / "search.json"
TRIALS, SEEDS = 30, 20
ALGORITHMS: tuple[Algorithm, ...] = ("random", "tpe", "cmaes")
FLIGHTS = "examples/flights"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--quick", action="store_true", help="3 seeds and 12 trials; nothing is written")
    parser.add_argument("--only", choices=("functions", "flights"))
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    seeds, trials = (3, 12) if arguments.quick else (arguments.seeds, arguments.trials)
    found = _known(arguments.results) if arguments.only else {}
    if arguments.only != "flights":
        found |= {function.name: of_function(function, seeds, trials) for function in FUNCTIONS}
    if arguments.only != "functions":
        found[FLIGHTS] = of_flights(seeds, trials)
    if not arguments.quick:
        arguments.results.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    met = sum(each["tpe"]["better"] for each in found.values())
    print(f"TPE's median is better than random's in {met} of {len(found)} cells")
    return int(met < len(found))


def _known(path: Path) -> dict[str, Any]:
    known: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return known


def of_function(function: Function, seeds: int, trials: int) -> dict[str, Any]:
    def best(algorithm: Algorithm, seed: int) -> float:
        return best_of(function.parameters, algorithm, trials, seed, function.regret)

    return _told(function.name, best, seeds, trials)


def of_flights(seeds: int, trials: int) -> dict[str, Any]:
    limits.cap_threads()
    from . import flights

    with tempfile.TemporaryDirectory(prefix="modelward-search-") as folder:
        loss = flights.loss(Path(folder))

        @cache
        def remembered(tried: tuple[tuple[str, Any], ...]) -> float:
            return loss(dict(tried))

        def best(algorithm: Algorithm, seed: int) -> float:
            return best_of(flights.PARAMETERS, algorithm, trials, seed, lambda tried: remembered((*tried.items(),)))

        return _told(FLIGHTS, best, seeds, trials)


def _told(name: str, best: Any, seeds: int, trials: int) -> dict[str, Any]:
    began = time.monotonic()
    losses = {algorithm: [best(algorithm, seed) for seed in range(seeds)] for algorithm in ALGORITHMS}
    found: dict[str, Any] = {"date": datetime.now(UTC).date().isoformat(), "seeds": seeds, "trials": trials}
    found |= {each: against(losses[each], losses["random"]) for each in ALGORITHMS if each != "random"}
    found |= {"losses": losses, "tookSeconds": round(time.monotonic() - began, 1)}
    tpe = found["tpe"]
    print(
        f"{'ok  ' if tpe['better'] else 'MISS'} {name}: {tpe['median']:.4g}, random {tpe['medianOfRandom']:.4g}: "
        f"{tpe['difference']:+.3g} ({tpe['low']:+.3g} to {tpe['high']:+.3g}); CMA-ES {found['cmaes']['median']:.4g}",
        flush=True,
    )
    return found


if __name__ == "__main__":
    raise SystemExit(main())
