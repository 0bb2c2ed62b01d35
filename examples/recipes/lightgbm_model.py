"""LightGBM. `python lightgbm_model.py [OBJECTIVE]`; for example poisson."""

import sys

import numpy as np
from common import CLASSES, COLUMNS, HELD_OUT, X, Y, leave
from lightgbm import Booster, LGBMClassifier, LGBMRegressor
from onnxmltools import convert_lightgbm
from onnxmltools.convert.common.data_types import FloatTensorType


def with_single_thresholds(model: LGBMClassifier | LGBMRegressor) -> LGBMClassifier | LGBMRegressor:
    """Its split points are doubles, ONNX's are floats. Rounded down, `x <= split` stays true or false as before."""
    lines = model.booster_.model_to_string().splitlines()
    kept = [rounded(line) for line in lines if not line.startswith("tree_sizes=")]  # in bytes, which change
    model._Booster = Booster(model_str="\n".join(kept) + "\n")
    return model


def rounded(line: str) -> str:
    if not line.startswith("threshold="):
        return line
    doubles = np.array(line.removeprefix("threshold=").split(), np.float64)
    nearest = doubles.astype(np.float32)
    below = np.nextafter(nearest, np.float32(-np.inf))
    return "threshold=" + " ".join(repr(float(x)) for x in np.where(nearest > doubles, below, nearest))


settings = {"n_estimators": 50, "n_jobs": 1, "verbose": -1}
types = [("x", FloatTensorType([None, len(COLUMNS)]))]
if CLASSES:
    labels = Y.astype(np.int64) if Y.dtype == bool else Y  # the exporter has no booleans; 0 and 1 stand for them
    model = with_single_thresholds(LGBMClassifier(**settings).fit(X, labels))
    leave(
        convert_lightgbm(model, initial_types=types).SerializeToString(),
        model.predict(HELD_OUT),
        model.predict_proba(HELD_OUT),
    )
else:
    objective = {"objective": sys.argv[1]} if sys.argv[1:] else {}
    model = with_single_thresholds(LGBMRegressor(**settings, **objective).fit(X, Y))
    graph = convert_lightgbm(model, initial_types=types)
    leave(graph.SerializeToString(), model.predict(HELD_OUT))
