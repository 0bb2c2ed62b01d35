"""What a trial tries: the same whatever ended first, new each time, and within its space."""

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from modelward_contracts.reports import TrialReport
from modelward_contracts.search import Algorithm, Objective, Parameter, Search
from modelward_contracts.wire import canonical
from modelward_training.search.suggest import suggest

NUMBERS = st.one_of(
    st.builds(
        lambda low, span, log: Parameter(name="", type="double", minimum=low, maximum=low + span, logarithmic=log),
        st.floats(0.0009765625, 10, width=32),
        st.floats(0.5, 100, width=32),
        st.booleans(),
    ),
    st.builds(
        lambda low, count, step: Parameter(
            name="", type="double", minimum=low / 10, maximum=low / 10 + count * step / 100, step=step / 100
        ),
        st.integers(-20, 20),
        st.integers(1, 12),
        st.integers(1, 30),
    ),
    st.builds(
        lambda low, span, step: Parameter(name="", type="int", minimum=low, maximum=low + span, step=step),
        st.integers(-5, 5),
        st.integers(1, 40),
        st.one_of(st.none(), st.integers(1, 7)),
    ),
    st.builds(
        lambda low, span: Parameter(name="", type="int", minimum=low, maximum=low + span, logarithmic=True),
        st.integers(1, 5),
        st.integers(1, 500),
    ),
    st.builds(
        lambda values: Parameter(name="", type="discrete", values=sorted(values)),
        st.sets(
            st.one_of(st.integers(-9, 9), st.floats(-9, 9, width=16).filter(lambda x: x % 1 != 0)),
            min_size=1,
            max_size=6,
        ),
    ),
)
WORDS = st.builds(
    lambda values: Parameter(name="", type="categorical", values=values),
    st.sampled_from([["a", "b", "c"], [True, False], ["1", 1, True], [0.5, "0.5"]]),
)


def named(parameters: list[Parameter]) -> list[Parameter]:
    from msgspec.structs import replace

    return [replace(each, name=f"p{number}") for number, each in enumerate(parameters)]


@st.composite
def searches(draw: st.DrawFn) -> Search:
    algorithm: Algorithm = draw(st.sampled_from(("random", "tpe", "cmaes", "grid")))
    kinds = NUMBERS if algorithm == "cmaes" else st.one_of(NUMBERS, WORDS)
    if algorithm == "grid":
        kinds = kinds.filter(lambda each: each.type != "double" or each.step is not None)
    return Search(
        objective=Objective(metric="auc", maximize=draw(st.booleans())),
        algorithm=algorithm,
        startup_trials=3 if algorithm == "tpe" else None,
        multivariate=algorithm == "tpe" and draw(st.booleans()),
        parameters=named(draw(st.lists(kinds, min_size=1, max_size=3))),
        parallel=draw(st.integers(1, 4)),
        trials=draw(st.integers(1, 14)),
    )


def result(number: int, values: dict[str, Any], feasible: bool) -> TrialReport:
    value = math.sin(len(canonical(values)) + number)
    excess = {"model_bytes <= 9": -1.0 if feasible else 1.0}
    return TrialReport(
        trial=number, parameters=values, value=value, excess=excess, metrics={}, model="", predictions=""
    )


@given(search=searches(), seed=st.integers(0, 5), chance=st.randoms(use_true_random=False))
def test_suggestions_are_new_within_the_space_and_the_same_in_any_order(search: Search, seed: int, chance: Any) -> None:
    failing = {number for number in range(1, search.last + 1) if chance.random() < 0.15}
    infeasible = {number for number in range(1, search.last + 1) if chance.random() < 0.2}
    found: dict[int, dict[str, Any]] = {}
    ended: dict[int, TrialReport] = {}
    for number in range(1, search.last + 1):
        known = {n: ended[n] for n in ended if n <= number - search.parallel}
        found[number] = suggest(search, seed, number, known, [n for n in failing if n <= number - search.parallel])
        if number not in failing:
            ended[number] = result(number, found[number], number not in infeasible)
    assert len({canonical(values) for values in found.values()}) == len(found)
    for values in found.values():
        for parameter in search.parameters:
            assert_within(parameter, values[parameter.name])
    number = chance.randint(1, search.last)
    assert suggest(search, seed, number, ended, failing) == found[number], "more is known, and changes nothing"


def assert_within(parameter: Parameter, value: Any) -> None:
    if parameter.values:
        assert any((type(each), each) == (type(value), value) for each in parameter.values)
        return
    assert parameter.minimum is not None
    assert parameter.maximum is not None
    rounding = 1e-12 if parameter.step else 0  # minimum and steps are added as decimals, the maximum here is not
    assert parameter.minimum <= value <= parameter.maximum + rounding
    assert isinstance(value, int if parameter.type == "int" else float)
    if parameter.step:
        steps = (value - parameter.minimum) / parameter.step
        assert abs(steps - round(steps)) < 1e-6
