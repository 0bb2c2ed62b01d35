"""From dataset columns to what an estimator takes, in a form that its ONNX export repeats exactly.

Numbers are float32 from the start, because ONNX scores in float32; whole numbers that it would round are shifted
first. Each column is an ONNX input of its own. Missing numbers are NaN and filled with the median (or left to
estimators that split on them); missing text is "".
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from modelward_contracts.manifests import Column, DatasetManifest
from modelward_training.outcome import JobError, progress

from .known import Preparation

Kind = Literal["float", "integer", "long", "boolean", "string"]
"""`long`: integers that float32 cannot hold."""
MAX_ONE_HOT = 100
"""Rarer values of a text column have no indicator, as values that no training row had."""


@dataclass(frozen=True)
class Feature:
    """`key` is the neutral name in frames and graph, where not every column name is an identifier."""

    key: str
    column: str
    kind: Kind


def features(dataset: DatasetManifest, train: Path) -> list[Feature]:
    """The inputs: all columns but label, id, group and time, and timestamps, which no ONNX type can hold."""
    columns = [column for column in dataset.columns if column.name not in dataset.no_inputs]
    for column in columns:
        if column.type == "timestamp":
            progress(f"the timestamp {column.name!r} is no input: derive hour, weekday … in prepare.sql to use it")
    used = [column for column in columns if column.type != "timestamp"]
    if not used:
        raise JobError("NoFeatures", "the dataset has no column to learn from besides label, id and timestamps")
    read = pd.read_parquet(train, columns=[column.name for column in used if column.type == "integer"])
    return [
        Feature(f"column_{number}", column.name, _kind(column, read.get(column.name)))
        for number, column in enumerate(used)
    ]


def _kind(column: Column, values: "pd.Series[Any] | None") -> Kind:
    """A nullable integer or boolean is a float: ONNX integers have no missing value."""
    from .shift import lossy

    match column.type:
        case "string":
            return "string"
        case "integer" if not column.nullable:
            assert values is not None
            return "long" if lossy(values.to_numpy()) else "integer"
        case "boolean" if not column.nullable:
            return "boolean"
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
        case "long":
            return values.astype("int64")
    return values.astype("float32")


def preprocessor(inputs: list[Feature], preparation: Preparation, x: pd.DataFrame) -> Any:
    """`x`: the rows that it will be fitted to, whose frequent texts and empty columns it needs to know."""
    from sklearn.compose import ColumnTransformer

    def keys(*kinds: Kind) -> list[str]:
        return [feature.key for feature in inputs if feature.kind in kinds]

    # Estimators that split on missing values fail on columns without any other.
    empty = [key for key in keys("float") if x[key].isna().all()]
    steps = [
        ("empty", _float("tree"), empty),
        ("float", _float(preparation), [key for key in keys("float") if key not in empty]),
        ("integer", _integer(preparation), keys("integer")),
        ("long", _shifted(_integer(preparation)), keys("long")),
        ("boolean", "passthrough", keys("boolean")),
        ("string", _string(preparation, x[keys("string")]), keys("string")),
    ]
    return ColumnTransformer([step for step in steps if step[2]], sparse_threshold=0)


def _shifted(then: Any) -> Any:
    from sklearn.pipeline import make_pipeline

    from .shift import Shift

    return Shift() if then == "passthrough" else make_pipeline(Shift(), then)


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


def _string(preparation: Preparation, x: pd.DataFrame) -> Any:
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

    if preparation == "scaled":
        # Not by `max_categories`, which the exporter cannot always repeat.
        frequent = [_frequent(x[key]) for key in x]
        return OneHotEncoder(categories=frequent, handle_unknown="ignore", sparse_output=False)
    return OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)


def _frequent(values: "pd.Series[Any]") -> list[str]:
    counted = sorted(values.value_counts().items(), key=lambda item: (-item[1], item[0]))
    return sorted(value for value, _ in counted[:MAX_ONE_HOT])
