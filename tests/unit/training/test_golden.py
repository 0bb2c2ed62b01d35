"""How exactly a server must agree with what was recorded."""

from typing import Any

import numpy as np
import pytest

from modelward_contracts.manifests import Signature, Tensor
from modelward_training.publish.golden import golden

SIGNATURE = Signature(
    inputs=[Tensor(name="distance", datatype="FP32", shape=[-1, 1])],
    outputs=[
        Tensor(name="label", datatype="INT64", shape=[-1]),
        Tensor(name="probability", datatype="FP32", shape=[-1, 1]),
    ],
    classes=["0", "1"],
)
FEED = {"distance": np.float32([[1.0], [2.0], [3.0]])}


def answers(error: float) -> Any:
    def run(inputs: dict[str, Any]) -> dict[str, Any]:
        rows = len(inputs["distance"])
        return {"label": np.zeros(rows, np.int64), "probability": np.full((rows, 1), 0.5 + error)}

    return run


@pytest.mark.parametrize(("spread", "tolerance"), [(0.0, 1e-5), (1e-7, 1e-5), (3e-5, 3e-4)])
def test_what_threads_change_in_the_answers_is_tolerated_ten_times(spread: float, tolerance: float) -> None:
    made = golden(SIGNATURE, FEED, answers(0.0), answers(-spread))
    assert made.atol == pytest.approx(tolerance)
    assert len(made.requests) == 2


def test_answer_that_is_not_a_number_either_way_makes_no_difference() -> None:
    made = golden(SIGNATURE, FEED, answers(float("nan")), answers(float("nan")))
    assert made.atol == pytest.approx(1e-5)
