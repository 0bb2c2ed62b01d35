"""What was answered for some rows, the metrics of it by scikit-learn, and how far two answers or metrics are apart."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import metrics

Array = np.ndarray[Any, Any]
SMALLEST = 1e-15
"""A probability of 0 counts as this much in a log loss."""
ROUNDED = 1e-3
"""Of a probability, or of a number's size: what float32 may move an answer by, with room for cancelled sums."""


@dataclass(frozen=True)
class Answers:
    """Numbers, or texts of classes with the probability of each class of `classes`."""

    predicted: Array
    probabilities: Array | None = None
    classes: tuple[str, ...] = ()

    def __getitem__(self, rows: slice) -> "Answers":
        probabilities = None if self.probabilities is None else self.probabilities[rows]
        return Answers(self.predicted[rows], probabilities, self.classes)


def measures(truth: Array, given: Answers) -> dict[str, float]:
    if given.probabilities is None:
        errors = {
            "rmse": metrics.root_mean_squared_error(truth, given.predicted),
            "mae": metrics.mean_absolute_error(truth, given.predicted),
        }
        return errors | ({"r2": metrics.r2_score(truth, given.predicted)} if len(set(truth)) > 1 else {})
    found = {
        "accuracy": metrics.accuracy_score(truth, given.predicted),
        "log_loss": _log_loss(truth, given.probabilities, given.classes),
    }
    present = [number for number, name in enumerate(given.classes) if name in set(truth)]
    if len(present) > 1:
        wanted = present if len(given.classes) > 2 else [1]
        areas = [metrics.roc_auc_score(truth == given.classes[n], given.probabilities[:, n]) for n in wanted]
        found["auc"] = float(np.mean(areas))
    return found


def gap(published: dict[str, float], measured: dict[str, float]) -> float:
    """The largest difference of a metric; of errors and losses as a share of the larger one."""
    gaps = []
    for name, value in measured.items():
        size = max(abs(value), abs(published[name])) if name in ("rmse", "mae", "log_loss") else 1.0
        # r2 has no lower end: far below 0 it is a ratio of errors, and the next digit means nothing.
        size = max(size, abs(value)) if name == "r2" else size
        gaps.append(abs(published[name] - value) / size if size else 0.0)
    return float(max(gaps))


def unlike(one: Answers, other: Answers) -> Array:
    """The rows in which two models say something else."""
    if one.probabilities is None or other.probabilities is None:
        size = np.maximum(np.abs(other.predicted), np.median(np.abs(other.predicted)))
        return np.abs(one.predicted - other.predicted) > ROUNDED * size
    apart = np.abs(one.probabilities - other.probabilities).max(axis=1)
    return (one.predicted != other.predicted) | (apart > ROUNDED)


def _log_loss(truth: Array, probabilities: Array, classes: tuple[str, ...]) -> float:
    own = probabilities[np.arange(len(truth)), [classes.index(name) for name in truth]]
    own = np.clip(own / probabilities.sum(axis=1), SMALLEST, 1)
    return float(metrics.log_loss(np.ones(len(own)), np.column_stack([1 - own, own]), labels=[0, 1]))
