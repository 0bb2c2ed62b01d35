"""What numbers that ought to be equal have to do with each other is said in words."""

from typing import Any

import numpy as np
import pytest

from modelward_training.publish import relation

Array = np.ndarray[Any, Any]
DRAW = np.random.default_rng(3)
X = DRAW.normal(size=500)
RATE = np.exp(0.5 * X)
P = 1 / (1 + np.exp(-X))


@pytest.mark.parametrize(
    ("model", "native", "said"),
    [
        (X, P, "logits: add a Sigmoid"),
        (np.log(RATE), RATE, "logarithm of the prediction: add an Exp"),
        (np.log1p(RATE), RATE, "log(1 + prediction)"),
        (np.exp(X), X, "leave the Exp"),
        (P, X, "probabilities where the predictions are logits"),
        (-X, X, "other sign"),
        (X, np.round(X), "are rounded"),
        (X, np.clip(X, 0, None), "add a Clip"),
        (X[::-1], X, "another order of rows"),
        (X - 0.5, X, "lacks a constant: predictions are larger by 0.5"),
        (X / 3, X, "3 times what the model gives"),
        (X, 12 * X + 40, "12 times what the model gives plus 40: the label was scaled"),
        (np.where(np.arange(500) % 50, X, X + 1), X, "2.00% of the rows differ and the others are equal"),
        (X + DRAW.normal(size=500) * 0.2, X, "move together"),
        (DRAW.normal(size=500), X, "nothing simple in common"),
        (np.full(500, 2.5), X, "gives 2.5 for every row"),
    ],
)
def test_numbers_show_what_lies_between_them(model: Array, native: Array, said: str) -> None:
    assert said in relation.of_numbers(model, native)


def softmax(values: Array) -> Array:
    raised = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


LOGITS = DRAW.normal(size=(400, 3)) * 2
THREE, TWO = softmax(LOGITS), np.column_stack([1 - P, P])


@pytest.mark.parametrize(
    ("model", "native", "said"),
    [
        (TWO[:, ::-1], TWO, "two classes are swapped"),
        (THREE[:, [1, 2, 0]], THREE, "the model's columns [2, 0, 1]"),
        (THREE[::-1], THREE, "another order of rows"),
        (softmax(LOGITS / 2), THREE, "logits are halved"),
        (softmax(LOGITS * 2), THREE, "logits are doubled"),
        (softmax(DRAW.normal(size=(400, 3))), THREE, "nothing simple in common"),
    ],
)
def test_probabilities_show_what_lies_between_them(model: Array, native: Array, said: str) -> None:
    assert said in relation.of_probabilities(model, native)


def test_labels_show_a_permutation_of_classes_or_of_rows() -> None:
    native = DRAW.integers(0, 3, 300)
    moved = np.array([2, 0, 1])[native]
    assert "'a' is 'c', 'b' is 'a', 'c' is 'b'" in relation.of_labels(moved, native, ["a", "b", "c"])
    assert "other rows" in relation.of_labels(native[::-1], native, ["a", "b", "c"])
    assert "for every row" in relation.of_labels(np.zeros(300, int), native, ["a", "b", "c"])
    few = np.where(np.arange(300) % 30, native, (native + 1) % 3)
    assert "3.33% of the rows differ" in relation.of_labels(few, native, ["a", "b", "c"])
