"""XGBoost takes class numbers only: number the labels in the dataset's order, and write the names as predictions.

`python xgboost_model.py [OBJECTIVE]`; for example count:poisson.
"""

import sys

from common import CLASSES, COLUMNS, HELD_OUT, X, Y, leave, named, numbered
from onnxmltools import convert_xgboost
from onnxmltools.convert.common.data_types import FloatTensorType
from xgboost import XGBClassifier, XGBRegressor

types = [("x", FloatTensorType([None, len(COLUMNS)]))]
if CLASSES:
    model = XGBClassifier(n_estimators=50, n_jobs=1).fit(X, numbered(Y))
    probabilities = model.predict_proba(HELD_OUT)
    leave(
        convert_xgboost(model, initial_types=types).SerializeToString(),
        named(probabilities.argmax(axis=1)),
        probabilities,
    )
else:
    objective = {"objective": sys.argv[1]} if sys.argv[1:] else {}
    model = XGBRegressor(n_estimators=50, n_jobs=1, **objective).fit(X, Y)
    leave(convert_xgboost(model, initial_types=types).SerializeToString(), model.predict(HELD_OUT))
