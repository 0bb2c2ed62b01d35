"""`make bench-search` in small: minima are where they are said to be, and TPE finds more than chance on a bowl."""

import numpy as np
import pytest

from benchmarks.search.compared import against, best_of
from benchmarks.search.functions import FUNCTIONS, Function

MINIMA = {
    "sphere, 3 dimensions": [1.0] * 3,
    "Rosenbrock, 2": [1.0] * 2,
    "Branin, 2": [(np.pi + 1.25) / 0.75, 2.275 / 0.75 - 5],
    "Ackley, 3": [1.0] * 3,
    "Rastrigin, 2": [1.0] * 2,
    "Levy, 4": [1.0] * 4,
    "Styblinski-Tang, 4": [-2.903534] * 4,
    "Hartmann, 6": [0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573],
}


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda function: function.name)
def test_minimum_is_where_it_is_said_to_be(function: Function) -> None:
    place = {f"x{number}": value for number, value in enumerate(MINIMA[function.name])}
    assert function.regret(place) == pytest.approx(0, abs=1e-4)


def test_tpe_finds_more_than_chance_on_a_bowl() -> None:
    bowl = FUNCTIONS[0]
    losses = [
        [best_of(bowl.parameters, algorithm, 30, seed, bowl.regret) for seed in range(5)]
        for algorithm in ("tpe", "random")
    ]
    assert against(*losses)["better"]  # type: ignore[arg-type]


def test_equal_losses_are_no_better() -> None:
    found = against([1.0, 2.0, 3.0], [1.0, 2.0, 3.0])
    assert (found["difference"], found["better"], found["beyondChance"]) == (0, False, False)
