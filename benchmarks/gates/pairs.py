"""Two classifiers on the same rows, as good as one wants and as alike as one wants."""

import numpy as np
from scipy.special import expit  # type: ignore[import-untyped]
from scipy.stats import norm  # type: ignore[import-untyped]

from modelward_training.publish.metrics import Answers, Array


def pair(
    worse: float = 0.0,
    *,
    rows: int = 5000,
    positive: float = 0.25,
    auc: float = 0.75,
    correlation: float = 0.8,
    of_all: bool = False,
    seed: int = 0,
) -> tuple[Answers, Answers]:
    """The second has the `auc`, the first one that is less by `worse`. Binormal: within a class both scores are normal
    with variance 1. `correlation` of the scores is that within a class or, with `of_all`, that of all rows together,
    of which the classes' distance is a part."""
    draw = np.random.default_rng(seed)
    distances = np.sqrt(2) * norm.ppf([auc - worse, auc])
    between = positive * (1 - positive) * np.outer(distances, distances)
    if of_all:
        correlation = correlation * np.sqrt((1 + between[0, 0]) * (1 + between[1, 1])) - between[0, 1]
    truth = (draw.random(rows) < positive).astype(int)
    noise = draw.multivariate_normal([0, 0], [[1, correlation], [correlation, 1]], rows)
    # By how much a score makes a row likelier to be positive: probabilities are right, and log losses mean something.
    odds = np.log(positive / (1 - positive))
    own, other = (
        expit(odds + distance * (noise[:, column] + distance * truth) - distance**2 / 2)
        for column, distance in enumerate(distances)
    )
    return answers(truth, own), answers(truth, other)


def answers(truth: Array, probability: Array) -> Answers:
    return Answers(truth, (probability > 0.5).astype(int), np.column_stack([1 - probability, probability]), 2)
