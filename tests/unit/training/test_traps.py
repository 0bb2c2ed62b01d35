"""Mistakes that an export shows."""

from typing import Any

import numpy as np
import pytest
from skl2onnx import to_onnx
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor

from modelward_training.publish.traps import scaled


@pytest.mark.filterwarnings("ignore:.*bool.*")  # the exporter's protobuf attributes
@pytest.mark.parametrize(
    ("steps", "told"),
    [
        ([StandardScaler(), DecisionTreeRegressor()], True),
        (
            [ColumnTransformer([("scaled", StandardScaler(), [0])], remainder="passthrough"), DecisionTreeRegressor()],
            True,
        ),
        ([DecisionTreeRegressor()], False),
        ([StandardScaler(), LogisticRegression()], False),
    ],
)
def test_scaler_before_trees_is_told(steps: list[Any], told: bool) -> None:
    x = np.random.default_rng(1).normal(size=(50, 2)).astype(np.float32)
    model = to_onnx(make_pipeline(*steps).fit(x, (x[:, 0] > 0).astype(int)), x[:1], target_opset=21)
    assert (scaled(model) is not None) is told
