"""Values of parameters, by number where there are finitely many, and as coordinates from 0 to 1."""

from decimal import Decimal
from math import exp, log
from typing import Any

from modelward_contracts.search import Parameter, count

DIGITS = 9
"""Significant ones of a continuous value: more nobody reads, and none matters."""


def value_at(parameter: Parameter, number: int) -> Any:
    """Of finitely many values, from 0."""
    if parameter.values:
        return parameter.values[number]
    low = parameter.minimum or 0.0
    if parameter.type == "int":
        return int(low) + number * int(parameter.step or 1)
    return float(Decimal(str(low)) + number * Decimal(str(parameter.step or 0)))  # 0.3, not 0.30000000000000004


def number_of(parameter: Parameter, value: Any) -> int:
    """The inverse of `value_at`."""
    if parameter.values:
        return next(n for n, each in enumerate(parameter.values) if (type(each), each) == (type(value), value))
    steps: float = (value - (parameter.minimum or 0.0)) / (parameter.step or 1)
    return round(steps)


def rounded(parameter: Parameter, value: float) -> float:
    low, high = bounds(parameter)
    return min(high, max(low, float(f"{value:.{DIGITS}g}")))


def bounds(parameter: Parameter) -> tuple[float, float]:
    """Of numbers."""
    assert parameter.minimum is not None
    assert parameter.maximum is not None
    return parameter.minimum, parameter.maximum


def point(parameters: list[Parameter], number: int) -> dict[str, Any]:
    """Of a finite space, from 0: the last parameter changes first."""
    found: dict[str, Any] = {}
    for parameter in reversed(parameters):
        number, digit = divmod(number, count(parameter) or 1)
        found[parameter.name] = value_at(parameter, digit)
    return {parameter.name: found[parameter.name] for parameter in parameters}


def coordinate(parameter: Parameter, value: Any) -> float:
    """0 to 1, on the scale on which it is sought."""
    there = count(parameter)
    if there is not None and not parameter.logarithmic:
        return (number_of(parameter, value) + 0.5) / there
    low, high = map(log, bounds(parameter)) if parameter.logarithmic else bounds(parameter)
    return ((log(value) if parameter.logarithmic else value) - low) / (high - low) if high > low else 0.5


def value_of(parameter: Parameter, at: float) -> Any:
    """The inverse of `coordinate`."""
    there = count(parameter)
    if there is not None and not parameter.logarithmic:
        return value_at(parameter, min(there - 1, int(at * there)))
    low, high = map(log, bounds(parameter)) if parameter.logarithmic else bounds(parameter)
    found = low + at * (high - low)
    found = exp(found) if parameter.logarithmic else found
    return round(found) if parameter.type == "int" else rounded(parameter, found)
