"""What was answered for some rows, the metrics of it by scikit-learn, and how far two answers or metrics are apart."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import metrics

Array = np.ndarray[Any, Any]
SMALLEST = float(np.finfo(np.float32).eps)
"""A probability of 0 counts as this much in a log loss, as scikit-learn has it for float32."""
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


def gap(published: dict[str, float], measured: dict[str, float]) -> tuple[float, str]:
    """The metric that differs most and by how much: errors as a share of their size, r2 and log_loss beyond 1 too."""
    return max(
        (abs(published[name] - value) / _size(name, published[name], value), name) for name, value in measured.items()
    )


def _size(name: str, *values: float) -> float:
    size = max(map(abs, values))
    if name in ("rmse", "mae"):
        return size or 1.0
    return max(size, 1.0) if name in ("r2", "log_loss") else 1.0


def unlike(one: Answers, other: Answers) -> Array:
    """The rows in which two models say something else."""
    if one.probabilities is None or other.probabilities is None:
        size = np.maximum(np.abs(other.predicted), np.median(np.abs(other.predicted)))
        return np.asarray(np.abs(one.predicted - other.predicted) > ROUNDED * size)
    apart = np.abs(one.probabilities - other.probabilities).max(axis=1)
    return np.asarray((one.predicted != other.predicted) | (apart > ROUNDED))


def between(given: Answers) -> Array:
    """The rows in which two classes are as likely as each other."""
    if given.probabilities is None:
        return np.zeros(len(given.predicted), bool)
    second, first = np.sort(given.probabilities, axis=1)[:, -2:].T
    return np.asarray(first - second < ROUNDED)


def _log_loss(truth: Array, probabilities: Array, classes: tuple[str, ...]) -> float:
    own = probabilities[np.arange(len(truth)), [classes.index(name) for name in truth]]
    own = np.clip(own / probabilities.sum(axis=1), SMALLEST, 1)
    return float(metrics.log_loss(np.ones(len(own)), np.column_stack([1 - own, own]), labels=[0, 1]))
