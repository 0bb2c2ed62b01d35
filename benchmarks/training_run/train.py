"""What a person runs without a platform: read the data, fit, convert, measure.

Takes a CSV file and a path for the model."""

import sys
from pathlib import Path
from typing import Any

import lightgbm
import onnxruntime
import pandas as pd
from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
from skl2onnx import to_onnx, update_registered_converter
from skl2onnx.common.data_types import FloatTensorType
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import train_test_split

CLASSIFIER: dict[str, Any] = {"nocl": [True, False], "zipmap": [True, False, "columns"]}
update_registered_converter(
    lightgbm.LGBMClassifier,
    "LightGbmLGBMClassifier",
    calculate_linear_classifier_output_shapes,
    convert_lightgbm,
    options=CLASSIFIER,
)

data, target = sys.argv[1:]
frame = pd.read_csv(data)
y = frame.pop("diagnosis") == "malignant"
x, held_out, y, known = train_test_split(frame.astype("float32"), y, test_size=0.2, random_state=0, stratify=y)
model = lightgbm.LGBMClassifier(n_estimators=100, random_state=0, verbose=-1).fit(x, y)
shape = [("x", FloatTensorType([None, x.shape[1]]))]
onnx = to_onnx(model, initial_types=shape, target_opset={"": 15, "ai.onnx.ml": 3}, options={"zipmap": False})
Path(target).write_bytes(onnx.SerializeToString())
_, probabilities = onnxruntime.InferenceSession(target).run(None, {"x": held_out.to_numpy()})
print(f"auc {roc_auc_score(known, probabilities[:, 1]):.4f}")
