"""From dataset columns to what an estimator takes, in a form that its ONNX export repeats exactly.

Numbers are float32 from the start, because ONNX scores in float32. Each column is an ONNX input of its own. Missing
numbers are NaN and filled with the median (or left to estimators that split on them); missing text is "".
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from modelward_contracts.manifests import Column, DatasetManifest
from modelward_training.outcome import JobError, progress

from .estimators import Preparation

Kind = Literal["float", "integer", "boolean", "string"]
MAX_ONE_HOT = 100
"""Rarer values of a text column share one indicator."""


@dataclass(frozen=True)
class Feature:
    """`key` is the neutral name in frames and graph, where not every column name is an identifier."""

    key: str
    column: str
    kind: Kind


def features(dataset: DatasetManifest) -> list[Feature]:
    """The inputs: all columns but label, id and time, and timestamps, which no ONNX type can hold."""
    skipped = {dataset.label, dataset.id, dataset.time}
    columns = [column for column in dataset.columns if column.name not in skipped]
    for column in columns:
        if column.type == "timestamp":
            progress(f"the timestamp {column.name!r} is no input: derive hour, weekday … in prepare.sql to use it")
    used = [column for column in columns if column.type != "timestamp"]
    if not used:
        raise JobError("NoFeatures", "the dataset has no column to learn from besides label, id and timestamps")
    return [Feature(f"column_{number}", column.name, _kind(column)) for number, column in enumerate(used)]


def _kind(column: Column) -> Kind:
    """A nullable integer or boolean is a float: ONNX integers have no missing value."""
    match column.type:
        case "string":
            return "string"
        case "integer" | "boolean" if not column.nullable:
            return column.type
    return "float"


def frame(path: Path, inputs: list[Feature], also: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The features as the estimator takes them, and the columns `also` as they are."""
    read = pd.read_parquet(path, columns=[feature.column for feature in inputs] + also)
    columns = {feature.key: _typed(read[feature.column], feature.kind) for feature in inputs}
    return pd.DataFrame(columns), read[also]


def _typed(values: "pd.Series[Any]", kind: Kind) -> "pd.Series[Any]":
    match kind:
        case "string":
            return values.astype(object).where(values.notna(), "")
        case "boolean":
            return values.astype(bool)
    return values.astype("float32")


def preprocessor(inputs: list[Feature], preparation: Preparation) -> Any:
    from sklearn.compose import ColumnTransformer

    def keys(*kinds: Kind) -> list[str]:
        return [feature.key for feature in inputs if feature.kind in kinds]

    steps = [
        ("float", _float(preparation), keys("float")),
        ("integer", _integer(preparation), keys("integer")),
        ("boolean", "passthrough", keys("boolean")),
        ("string", _string(preparation), keys("string")),
    ]
    return ColumnTransformer([step for step in steps if step[2]], sparse_threshold=0)


def _float(preparation: Preparation) -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    imputer = SimpleImputer(strategy="median", keep_empty_features=True)
    match preparation:
        case "scaled":
            return make_pipeline(imputer, StandardScaler())
        case "tree":
            return imputer
    return "passthrough"


def _integer(preparation: Preparation) -> Any:
    from sklearn.preprocessing import StandardScaler

    return StandardScaler() if preparation == "scaled" else "passthrough"


def _string(preparation: Preparation) -> Any:
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

    if preparation == "scaled":
        return OneHotEncoder(handle_unknown="ignore", sparse_output=False, max_categories=MAX_ONE_HOT)
    return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
