"""Metrics of the held-out rows, measured here and not by the code that trained, each with what every row adds to it.

A metric's influence is, to first order, how far each row moves it away from what it is (the empirical influence
function; Hampel, The influence curve and its role in robust estimation, 1974). The sum of its squares is the metric's
variance, and that of the difference of two models' influences on the same rows the variance of their difference: for
means it is the paired t-test's, for ratios the delta method's, and for the area under the curve that of DeLong, DeLong
and Clarke-Pearson (1988), found by ranks as Sun and Xu (2014) do.

Written in numpy, because importing scikit-learn takes longer than everything else in this step; the tests hold them
equal to scikit-learn's.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]
EPSILON = float(np.finfo(np.float32).eps)
"""A forest that is sure and wrong gives 0, or 1 less a sum that rounds to 0.99999994: in a log loss both are this."""
BINS = 10


@dataclass(frozen=True)
class Answers:
    """Some rows: what is true and what a model said. Numbers of classes with probabilities (rows x classes) where the
    model gives them; without classes, the values of a regression."""

    truth: Array
    predicted: Array
    probabilities: Array | None = None
    classes: int = 0

    def __len__(self) -> int:
        return len(self.truth)

    def at(self, rows: Array) -> "Answers":
        """`rows`: a mask, or positions."""
        probabilities = None if self.probabilities is None else self.probabilities[rows]
        return replace(self, truth=self.truth[rows], predicted=self.predicted[rows], probabilities=probabilities)


class Measured(NamedTuple):
    value: float
    influence: Array
    """Of each row."""
    leverage: float = 0.0
    """The most that a single row can move it; 0 where nothing bounds that."""


def values(answers: Answers) -> dict[str, float]:
    return told(measure(answers))


def told(measured: dict[str, Measured]) -> dict[str, float]:
    """Without the influences."""
    return {name: one.value for name, one in measured.items()}


def measure(answers: Answers) -> dict[str, Measured]:
    """Of two classes the second is the positive one; of more, precision, recall, f1 and auc are the classes' means.
    What the rows do not allow (an AUC of one class) is left out."""
    return _classification(answers) if answers.classes else _regression(answers.truth, answers.predicted)


def bins(answers: Answers) -> list[Array]:
    """Positions of rows with about the same probability, a tenth of the rows each; equal ones are together."""
    said, _ = _confidence(answers)
    cuts = np.unique(np.quantile(said, np.arange(1, BINS) / BINS, method="inverted_cdf"))
    numbers = np.searchsorted(cuts, said, side="left")
    return [np.flatnonzero(numbers == number) for number in np.unique(numbers)]


def calibration(answers: Answers) -> list[tuple[int, float, float]]:
    """Rows, mean probability and share that was so, of each bin."""
    said, found = _confidence(answers)
    return [(len(rows), float(said[rows].mean()), float(found[rows].mean())) for rows in bins(answers)]


def _classification(answers: Answers) -> dict[str, Measured]:
    truth, predicted, classes = answers.truth, answers.predicted, answers.classes
    hit = (truth == predicted).astype(float)
    actual, given = (np.bincount(labels, minlength=classes) for labels in (truth, predicted))
    present = np.flatnonzero(actual)
    shown = np.array([1]) if classes == 2 else np.flatnonzero(actual + given)
    metrics = {
        "accuracy": _mean(hit, 1 / len(truth)),
        "balanced_accuracy": _share(hit, [truth], present, classes),
        "precision": _share(hit, [predicted], shown, classes),
        "recall": _share(hit, [truth], shown, classes),
        "f1": _share(hit, [truth, predicted], shown, classes),
    }
    return metrics | (_of_probabilities(answers, present) if answers.probabilities is not None else {})


def _of_probabilities(answers: Answers, present: Array) -> dict[str, Measured]:
    truth, scores, classes = answers.truth, answers.probabilities, answers.classes
    assert scores is not None
    probabilities = scores / scores.sum(axis=1, keepdims=True)
    own = np.clip(probabilities[np.arange(len(truth)), truth], EPSILON, 1)
    squares = (probabilities - np.eye(classes)[truth]) ** 2
    metrics = {
        "log_loss": _mean(np.abs(np.log(own))),
        # Of two classes, of the second one's probability; of more, the sum over all (Brier, 1950).
        "brier": _mean(squares[:, 1] if classes == 2 else squares.sum(axis=1)),
        "calibration_error": _calibration_error(answers),
    }
    if len(present) > 1:
        # Not of what was divided: rounding parts rows that are equal.
        scored = [1] if classes == 2 else present.tolist()
        metrics["auc"] = _average(_auc(truth == number, scores[:, number]) for number in scored)
    return metrics


def _regression(truth: Array, predicted: Array) -> dict[str, Measured]:
    errors = predicted - truth
    square = _mean(errors**2)
    root = float(np.sqrt(square.value))
    metrics = {
        "rmse": Measured(root, square.influence / (2 * root) if root else square.influence),
        "mae": _mean(np.abs(errors)),
    }
    spread = _mean((truth - truth.mean()) ** 2)
    if spread.value > 0:
        unexplained = square.value / spread.value
        influence = -(square.influence - unexplained * spread.influence) / spread.value
        metrics["r2"] = Measured(1 - unexplained, influence)
    return metrics


def _mean(of_rows: Array, leverage: float = 0.0) -> Measured:
    value = float(of_rows.mean())
    return Measured(value, (of_rows - value) / len(of_rows), leverage)


def _share(hit: Array, labels: list[Array], shown: Array, classes: int) -> Measured:
    """The mean, over the classes `shown`, of the share of hits where `labels` name the class: true labels for recall,
    predicted ones for precision, both for f1. 0 of nothing."""
    counts = np.sum([np.bincount(each, minlength=classes) for each in labels], axis=0)
    hits = np.sum([np.bincount(each, weights=hit, minlength=classes) for each in labels], axis=0)
    shares = np.divide(hits, counts, out=np.zeros(classes), where=counts > 0)
    weights = np.zeros(classes)
    weights[shown] = 1 / len(shown) / np.maximum(1, counts[shown])
    influence = np.sum([weights[each] * (hit - shares[each]) for each in labels], axis=0)
    return Measured(float(shares[shown].mean()), influence, float(1 / max(1, counts[shown].min())))


def _average(measured: Iterable[Measured]) -> Measured:
    """One after the other: of many classes, all influences together would not fit."""
    value, influence, leverage = 0.0, np.zeros(1), 0.0
    for number, each in enumerate(measured, 1):
        value += (each.value - value) / number
        influence = influence + (each.influence - influence) / number
        leverage = max(leverage, each.leverage)
    return Measured(value, influence, leverage)


def _auc(positive: Array, score: Array) -> Measured:
    """Area under the ROC curve: the chance that a positive row scores above a negative one, ties counting half."""
    hits, misses = int(positive.sum()), int((~positive).sum())
    above = np.empty(len(score))
    above[positive] = (_ranks(score)[positive] - _ranks(score[positive])) / misses
    above[~positive] = 1 - (_ranks(score)[~positive] - _ranks(score[~positive])) / hits
    value = float(above[positive].mean())
    # Divided as DeLong's variances are: by one less than there are.
    each = np.where(positive, _size(hits), _size(misses))
    return Measured(value, (above - value) / each, 1 / min(hits, misses))


def _size(rows: int) -> float:
    return float(np.sqrt(rows * max(1, rows - 1)))


def _ranks(score: Array) -> Array:
    """From 1; equal ones share the mean of theirs."""
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[inverse])


def _calibration_error(answers: Answers) -> Measured:
    """Expected calibration error: by how much the mean probability of rows that are told about the same is off, on
    average over the rows (Naeini et al., 2015, with bins of equal numbers of rows)."""
    said, found = _confidence(answers)
    gaps = (said - found).astype(float)
    signed = np.empty(len(gaps))
    for rows in bins(answers):
        signed[rows] = gaps[rows] * np.sign(gaps[rows].sum())
    return _mean(signed, 1 / len(gaps))


def _confidence(answers: Answers) -> tuple[Array, Array]:
    """The probability that is checked, and whether it was so: of the second of two classes, or of the likeliest."""
    assert answers.probabilities is not None
    probabilities = answers.probabilities / answers.probabilities.sum(axis=1, keepdims=True)
    if answers.classes == 2:
        return probabilities[:, 1], answers.truth == 1
    return probabilities.max(axis=1), answers.truth == probabilities.argmax(axis=1)
