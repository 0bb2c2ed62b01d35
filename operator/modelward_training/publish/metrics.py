"""Metrics of the held-out rows, measured here and not by the code that trained.

Written in numpy, because importing scikit-learn takes longer than everything else in this step; the tests hold them
equal to scikit-learn's.
"""

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
EPSILON = float(np.finfo(np.float32).eps)
"""A forest that is sure and wrong gives 0, or 1 less a sum that rounds to 0.99999994: in a log loss both are this."""


def classification(truth: Array, predicted: Array, probabilities: Array | None, classes: int) -> dict[str, float]:
    """`truth` and `predicted` are class numbers. Of two classes the second is the positive one; of more the means."""
    confusion = np.bincount(truth * classes + predicted, minlength=classes * classes).reshape(classes, classes)
    hits, actual, given = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    recall, precision = _share(hits, actual), _share(hits, given)
    f1 = _share(2 * hits, actual + given)
    present = actual > 0
    seen = present | (given > 0)
    metrics = {
        "accuracy": float(hits.sum() / len(truth)),
        "balanced_accuracy": float(recall[present].mean()),
        "precision": float(precision[1] if classes == 2 else precision[seen].mean()),
        "recall": float(recall[1] if classes == 2 else recall[seen].mean()),
        "f1": float(f1[1] if classes == 2 else f1[seen].mean()),
    }
    if probabilities is not None:
        metrics |= _of_probabilities(truth, probabilities, classes, present)
    return metrics


def regression(truth: Array, predicted: Array) -> dict[str, float]:
    errors = predicted - truth
    spread = float(((truth - truth.mean()) ** 2).sum())
    metrics = {"rmse": float(np.sqrt((errors**2).mean())), "mae": float(np.abs(errors).mean())}
    return metrics | ({"r2": 1 - float((errors**2).sum()) / spread} if spread > 0 else {})


def auc(positive: Array, score: Array) -> float:
    """Area under the ROC curve: the chance that a positive row scores above a negative one, ties counting half."""
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    hits = int(positive.sum())
    return float((ranks[positive].sum() - hits * (hits + 1) / 2) / (hits * (len(positive) - hits)))


def _of_probabilities(truth: Array, probabilities: Array, classes: int, present: Array) -> dict[str, float]:
    own = np.clip(probabilities[np.arange(len(truth)), truth] / probabilities.sum(axis=1), EPSILON, 1)
    metrics = {"log_loss": float(np.abs(np.log(own)).mean())}
    if classes == 2 and present.all():
        metrics["auc"] = auc(truth == 1, probabilities[:, 1])
    elif classes > 2 and present.sum() > 1:
        scored = [auc(truth == number, probabilities[:, number]) for number in np.flatnonzero(present)]
        metrics["auc"] = float(np.mean(scored))
    return metrics


def _share(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
