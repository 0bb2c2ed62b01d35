"""A column without a value among the training rows stands in no estimator's way."""

import importlib

import numpy as np
import pandas as pd
import pytest

from modelward_training.trainer.export import export
from modelward_training.trainer.known import KNOWN
from modelward_training.trainer.preprocess import Feature, preprocessor


@pytest.mark.filterwarnings("ignore:.*bool.*:DeprecationWarning")  # the exporter's protobuf attributes
@pytest.mark.filterwarnings("ignore:.*bool.*:FutureWarning")
@pytest.mark.parametrize("name", ["LinearRegression", "DecisionTreeRegressor", "HistGradientBoostingRegressor"])
def test_empty_column_is_an_input_that_says_nothing(name: str) -> None:
    import onnxruntime as ort
    from sklearn.pipeline import make_pipeline

    rows = np.arange(100, dtype=np.float32)
    x = pd.DataFrame({"column_0": np.full(100, np.nan, np.float32), "column_1": rows})
    inputs = [Feature("column_0", "nothing", "float"), Feature("column_1", "row", "float")]
    estimator = getattr(importlib.import_module(KNOWN[name].module), name)()
    pipeline = make_pipeline(preprocessor(inputs, KNOWN[name].preparation, x), estimator).fit(x, rows)
    session = ort.InferenceSession(export(pipeline, inputs, "regression"))
    feed = {"nothing": x[["column_0"]].to_numpy(), "row": x[["column_1"]].to_numpy()}
    (exported,) = session.run(None, feed)
    assert np.abs(exported[:, 0] - pipeline.predict(x)).max() < 1e-4
