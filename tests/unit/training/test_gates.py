"""Gates: bounds, the worst slice, and comparisons that pass, fail, or say that they cannot tell."""

from collections.abc import Callable

import numpy as np
import pytest

from benchmarks.gates.pairs import answers, pair
from modelward_contracts.reports import GateResult, SliceResult
from modelward_contracts.tasks import Gate
from modelward_training.publish.gates import Evidence, judge
from modelward_training.publish.metrics import Answers, measure
from modelward_training.publish.serving import Opponent

SERVING = Gate(metric="auc", not_worse_than="Serving")


def against(gate: Gate, own: Answers, other: Answers | None, why: str = "") -> GateResult:
    opponent = Opponent("flights-3", other, why)
    (result,) = judge([gate], Evidence(own, measure(own), serving=[opponent], baseline=opponent))
    return result


def verdict(result: GateResult) -> tuple[object, bool]:
    return result.result, result.passed


@pytest.mark.parametrize(("worse", "result"), [(0.0, "Passed"), (0.02, "Failed")])
def test_equal_models_pass_and_one_two_points_worse_fails(worse: float, result: str) -> None:
    """A fixed sample of what benchmarks/gates measures: 5,000 rows, 25 % positive, AUC 0.75, scores correlated 0.8."""
    found = [against(SERVING, *pair(worse, seed=seed)).result for seed in range(100)]
    assert found.count(result) >= (95 if result == "Passed" else 90)
    assert "Unclear" not in found


def test_difference_is_told_with_its_interval() -> None:
    own, other = pair(0.05, seed=1)
    found = against(SERVING, own, other)
    assert isinstance(found.difference, float)
    assert isinstance(found.low, float)
    assert isinstance(found.high, float)
    assert found.low < found.difference < found.high < -0.01
    assert (found.against, found.other) == ("flights-3", measure(other)["auc"].value)
    assert found.bound == "not worse than flights-3 by more than 0.01"
    assert found.message == (
        f"auc is {found.value:.4g}, flights-3 has {found.other:.4g} on the same rows: {found.difference:+.3g} "
        f"({found.low:+.3g} to {found.high:+.3g}), it may be worse by 0.01"
    )


def test_few_positives_do_not_tell_and_the_gate_says_what_becomes_of_that() -> None:
    own, other = pair(0.0, rows=400, seed=3)
    unclear = against(SERVING, own, other)
    assert verdict(unclear) == ("Unclear", False)
    assert (
        "wider than 4 margins of 0.01: too few test rows to tell; `onUnclear: Pass` lets it through" in unclear.message
    )
    passing = Gate(metric="auc", not_worse_than="Serving", on_unclear="Pass")
    assert verdict(against(passing, own, other)) == ("Unclear", True)


def test_wide_interval_that_lies_on_one_side_tells() -> None:
    good, bad = pair(0.2, rows=600, seed=2)[::-1]
    assert verdict(against(SERVING, bad, good)) == ("Failed", False)
    assert verdict(against(SERVING, good, bad)) == ("Passed", True)


def test_model_that_says_the_same_passes_however_few_the_rows() -> None:
    own, _ = pair(0.0, rows=40, seed=1)
    found = against(SERVING, own, own)
    assert verdict(found) == ("Passed", True)
    assert (found.difference, found.low, found.high) == (0, 0, 0)


def test_two_models_without_a_fault_in_twenty_rows_are_not_known_to_be_equal() -> None:
    truth = np.repeat([0, 1], 10)
    own, other = (answers(truth, np.linspace(0, 1, 20) ** power) for power in (1, 2))
    assert verdict(against(SERVING, own, other)) == ("Unclear", False)


def shifted(by: float) -> tuple[Answers, Answers]:
    draw = np.random.default_rng(5)
    truth = draw.normal(100, 10, 5000)
    errors = draw.normal(size=5000)
    return Answers(truth, truth + errors * (1 + by)), Answers(truth, truth + errors)


@pytest.mark.parametrize(("by", "passed"), [(0.005, True), (0.02, False), (-0.02, True)])
def test_margin_of_a_loss_is_a_share_of_what_it_is_compared_with(by: float, passed: bool) -> None:
    found = against(Gate(metric="rmse", not_worse_than="Serving"), *shifted(by))
    assert found.passed is passed
    assert found.bound == "not worse than flights-3 by more than 0.01 of it"


def test_negative_margin_asks_for_more() -> None:
    gate = Gate(metric="rmse", not_worse_than="Baseline", margin=-0.1)
    assert verdict(against(gate, *shifted(-0.2))) == ("Passed", True)
    found = against(gate, *shifted(-0.05))
    assert verdict(found) == ("Failed", False)
    assert "it must be better by" in found.message


def test_nothing_in_service_is_no_reason_to_fail() -> None:
    own, _ = pair(0.0, rows=40, seed=1)
    (found,) = judge([SERVING], Evidence(own, measure(own)))
    assert (found.passed, found.message) == (True, "nothing serves yet")


def test_each_version_in_service_is_compared_with() -> None:
    own, other = pair(0.02, seed=1)
    serving = [Opponent("flights-3", own), Opponent("flights-2", other), Opponent("flights-1", why="it is gone")]
    found = judge([SERVING], Evidence(own, measure(own), serving=serving))
    assert [(one.against, *verdict(one)) for one in found] == [
        ("flights-3", "Passed", True),
        ("flights-2", "Failed", False),
        ("flights-1", "Unclear", False),
    ]
    assert found[2].message.startswith("auc cannot be compared with flights-1's: it is gone")


def test_labels_without_probabilities_have_no_auc_to_compare() -> None:
    own, other = pair(0.0, rows=400, seed=1)
    bare = Answers(own.truth, own.predicted, None, 2)
    for one, two, why in ((bare, other, "model.onnx gives no probabilities"), (own, bare, "flights-3 has no auc")):
        found = against(SERVING, one, two)
        assert verdict(found) == ("Unclear", False)
        assert why in found.message


def place(value: str, auc: float | None, counted: bool = True) -> SliceResult:
    metrics = {"accuracy": 0.9} | ({} if auc is None else {"auc": auc})
    return SliceResult(column="carrier", value=value, rows=212, share=0.042, counted=counted, metrics=metrics)


@pytest.mark.parametrize(
    ("places", "passed", "message"),
    [
        ([place("UA", 0.55), place("B6", 0.7)], False, "auc is 0.55 where carrier=UA (212 rows, 4.2%) and not >= 0.6"),
        ([place("UA", 0.55, counted=False), place("B6", 0.7)], True, "auc is 0.7 where carrier=B6 (212 rows, 4.2%)"),
        ([place("UA", None)], False, "auc is not measured in any slice, because no slice has enough rows"),
    ],
)
def test_worst_slice_that_is_large_enough_decides(places: list[SliceResult], passed: bool, message: str) -> None:
    own, _ = pair(0.0, rows=400, seed=1)
    gate = Gate(metric="auc", slice="Worst", minimum=0.6)
    (found,) = judge([gate], Evidence(own, measure(own), slices=places))
    assert found.passed is passed
    assert message in found.message


@pytest.mark.parametrize("make", [lambda: Gate(metric="auc", minimum=0.5), lambda: SERVING])
def test_message_is_bounded(make: Callable[[], Gate]) -> None:
    own, _ = pair(0.0, rows=400, seed=1)
    assert len(against(make(), own, None, why="x" * 5000).message) <= 500
