"""Plain scikit-learn on a file as pandas reads it: nothing of our ingest or trainer, but the rows that it trained on.

What docs/data.md and the trainer promise is written here once more with other means: missing numbers are the median
(left to Hist… estimators, 0 where a column has no value), text is one indicator for each of its 100 most frequent
values, and for trees the number of the value in the alphabet; numbers are scaled for all but trees. Columns stand in
the trainer's order (empty ones, numbers with gaps or fractions, whole numbers, booleans, text), because forests and
networks draw at random by column.
"""

import importlib
import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.preprocessing import StandardScaler

from modelward_training.trainer.known import KNOWN

from .sample import MISSING

Array = np.ndarray[Any, Any]
MOST = 100
DATE = r"\d{4}-\d\d?-\d\d?([ T].*)?"
ITERATIONS = {"LogisticRegression": 1000, "MLPClassifier": 500, "MLPRegressor": 500}


def frame(rows: pd.DataFrame) -> pd.DataFrame:
    """The sampled text with pandas' types, text with its NA, and without dates and saved row numbers."""
    text = rows.to_csv(index=False)
    guessed = pd.read_csv(io.StringIO(text), na_values=list(MISSING), float_precision="round_trip", low_memory=False)
    found = {}
    for name in rows:
        values, plain = guessed[name], rows[name].str.strip()
        if name.startswith("Unnamed: ") and (values.diff().dropna() == 1).all():
            continue  # a saved row number
        filled = plain[plain != ""]
        codes = filled.str.fullmatch(r"0\d+").any()
        if values.dtype.kind in "iufb" and not codes:
            found[name] = values
        elif not len(filled) or not filled.str.fullmatch(DATE).all():
            found[name] = pd.Series(rows[name].to_numpy(object), index=values.index).where((plain != "").to_numpy(), "")
    return pd.DataFrame(found)


def fitted(name: str, train: pd.DataFrame, y: Array, kind: type) -> "tuple[Any, Any]":
    """An estimator, and what turns other rows into what it takes. `kind`: of numbers, float64 or float32."""
    entry = KNOWN[name]
    shape = getattr(importlib.import_module(entry.module), name)
    given = {"random_state": 0} if "random_state" in shape().get_params() else {}
    if name in ITERATIONS:
        given["max_iter"] = ITERATIONS[name]
    columns = {each: _column(train[each], entry.preparation, kind) for each in sorted(train, key=_place(train))}

    def prepared(rows: pd.DataFrame) -> Array:
        return np.hstack([prepare(rows[each]) for each, prepare in columns.items()])

    return shape(**given).fit(prepared(train), y), prepared


def _column(train: "pd.Series[Any]", preparation: str, kind: type) -> Callable[["pd.Series[Any]"], Array]:
    trees = preparation != "scaled"
    if train.dtype.kind not in "iufb":
        known = _texts(train, trees)
        return lambda rows: _coded(rows, known, trees)
    missing = np.nan if preparation == "tree with missing values" else train.median()
    missing = missing if train.notna().any() else 0.0
    if trees or train.dtype.kind == "b":
        return lambda rows: _number(rows, missing, kind)
    scaler = StandardScaler().fit(_number(train, missing, kind))
    return lambda rows: np.asarray(scaler.transform(_number(rows, missing, kind)))


def _place(train: pd.DataFrame) -> Callable[[str], int]:
    ranks = {"f": 0, "i": 1, "u": 1, "b": 2}
    return lambda name: -1 if train[name].isna().all() else ranks.get(train[name].dtype.kind, 3)


def _number(values: "pd.Series[Any]", missing: float, kind: type) -> Array:
    return np.asarray(values.astype(kind).fillna(missing)).reshape(-1, 1)


def _texts(values: "pd.Series[Any]", trees: bool) -> list[str]:
    if trees:
        return sorted(values.unique())
    counts = values.value_counts()
    return sorted(sorted(counts.index, key=lambda value: (-counts[value], value))[:MOST])


def _coded(values: "pd.Series[Any]", known: list[str], trees: bool) -> Array:
    codes = np.asarray(pd.Categorical(values, categories=known).codes).reshape(-1, 1)
    return codes.astype(float) if trees else (codes == np.arange(len(known))).astype(float)
