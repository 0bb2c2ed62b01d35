"""What trial n tries: a function of the search, the seed, and how the trials up to n - p ended, p being in parallel.

Those that run beside it are known by what they try, which follows in the same way. No point is tried twice.
"""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from random import Random
from typing import Any

from optuna.trial import TrialState

from modelward_contracts.reports import TrialReport
from modelward_contracts.search import Search, points
from modelward_contracts.wire import canonical

from .sampling import Tried, sample
from .space import point, value_of

Values = dict[str, Any]
ATTEMPTS = 10
"""Of the algorithm to find a point that is new, before any other one is taken."""
LISTED = 100_000
"""Points of which those that are left can be listed."""


def suggest(
    search: Search, seed: int, number: int, ended: Mapping[int, TrialReport], failed: Collection[int]
) -> Values:
    """`number` is at most `search.last`; `ended` and `failed`: at least all trials up to `number` - p."""
    before: list[Values] = []
    for each in range(1, number):
        known = ended.get(each)
        before.append(known.parameters if known else _next(search, seed, before, ended, failed))
    return _next(search, seed, before, ended, failed)


def _next(
    search: Search, seed: int, before: Sequence[Values], ended: Mapping[int, TrialReport], failed: Collection[int]
) -> Values:
    """Of the trial after `before`."""
    number = len(before) + 1
    if search.algorithm == "grid":
        return _of_grid(search, seed, number)
    tried = [
        _tried(each, parameters, number - search.parallel, ended, failed)
        for each, parameters in enumerate(before, start=1)
    ]
    taken = {canonical(parameters) for parameters in before}
    for attempt in range(ATTEMPTS):
        found = sample(search, tried, _seed(seed, number, attempt))
        if canonical(found) not in taken:
            return found
    return _any_other(search, taken, Random(_seed(seed, number, ATTEMPTS)))  # noqa: S311 - no secret


def _tried(
    number: int, parameters: Values, last: int, ended: Mapping[int, TrialReport], failed: Collection[int]
) -> Tried:
    """What may be known of a trial: how it ended only up to `last`, even where more is."""
    if number > last:
        return Tried(parameters, TrialState.RUNNING)
    if number in failed:
        return Tried(parameters, TrialState.FAIL)
    return Tried(parameters, TrialState.COMPLETE, ended[number])


def _of_grid(search: Search, seed: int, number: int) -> Values:
    """Each point once, in an order of chance, so that fewer trials than points are spread over all of it."""
    there = points(search.parameters)
    assert there is not None
    order = Random(_seed(seed, 0, 0)).sample(range(there), search.last)  # noqa: S311 - no secret
    return point(search.parameters, order[number - 1])


def _any_other(search: Search, taken: Collection[bytes], chance: Random) -> Values:
    there = points(search.parameters)
    if there is not None and there <= LISTED:
        left = [found for n in range(there) if canonical(found := point(search.parameters, n)) not in taken]
        return chance.choice(left)
    while True:
        found = {each.name: value_of(each, chance.random()) for each in search.parameters}
        if canonical(found) not in taken:
            return found


def _seed(seed: int, number: int, attempt: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed}/{number}/{attempt}".encode()).digest()[:4])
