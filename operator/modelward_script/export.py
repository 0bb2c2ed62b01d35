"""A fitted model as ONNX with one input per column, whatever its first step takes."""

from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import issparse  # type: ignore[import-untyped]
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline, make_pipeline

from modelward_contracts.manifests import Task
from modelward_training.trainer import boosters
from modelward_training.trainer.export import export
from modelward_training.trainer.preprocess import Feature

boosters.register()
_TREES = ("sklearn.tree.", "sklearn.ensemble._forest")


def exported(model: Any, x: pd.DataFrame, texts: list[str], task: Task) -> bytes:
    inputs = [Feature(name, name, "string" if name in texts else "float") for name in x]
    pipeline = model if isinstance(model, Pipeline) else make_pipeline(model)
    if not isinstance(pipeline[0], ColumnTransformer):
        # The exporter takes several inputs into a ColumnTransformer only; natively the frame is the matrix.
        together = ColumnTransformer([("columns", "passthrough", list(x))]).fit(x)
        pipeline = Pipeline([("columns together", together), *pipeline.steps])
    _missing(pipeline, x)
    return export(pipeline, inputs, task)


def _missing(pipeline: Pipeline, x: pd.DataFrame) -> None:
    """scikit-learn's trees know where missing values go, and their exporter forgets it. Raises ValueError."""
    last = pipeline[-1]
    if type(last).__module__.startswith(_TREES) and _any_missing(pipeline[:-1].transform(x)):
        name = type(last).__name__
        what = f"there are missing values, and where {name} sends them is lost in its export"
        raise ValueError(f"{what}: put a SimpleImputer before it, or use LightGBM, XGBoost or HistGradientBoosting…")


def _any_missing(values: Any) -> bool:
    """Of a matrix, sparse or not."""
    return bool(pd.isna(values.data if issparse(values) else np.asarray(values)).any())
