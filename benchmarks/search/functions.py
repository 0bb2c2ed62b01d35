"""Functions that optimizers are usually compared on, with known minima, as searches (Surjanovic and Bingham, Virtual
Library of Simulation Experiments, 2013; Dixon and Szegö, 1978)."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from modelward_contracts.search import Parameter

Array = np.ndarray[Any, Any]


class Function(NamedTuple):
    name: str
    value: Callable[[Array], float]
    low: float
    high: float
    dimensions: int
    minimum: float

    @property
    def parameters(self) -> list[Parameter]:
        return [
            Parameter(name=f"x{n}", type="double", minimum=self.low, maximum=self.high) for n in range(self.dimensions)
        ]

    def regret(self, tried: dict[str, Any]) -> float:
        """How far above the minimum."""
        return self.value(np.array([tried[f"x{n}"] for n in range(self.dimensions)])) - self.minimum


def sphere(x: Array) -> float:
    return float(((x - 1) ** 2).sum())


def rosenbrock(x: Array) -> float:
    return float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())


def ackley(x: Array) -> float:
    x = x - 1  # the middle of the space is no place for a minimum
    spread, waves = np.sqrt((x**2).mean()), np.cos(2 * np.pi * x).mean()
    return float(20 + np.e - 20 * np.exp(-0.2 * spread) - np.exp(waves))


def rastrigin(x: Array) -> float:
    x = x - 1
    return float(10 * len(x) + (x**2 - 10 * np.cos(2 * np.pi * x)).sum())


def levy(x: Array) -> float:
    w = 1 + (x - 1) / 4
    middle = ((w[:-1] - 1) ** 2 * (1 + 10 * np.sin(np.pi * w[:-1] + 1) ** 2)).sum()
    return float(np.sin(np.pi * w[0]) ** 2 + middle + (w[-1] - 1) ** 2 * (1 + np.sin(2 * np.pi * w[-1]) ** 2))


def styblinski_tang(x: Array) -> float:
    return float((x**4 - 16 * x**2 + 5 * x).sum() / 2)


def branin(x: Array) -> float:
    """Scaled to -5 … 15 in both dimensions; the second reaches from 0."""
    a, b = x[0] * 0.75 - 1.25, (x[1] + 5) * 0.75
    curve = b - 5.1 / (4 * np.pi**2) * a**2 + 5 / np.pi * a - 6
    return float(curve**2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(a) + 10)


ALPHA = np.array([1.0, 1.2, 3.0, 3.2])
HARTMANN_A = np.array(
    [
        [10, 3, 17, 3.5, 1.7, 8],
        [0.05, 10, 17, 0.1, 8, 14],
        [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
    ]
)
HARTMANN_P = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def hartmann(x: Array) -> float:
    return -float((ALPHA * np.exp(-(HARTMANN_A * (x - HARTMANN_P) ** 2).sum(axis=1))).sum())


FUNCTIONS = (
    Function("sphere, 3 dimensions", sphere, -5, 5, 3, 0),
    Function("Rosenbrock, 2", rosenbrock, -2, 2, 2, 0),
    Function("Branin, 2", branin, -5, 15, 2, 0.39788736),
    Function("Ackley, 3", ackley, -5, 5, 3, 0),
    Function("Rastrigin, 2", rastrigin, -5.12, 5.12, 2, 0),
    Function("Levy, 4", levy, -10, 10, 4, 0),
    Function("Styblinski-Tang, 4", styblinski_tang, -5, 5, 4, -39.16616570377142 * 4),
    Function("Hartmann, 6", hartmann, 0, 1, 6, -3.32236801),
)
