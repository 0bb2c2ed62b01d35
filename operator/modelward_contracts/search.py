"""A search for the parameters of a training: what is tried, and how many points there are to try.

Trials are numbered from 1. With p in parallel, trial n begins once all trials up to n - p are over, and what it tries
follows from the search, the seed and those trials alone: whatever ended first, and whatever was begun again.
"""

from math import floor
from typing import Any, Literal

from .wire import Wire

Algorithm = Literal["random", "grid", "tpe", "cmaes"]
_EDGE = 1e-9
"""Of a step: 0.1 goes ten times into 1, whatever floats say."""


class Objective(Wire, frozen=True, kw_only=True):
    metric: str
    """On the validation rows."""
    maximize: bool
    goal: float | None = None
    """No trial is begun that knows of one that has reached it."""


class Constraint(Wire, frozen=True, kw_only=True):
    """A trial that breaks it is never the winner."""

    metric: str
    minimum: float | None = None
    maximum: float | None = None


class Parameter(Wire, frozen=True, kw_only=True):
    name: str
    type: Literal["double", "int", "discrete", "categorical"]
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    logarithmic: bool = False
    values: list[Any] = []
    """Of discrete ones sorted numbers; of categorical ones text, numbers or booleans."""


class Search(Wire, frozen=True, kw_only=True):
    objective: Objective
    constraints: list[Constraint] = []
    algorithm: Algorithm
    startup_trials: int | None = None
    multivariate: bool = False
    sigma: float | None = None
    parameters: list[Parameter]
    parallel: int
    trials: int
    """At most, and no more than there are points."""

    @property
    def last(self) -> int:
        """The number of the last trial that there can be."""
        found = points(self.parameters)
        return self.trials if found is None else min(self.trials, found)


class Winner(Wire, frozen=True, kw_only=True):
    """The trial whose model becomes the run's."""

    trial: int
    trials: int
    """How many were made."""
    failed: int


def count(parameter: Parameter) -> int | None:
    """How many values there are; None of a continuous one."""
    if parameter.type in ("discrete", "categorical"):
        return len(parameter.values)
    assert parameter.minimum is not None
    assert parameter.maximum is not None
    span = parameter.maximum - parameter.minimum
    if span == 0:
        return 1
    step = parameter.step or (1.0 if parameter.type == "int" else None)
    return None if step is None else floor(span / step + _EDGE) + 1


def points(parameters: list[Parameter]) -> int | None:
    """How many there are to try; None: no end of them."""
    total = 1
    for parameter in parameters:
        there = count(parameter)
        if there is None:
            return None
        total *= there
    return total
