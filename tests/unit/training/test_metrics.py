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
