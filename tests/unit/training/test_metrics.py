"""Metrics in numpy are scikit-learn's metrics."""

import warnings

import numpy as np
import pytest
from sklearn import metrics as known

from modelward_training.gates import METRICS
from modelward_training.publish import metrics


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_classification_metrics_equal_scikit_learns(classes: int) -> None:
    draw = np.random.default_rng(classes)
    truth = draw.integers(0, classes, 500)
    probabilities = draw.dirichlet(np.ones(classes), 500) + 0.3 * np.eye(classes)[truth]
    probabilities = np.round(probabilities / probabilities.sum(axis=1, keepdims=True), 2)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    predicted = probabilities.argmax(axis=1)
    found = metrics.classification(truth, predicted, probabilities, classes)
    average = "binary" if classes == 2 else "macro"
    scores = probabilities[:, 1] if classes == 2 else probabilities
    assert found == pytest.approx(
        {
            "accuracy": known.accuracy_score(truth, predicted),
            "balanced_accuracy": known.balanced_accuracy_score(truth, predicted),
            "precision": known.precision_score(truth, predicted, average=average, zero_division=0),
            "recall": known.recall_score(truth, predicted, average=average),
            "f1": known.f1_score(truth, predicted, average=average),
            "auc": known.roc_auc_score(truth, scores, multi_class="ovr"),
            "log_loss": known.log_loss(truth, probabilities),
        }
    )
    assert set(found) == set(METRICS["classification"])


def test_probability_of_nothing_counts_as_what_rounding_leaves_of_it() -> None:
    """As scikit-learn has it for float32."""
    truth = np.array([0, 1, 0, 1])
    sure = np.array([[0, 1], [0.2, 0.8], [1, 0], [0, 1]], np.float32)
    rounded = sure + np.array([[6e-8, -6e-8], [0, 0], [-6e-8, 6e-8], [0, 0]], np.float32)
    expected = pytest.approx(known.log_loss(truth, sure), abs=1e-6)
    for given in (sure, rounded):
        assert metrics.classification(truth, given.argmax(axis=1), given.astype(float), 2)["log_loss"] == expected
    certain = metrics.classification(truth[:2], truth[:2], np.eye(2), 2)["log_loss"]
    assert (certain, np.signbit(certain)) == (0, False)


def test_regression_metrics_equal_scikit_learns() -> None:
    draw = np.random.default_rng(1)
    truth, noise = draw.normal(size=300), draw.normal(size=300)
    predicted = truth + noise
    assert metrics.regression(truth, predicted) == pytest.approx(
        {
            "rmse": known.root_mean_squared_error(truth, predicted),
            "mae": known.mean_absolute_error(truth, predicted),
            "r2": known.r2_score(truth, predicted),
        }
    )


def test_what_cannot_be_measured_is_left_out_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one_class = metrics.classification(np.zeros(9, int), np.zeros(9, int), np.tile([0.9, 0.1], (9, 1)), 2)
        constant = metrics.regression(np.ones(9), np.zeros(9))
    assert "auc" not in one_class
    assert "r2" not in constant
