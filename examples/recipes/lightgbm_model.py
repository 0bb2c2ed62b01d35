"""LightGBM. `python lightgbm_model.py [OBJECTIVE]`; for example poisson."""

import sys

from common import CLASSES, COLUMNS, HELD_OUT, X, Y, leave
from lightgbm import LGBMClassifier, LGBMRegressor
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType

settings = {"n_estimators": 50, "n_jobs": 1, "verbose": -1}
types = [("x", FloatTensorType([None, len(COLUMNS)]))]
if CLASSES:
    model = LGBMClassifier(**settings).fit(X, Y)
    leave(
        convert_lightgbm(model, initial_types=types).SerializeToString(),
        model.predict(HELD_OUT),
        model.predict_proba(HELD_OUT),
    )
else:
    objective = {"objective": sys.argv[1]} if sys.argv[1:] else {}
    model = LGBMRegressor(**settings, **objective).fit(X, Y)
    graph = convert_lightgbm(model, initial_types=types)
    leave(graph.SerializeToString(), model.predict(HELD_OUT))
