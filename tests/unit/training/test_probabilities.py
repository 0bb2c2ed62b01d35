"""What counts as probabilities is measured: 0 to 1, adding up to 1."""

from typing import Any

import numpy as np
import pytest

from modelward_training.publish.probabilities import fault

Array = np.ndarray[Any, Any]
DRAW = np.random.default_rng(4)
LOGITS = DRAW.normal(size=(300, 3)) * 3


def softmax(values: Array) -> Array:
    raised = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_probabilities_of_every_float_are_some(kind: Any) -> None:
    assert fault(softmax(LOGITS).astype(kind)) is None
    assert fault(softmax(LOGITS)[:, :1].astype(kind)) is None


def test_thousand_classes_in_half_precision_are_some() -> None:
    assert fault(softmax(DRAW.normal(size=(50, 1000))).astype(np.float16)) is None


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (LOGITS, "add a Softmax"),
        (LOGITS[:, :1], "add a Sigmoid"),
        (np.log(softmax(LOGITS)), "add an Exp"),
        (1 / (1 + np.exp(-LOGITS)), "divide them by their sum"),
        (softmax(LOGITS) * 100, "reach from"),
    ],
)
def test_what_is_none_is_named(values: Array, said: str) -> None:
    assert said in str(fault(values.astype(np.float32)))
