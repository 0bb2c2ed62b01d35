"""What an algorithm would try next, from what is known: pure functions of their arguments, seed included.

Random and TPE are Optuna's. CMA-ES is that of cmaes, which Optuna uses too: Optuna's own sampler keeps its state
pickled in the trials, and nothing is unpickled here; told again from the first trial on, it comes to the same state.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import optuna
from cmaes import CMA
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from modelward_contracts.reports import TrialReport
from modelward_contracts.search import Parameter, Search, count

from .space import bounds, coordinate, number_of, rounded, value_at, value_of

Values = dict[str, Any]
STARTUP = 10
SIGMA = 1 / 6
"""Of the space: what Optuna begins with."""


@dataclass(frozen=True)
class Tried:
    """A trial before the one that is asked for."""

    parameters: Values
    state: TrialState
    """RUNNING: nobody may know yet how it ends."""
    result: TrialReport | None = None


def sample(search: Search, tried: Sequence[Tried], seed: int) -> Values:
    """`tried`: all trials before, in their order. `seed`: of this trial."""
    if search.algorithm == "cmaes":
        return _cmaes(search, tried, seed)
    return _optuna(search, tried, _sampler(search, seed))


def _sampler(search: Search, seed: int) -> BaseSampler:
    if search.algorithm != "tpe":
        return RandomSampler(seed=seed)
    begin = STARTUP if search.startup_trials is None else search.startup_trials
    return TPESampler(n_startup_trials=begin, seed=seed, multivariate=search.multivariate, constant_liar=True)


def _optuna(search: Search, tried: Sequence[Tried], sampler: BaseSampler) -> Values:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    distributions = {parameter.name: _distribution(parameter) for parameter in search.parameters}
    direction = StudyDirection.MAXIMIZE if search.objective.maximize else StudyDirection.MINIMIZE
    study = optuna.create_study(sampler=sampler, direction=direction)
    study.add_trials([_told(search, each, distributions) for each in tried])
    asked = study.ask(distributions).params
    return {parameter.name: _value(parameter, asked[parameter.name]) for parameter in search.parameters}


def _distribution(parameter: Parameter) -> BaseDistribution:
    """What is finite is sought by its number, so that steps and lists are Optuna's whole numbers."""
    there = count(parameter)
    if parameter.type == "categorical":
        return CategoricalDistribution(range(len(parameter.values)))
    if there is not None and not parameter.logarithmic:
        return IntDistribution(0, there - 1)
    low, high = bounds(parameter)
    if parameter.type == "int":
        return IntDistribution(int(low), int(high), log=True)
    return FloatDistribution(low, high, log=parameter.logarithmic)


def _value(parameter: Parameter, found: Any) -> Any:
    if count(parameter) is None:
        return rounded(parameter, found)
    return int(found) if parameter.logarithmic else value_at(parameter, int(found))


def _told(search: Search, one: Tried, distributions: dict[str, BaseDistribution]) -> FrozenTrial:
    parameters = {parameter.name: parameter for parameter in search.parameters}
    numbered = {
        name: value
        if count(parameters[name]) is None or parameters[name].logarithmic
        else number_of(parameters[name], value)
        for name, value in one.parameters.items()
    }
    return create_trial(
        state=one.state,
        params=numbered,
        distributions=distributions,
        value=one.result.value if one.result else None,
        constraints=one.result.excess if one.result else None,
    )


def _cmaes(search: Search, tried: Sequence[Tried], seed: int) -> Values:
    """From the state after the whole generations whose results are known. What failed or broke a constraint is as bad
    as the worst."""
    parameters = search.parameters
    size = len(parameters)
    sigma = search.sigma or SIGMA
    optimizer = CMA(np.full(size, 0.5), sigma, bounds=np.array([[0.0, 1.0]] * size), seed=seed)
    known = [one for one in tried if one.state != TrialState.RUNNING]
    population = optimizer.population_size
    for begin in range(0, len(known) - population + 1, population):
        generation = known[begin : begin + population]
        losses = _losses(search, generation)
        places = [np.array([coordinate(p, one.parameters[p.name]) for p in parameters]) for one in generation]
        optimizer.tell(list(zip(places, losses, strict=True)))
    asked = optimizer.ask()
    return {p.name: value_of(p, float(at)) for p, at in zip(parameters, asked, strict=True)}


def _losses(search: Search, generation: Sequence[Tried]) -> list[float]:
    sign = -1 if search.objective.maximize else 1
    found = [sign * one.result.value if one.result and one.result.feasible else math.inf for one in generation]
    worst = max((loss for loss in found if math.isfinite(loss)), default=0.0)
    return [loss if math.isfinite(loss) else worst + abs(worst) + 1.0 for loss in found]
