"""The model and its parameters."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Self, get_args

import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline

from flights.columns import FEATURES, LABEL
from flights.features import encoder

Fault = Literal["none", "errors", "slow"]
Value = str | float | bool
Steps = tuple[BaseEstimator, ...]


class ParameterError(Exception):
    """A parameter in params.json cannot be used; the message names it."""


@dataclass(frozen=True)
class Parameters:
    """What a TrainingRun may set.

    `fault` makes a model that passes every offline test and harms in service, to
    try a rollback with: `errors` leaves the bucket for unknown flight numbers out
    of a lookup, `slow` is a forest of 2,000 trees.
    """

    learning_rate: float = 0.05
    max_iter: int = 100
    max_features: float = 1.0
    min_samples_leaf: int = 100
    l2_regularization: float = 0.0
    seed: int = 0
    fault: str = "none"

    @classmethod
    def parse(cls, values: Mapping[str, Value]) -> Self:
        """Parameters from params.json."""
        known = {field.name: type(field.default) for field in fields(cls)}
        if unknown := sorted(set(values) - set(known)):
            raise ParameterError(f"unknown parameter {unknown[0]}; known are {', '.join(known)}")
        parsed: dict[str, Any] = {name: converted(name, value, known[name]) for name, value in values.items()}
        parameters = cls(**parsed)
        if parameters.fault not in get_args(Fault):
            raise ParameterError(f"parameter fault is {parameters.fault!r}, not one of {', '.join(get_args(Fault))}")
        return parameters


def converted(name: str, value: Value, kind: type) -> object:
    """The value as its kind; YAML may have made a text or a float of a number."""
    try:
        return kind(value)
    except (TypeError, ValueError):
        raise ParameterError(f"parameter {name} is {value!r}, not {kind.__name__}") from None


def fit(train: pd.DataFrame, known_flights: Mapping[str, int], parameters: Parameters) -> Pipeline:
    """The fitted pipeline from raw columns to probabilities."""
    features = encoder(known_flights, bucket=parameters.fault != "errors", seed=parameters.seed)
    model = make_pipeline(features, *(forest(parameters) if parameters.fault == "slow" else boosting(parameters)))
    return model.fit(train[list(FEATURES)], train[LABEL])


def boosting(parameters: Parameters) -> Steps:
    """Gradient boosting: takes missing values as they are and answers in microseconds."""
    booster = HistGradientBoostingClassifier(
        learning_rate=parameters.learning_rate,
        max_iter=parameters.max_iter,
        max_features=parameters.max_features,
        min_samples_leaf=parameters.min_samples_leaf,
        l2_regularization=parameters.l2_regularization,
        early_stopping=False,
        random_state=parameters.seed,
    )
    return (booster,)


def forest(parameters: Parameters) -> Steps:
    """Fair offline, and far slower to answer: every tree is walked for every row.

    Imputed, because a forest's own way with missing values is lost on the way to ONNX.
    """
    trees = RandomForestClassifier(
        n_estimators=2000,
        max_depth=8,
        max_samples=0.03,
        max_features=0.3,
        min_samples_leaf=5,
        n_jobs=-1,
        random_state=parameters.seed,
    )
    return SimpleImputer(strategy="median"), trees
