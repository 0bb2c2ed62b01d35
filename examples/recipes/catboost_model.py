"""CatBoost writes ONNX itself, with a matrix and a ZipMap. `python catboost_model.py [LOSS]`; for example Poisson."""

import sys

import onnx
from catboost import CatBoostClassifier, CatBoostRegressor
from common import CLASSES, HELD_OUT, TARGET, X, Y, leave, named, numbered
from onnx import helper

settings = {"iterations": 50, "verbose": 0, "thread_count": 1, "allow_writing_files": False}
path = str(TARGET / "model.onnx")
if CLASSES:
    model = CatBoostClassifier(**settings).fit(X, numbered(Y))
    model.save_model(path, format="onnx")
    probabilities = model.predict_proba(HELD_OUT)
    leave(onnx.load(path).SerializeToString(), named(probabilities.argmax(axis=1)), probabilities)
else:
    model = CatBoostRegressor(**settings, loss_function=sys.argv[1] if sys.argv[1:] else "RMSE").fit(X, Y)
    model.save_model(path, format="onnx")
    exported = onnx.load(path)
    if sys.argv[1:] == ["Poisson"]:  # its export ends before the exponential
        output = exported.graph.output[0].name
        for node in exported.graph.node:
            node.output[:] = ["logarithm" if name == output else name for name in node.output]
        exported.graph.node.append(helper.make_node("Exp", ["logarithm"], [output]))
        exported.opset_import.append(helper.make_opsetid("", 13))
        leave(exported.SerializeToString(), model.predict(HELD_OUT, prediction_type="Exponent"))
    else:
        leave(exported.SerializeToString(), model.predict(HELD_OUT))
