"""`python -m benchmarks.hardening mutation|weather`: every field changed and set back; lives in bad weather."""

import argparse
import asyncio
import json
import logging
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from api.client import establish, our_crds
from faults.test_bad_weather import STORIES, same_end
from faults.weather import Weather
from localcluster.api import ApiServer
from mutation.bases import BASES
from mutation.run import Found, immutable, mutate

RESULTS = Path(__file__).parents[1] / "results"


class Part(NamedTuple):
    kind: str
    base: int


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("mutation", "weather"))
    parser.add_argument("--lives", type=int, default=1_000_000, help="of each base, or of each story")
    parser.add_argument("--only", default="", help="a kind, or a story")
    parser.add_argument("--every", type=int, default=1, help="which fields are tried: every nth")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--results", type=Path)
    asked = parser.parse_args()
    logging.disable(logging.WARNING)
    began = time.monotonic()
    results = (_mutation if asked.what == "mutation" else _weather)(asked)
    results |= {"date": datetime.now(UTC).date().isoformat(), "tookSeconds": round(time.monotonic() - began)}
    path = asked.results or RESULTS / f"{asked.what}.json"
    path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{len(results['problems'])} problems; {path.name} has them")
    return int(bool(results["problems"]))


def _mutation(asked: argparse.Namespace) -> dict[str, Any]:
    parts = [Part(kind, base) for kind, bases in BASES.items() for base in range(max(1, len(bases)))]
    chosen = [part for part in parts if asked.only in ("", part.kind)]
    kinds: dict[str, dict[str, Any]] = {}
    with ProcessPoolExecutor(asked.processes) as pool:
        for part, found in zip(chosen, pool.map(partial(_mutated, asked.lives, asked.every), chosen), strict=True):
            print(part, {name: value for name, value in vars(found).items() if name != "problems"}, flush=True)
            _add(kinds.setdefault(part.kind, asdict(Found()) | {"bases": 0}), found)
    problems = [problem for of in kinds.values() for problem in of.pop("problems")]
    return {"livesOfEachBase": asked.lives, "every": asked.every, "kinds": kinds, "problems": problems}


def _mutated(lives: int, every: int, part: Part) -> Found:
    with tempfile.TemporaryDirectory() as folder, ApiServer(Path(folder) / "server") as server:
        establish(server, our_crds())
        whole = immutable(server) if part.kind == "ModelVersion" else mutate(server, *part, lives=lives, every=every)
        return asyncio.run(whole)


def _add(to: dict[str, Any], found: Found) -> None:
    to["bases"] += 1
    to["fields"] = max(to["fields"], found.fields)
    for name in ("tried", "refused", "lives", "with_effect"):
        to[name] += getattr(found, name)
    to["quiet"] = dict(Counter(to["quiet"]) + found.quiet)
    to["problems"] += found.problems


def _weather(asked: argparse.Namespace) -> dict[str, Any]:
    lives, stories = min(asked.lives, 10_000), [s for s in STORIES if asked.only in ("", s.__name__)]
    cases = [(number, seed) for seed in range(lives) for number in range(len(stories))]
    names = [story.__name__ for story in stories]
    with ProcessPoolExecutor(asked.processes) as pool:
        said = list(pool.map(_lived, [STORIES.index(stories[n]) for n, _ in cases], [seed for _, seed in cases]))
    problems = [found for found in said if found]
    return {"stories": names, "lives": len(cases), "problems": problems}


def _lived(story: int, seed: int) -> str | None:
    """What was wrong. Every third life has two operators."""
    weathers = list(_some_weathers(seed))
    try:
        same_end(STORIES[story], *weathers)
    except AssertionError as error:
        return f"{STORIES[story].__name__} {weathers}: {str(error)[:1000]}"
    return None


def _some_weathers(seed: int) -> Iterator[Weather]:
    lots = random.Random(seed)
    shares: dict[str, Any] = {
        name: lots.choice((0.0, 0.02, 0.1))
        for name in ("refused", "unheard", "conflict", "stale", "dropped", "doubled", "late")
    }
    deaths = lots.choice((0.0, 0.005))
    for _ in range(2 if seed % 3 == 0 else 1):
        yield Weather(seed=seed, deaths=deaths, **shares)


if __name__ == "__main__":
    raise SystemExit(main())
