"""Metrics in numpy are scikit-learn's metrics, and what each row adds to them is what tells how sure they are."""

import warnings

import numpy as np
import pytest
from sklearn import metrics as known

from modelward_contracts.metrics import METRICS
from modelward_training.publish import metrics
from modelward_training.publish.metrics import Answers, Array, measure, values


def classified(classes: int, rows: int = 500) -> Answers:
    draw = np.random.default_rng(classes)
    truth = draw.integers(0, classes, rows)
    probabilities = draw.dirichlet(np.ones(classes), rows) + 0.3 * np.eye(classes)[truth]
    probabilities = np.round(probabilities / probabilities.sum(axis=1, keepdims=True), 2)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return Answers(truth, probabilities.argmax(axis=1), probabilities, classes)


def estimated(rows: int = 300) -> Answers:
    draw = np.random.default_rng(4)
    truth = draw.normal(size=rows)
    return Answers(truth, truth + draw.normal(size=rows))


@pytest.mark.parametrize("classes", [2, 3, 7])
def test_classification_metrics_equal_scikit_learns(classes: int) -> None:
    answers = classified(classes)
    truth, predicted, probabilities = answers.truth, answers.predicted, answers.probabilities
    assert probabilities is not None
    average = "binary" if classes == 2 else "macro"
    scores = probabilities[:, 1] if classes == 2 else probabilities
    found = values(answers)
    assert {name: found[name] for name in found if name != "calibration_error"} == pytest.approx(
        {
            "accuracy": known.accuracy_score(truth, predicted),
            "balanced_accuracy": known.balanced_accuracy_score(truth, predicted),
            "precision": known.precision_score(truth, predicted, average=average, zero_division=0),
            "recall": known.recall_score(truth, predicted, average=average),
            "f1": known.f1_score(truth, predicted, average=average),
            "auc": known.roc_auc_score(truth, scores, multi_class="ovr"),
            "log_loss": known.log_loss(truth, probabilities),
            "brier": known.brier_score_loss(truth, scores),
        }
    )
    assert set(found) == set(METRICS["classification"])


def test_calibration_error_is_how_far_probabilities_are_off_among_rows_told_alike() -> None:
    said = np.repeat([0.1, 0.3, 0.8], [10, 10, 20])
    truth = np.zeros(40, int)
    truth[:1], truth[10:15], truth[20:34] = 1, 1, 1
    answers = Answers(truth, (said > 0.5).astype(int), np.column_stack([1 - said, said]), 2)
    # 0.1 is so in 1 of 10, 0.3 in 5 of 10, 0.8 in 14 of 20.
    assert metrics.calibration(answers) == [
        (10, pytest.approx(0.1), 0.1),
        (10, pytest.approx(0.3), 0.5),
        (20, pytest.approx(0.8), 0.7),
    ]
    assert values(answers)["calibration_error"] == pytest.approx(0.25 * 0.2 + 0.5 * 0.1)


def test_probability_of_nothing_counts_as_what_rounding_leaves_of_it() -> None:
    """As scikit-learn has it for float32."""
    truth = np.array([0, 1, 0, 1])
    sure = np.array([[0, 1], [0.2, 0.8], [1, 0], [0, 1]], np.float32)
    rounded = sure + np.array([[6e-8, -6e-8], [0, 0], [-6e-8, 6e-8], [0, 0]], np.float32)
    expected = pytest.approx(known.log_loss(truth, sure), abs=1e-6)
    for given in (sure, rounded):
        assert values(Answers(truth, given.argmax(axis=1), given.astype(float), 2))["log_loss"] == expected
    certain = values(Answers(truth[:2], truth[:2], np.eye(2), 2))["log_loss"]
    assert (certain, np.signbit(certain)) == (0, False)


def test_class_that_nothing_is_predicted_as_has_no_precision() -> None:
    truth = np.array([0, 1, 2, 2])
    predicted = np.array([0, 1, 1, 1])
    found = values(Answers(truth, predicted, None, 3))
    assert found["precision"] == pytest.approx(
        known.precision_score(truth, predicted, average="macro", zero_division=0)
    )
    assert found["f1"] == pytest.approx(known.f1_score(truth, predicted, average="macro"))


def test_regression_metrics_equal_scikit_learns() -> None:
    answers = estimated()
    truth, predicted = answers.truth, answers.predicted
    assert values(answers) == pytest.approx(
        {
            "rmse": known.root_mean_squared_error(truth, predicted),
            "mae": known.mean_absolute_error(truth, predicted),
            "r2": known.r2_score(truth, predicted),
        }
    )
    assert set(values(answers)) == set(METRICS["regression"])


def test_what_cannot_be_measured_is_left_out_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one_class = values(Answers(np.zeros(9, int), np.zeros(9, int), np.tile([0.9, 0.1], (9, 1)), 2))
        constant = values(Answers(np.ones(9), np.zeros(9)))
    assert "auc" not in one_class
    assert "r2" not in constant


@pytest.mark.parametrize(
    "answers", [classified(2, 2000), classified(3, 2000), estimated(2000)], ids=["2", "3", "numbers"]
)
def test_influence_tells_how_much_a_metric_varies_between_samples(answers: Answers) -> None:
    """Against the bootstrap, which knows no formula."""
    draw, rows = np.random.default_rng(7), len(answers)
    samples = [values(answers.at(draw.integers(0, rows, rows))) for _ in range(400)]
    for name, measured in measure(answers).items():
        assert measured.influence.sum() == pytest.approx(0, abs=1e-9)
        told = float(np.sqrt((measured.influence**2).sum()))
        seen = float(np.std([sample[name] for sample in samples]))
        # Where errors are small in absolute value, a bootstrapped calibration error varies around another mean.
        assert told == pytest.approx(seen, rel=0.4 if name == "calibration_error" else 0.15), name


def test_influence_of_an_auc_has_delongs_variance() -> None:
    answers = classified(2, 60)
    assert answers.probabilities is not None
    score, positive = answers.probabilities[:, 1], answers.truth == 1
    wins = _wins(score[positive], score[~positive])
    expected = wins.mean(axis=1).var(ddof=1) / positive.sum() + wins.mean(axis=0).var(ddof=1) / (~positive).sum()
    found = measure(answers)["auc"]
    assert found.value == pytest.approx(wins.mean())
    assert (found.influence**2).sum() == pytest.approx(expected)


def _wins(positive: Array, negative: Array) -> Array:
    return (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
