"""The answers of a stored ONNX model, of the pipeline that was trained, and of plain scikit-learn, in one form."""

from typing import Any

import numpy as np
import onnxruntime as ort
import pandas as pd

from modelward_contracts.manifests import DatasetManifest
from unit.training.harness import Ended, Pod

from .measures import Answers
from .sample import NUMBER

Array = np.ndarray[Any, Any]
FED = {"FP32": np.float32, "INT64": np.int64, "BOOL": np.bool_, "BYTES": np.object_}


def served(pod: Pod, published: Ended, rows: pd.DataFrame, dataset: DatasetManifest) -> Answers:
    """Of the model in the store, fed with the file's values as pandas reads them."""
    model = pod.model(published)
    pod.store.get_file(model.model.digest, pod.root / "stored.onnx")
    session = ort.InferenceSession(pod.root / "stored.onnx", providers=["CPUExecutionProvider"])
    feed = {
        each.name: rows[each.name].to_numpy().astype(FED[each.datatype]).reshape(-1, 1)
        for each in model.signature.inputs
    }
    outputs = dict(zip([each.name for each in session.get_outputs()], session.run(None, feed), strict=True))
    predicted = outputs[str(model.signature.label_output)].reshape(-1)
    if dataset.task == "regression":
        return Answers(predicted.astype(float))
    probabilities = outputs[str(model.signature.probability_output)]
    return _classes(predicted, probabilities, model.signature.classes, dataset)


def native(pod: Pod, ids: "pd.Series[Any]", dataset: DatasetManifest) -> Answers:
    """What the train step wrote into predictions.parquet."""
    rows = pd.read_parquet(pod.paths.output / "predictions.parquet").set_index(NUMBER).loc[ids]
    if dataset.task == "regression":
        return Answers(rows["prediction"].to_numpy(float))
    if "probability" in rows:
        second = rows["probability"].to_numpy()
        given, classes = np.column_stack([1 - second, second]), dataset.classes
    else:
        names = [name for name in rows if name.startswith("probability_")]
        given, classes = rows[names].to_numpy(), [name.removeprefix("probability_") for name in names]
    return _classes(rows["prediction"].to_numpy(), given, classes, dataset)


def plainly(model: Any, prepared: Array, dataset: DatasetManifest) -> Answers:
    if dataset.task == "regression":
        return Answers(model.predict(prepared).astype(float))
    return _classes(model.predict(prepared), model.predict_proba(prepared), texts(model.classes_), dataset)


def texts(labels: Array) -> Array:
    """Classes as the dataset writes them."""
    return np.array([str(label).lower() if isinstance(label, bool | np.bool_) else str(label) for label in labels])


def _classes(predicted: Array, given: Array, names: Any, dataset: DatasetManifest) -> Answers:
    probabilities = np.zeros((len(given), len(dataset.classes)))
    probabilities[:, [dataset.classes.index(name) for name in names]] = given
    return Answers(texts(predicted), probabilities, tuple(dataset.classes))
