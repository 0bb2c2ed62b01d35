"""The best that searches find with one seed after another, and the medians held against each other."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from modelward_contracts.reports import TrialReport
from modelward_contracts.search import Algorithm, Objective, Parameter, Search
from modelward_training.search.suggest import suggest

Array = np.ndarray[Any, Any]
PARALLEL = 2
RESAMPLED = 10_000


def best_of(
    parameters: list[Parameter], algorithm: Algorithm, trials: int, seed: int, loss: Callable[[dict[str, Any]], float]
) -> float:
    """The smallest loss among all trials, suggested as fetch does."""
    search = Search(
        objective=Objective(metric="rmse", maximize=False),
        algorithm=algorithm,
        parameters=parameters,
        parallel=PARALLEL,
        trials=trials,
    )
    ended: dict[int, TrialReport] = {}
    for number in range(1, search.last + 1):
        tried = suggest(search, seed, number, ended, ())
        ended[number] = TrialReport(
            trial=number, parameters=tried, value=loss(tried), metrics={}, model="", predictions=""
        )
    return min(found.value for found in ended.values())


def against(own: Sequence[float], other: Sequence[float]) -> dict[str, Any]:
    """Losses by seed. The difference of the medians, negative where `own` is better, with its 95 % interval: the seeds
    are resampled, each with both losses."""
    both = np.array([own, other])
    draw = np.random.default_rng(0).integers(0, both.shape[1], (RESAMPLED, both.shape[1]))
    resampled = np.median(both[0][draw], axis=1) - np.median(both[1][draw], axis=1)
    low, high = np.quantile(resampled, [0.025, 0.975])
    difference = float(np.median(both[0]) - np.median(both[1]))
    return {
        "median": float(np.median(both[0])),
        "medianOfRandom": float(np.median(both[1])),
        "difference": difference,
        "low": float(low),
        "high": float(high),
        "betterOfSeeds": float((both[0] < both[1]).mean()),
        "better": difference < 0,
        "beyondChance": bool(high < 0),
    }
