"""A value that lies exactly on a split point goes the same way in the export as in the estimator."""

import numpy as np
import onnxruntime as ort
import pandas as pd
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline

from modelward_training.trainer.export import export
from modelward_training.trainer.preprocess import Feature, preprocessor


@pytest.mark.filterwarnings("ignore:.*bool.*:DeprecationWarning")  # the exporter's protobuf attributes
@pytest.mark.filterwarnings("ignore:.*bool.*:FutureWarning")
def test_value_between_two_of_training_falls_on_the_same_side_in_the_export() -> None:
    tenths = (np.arange(401) / 10).astype(np.float32)
    x, between = (pd.DataFrame({"column_0": part}) for part in (tenths[::2], tenths[1::2]))
    inputs = [Feature("column_0", "length", "float")]
    estimator = HistGradientBoostingRegressor(min_samples_leaf=1, random_state=0)
    pipeline = make_pipeline(preprocessor(inputs, "tree with missing values", x), estimator)
    pipeline.fit(x, np.random.default_rng(0).normal(size=len(x)))
    before = pipeline.predict(between)
    session = ort.InferenceSession(export(pipeline, inputs, "regression"))
    (exported,) = session.run(None, {"length": between.to_numpy()})
    assert np.abs(exported[:, 0] - before).max() < 1e-5
    assert (pipeline.predict(between) == before).all()
