"""Outputs of the model and native predictions in one form: class numbers and probabilities in the dataset's order,
or values. Runs in the examining process.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelward_contracts.manifests import DatasetManifest, Signature
from modelward_training.outcome import JobError

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Predictions:
    """`predicted` holds numbers of classes, or the values of a regression."""

    predicted: Array
    probabilities: Array | None = None


def of_model(outputs: dict[str, Array], signature: Signature, dataset: DatasetManifest) -> Predictions:
    if dataset.task == "regression":
        assert signature.label_output is not None
        return Predictions(outputs[signature.label_output].reshape(-1).astype(float))
    probabilities = None
    if signature.probability_output is not None:
        given = outputs[signature.probability_output]
        probabilities = _ordered(_both(given.reshape(len(given), -1).astype(float)), signature.classes, dataset.classes)
    if signature.label_output is None:
        assert probabilities is not None
        return Predictions(probabilities.argmax(axis=1), probabilities)
    labels = texts(outputs[signature.label_output].reshape(-1))
    return Predictions(_numbers(labels, dataset.classes, "the label output of model.onnx"), probabilities)


def native(path: Any, ids: pa.ChunkedArray, signature: Signature, dataset: DatasetManifest) -> Predictions:
    """The rows of predictions.parquet that belong to `ids`, in their order."""
    table = _aligned(_read(path), ids, dataset.id)
    predicted = table["prediction"].combine_chunks()
    if dataset.task == "regression":
        return Predictions(_floats(table, "prediction"))
    labels = texts(predicted.to_numpy(zero_copy_only=False))
    numbers = _numbers(labels, dataset.classes, "`prediction` in predictions.parquet")
    return Predictions(numbers, _native_probabilities(table, signature, dataset))


def texts(values: Array) -> Array:
    """Labels as the dataset's classes are written."""
    if values.dtype.kind == "b":
        return np.where(values, "true", "false")
    if values.dtype.kind == "f" and np.all(values == np.floor(values)):
        values = values.astype(np.int64)
    return values.astype(str)


def _read(path: Any) -> pa.Table:
    import pyarrow.parquet as pq

    try:
        return pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise JobError("InvalidPredictions", f"predictions.parquet is not readable as Parquet: {error}") from error


def _aligned(table: pa.Table, ids: pa.ChunkedArray, name: str) -> pa.Table:
    for column in (name, "prediction"):
        if column not in table.column_names:
            raise JobError(
                "InvalidPredictions",
                f"predictions.parquet has no column {column!r}: it has {', '.join(table.column_names[:20])}",
            )
    try:
        given = table[name].cast(ids.type)
    except pa.ArrowException as error:
        raise JobError("InvalidPredictions", f"the ids in predictions.parquet are no {ids.type}: {error}") from error
    if pc.count_distinct(given).as_py() != len(given):
        raise JobError("InvalidPredictions", f"predictions.parquet holds some {name!r} more than once")
    position = pc.index_in(ids, value_set=given)
    if position.null_count:
        first = ids.filter(pc.is_null(position))[0]
        raise JobError(
            "InvalidPredictions",
            f"predictions.parquet lacks {position.null_count} of {len(ids)} held-out rows, {name}={first} among them: "
            "predict every row of validation.parquet and test.parquet",
        )
    return table.take(position)


def _native_probabilities(table: pa.Table, signature: Signature, dataset: DatasetManifest) -> Array | None:
    names = [f"probability_{name}" for name in dataset.classes]
    if all(f"probability_{name}" in table.column_names for name in signature.classes):
        columns = [_floats(table, name) if name in table.column_names else np.zeros(len(table)) for name in names]
        return np.column_stack(columns)
    if "probability" in table.column_names and len(signature.classes) == 2:
        second = _both(_floats(table, "probability").reshape(-1, 1))
        order = sorted(signature.classes, key=dataset.classes.index)
        return _ordered(second, order, dataset.classes)
    return None


def _floats(table: pa.Table, name: str) -> Array:
    try:
        return np.asarray(table[name].cast(pa.float64()).to_numpy())
    except pa.ArrowException as error:
        raise JobError("InvalidPredictions", f"{name!r} in predictions.parquet holds no numbers: {error}") from error


def _both(probabilities: Array) -> Array:
    """One column is the probability of the second of two classes."""
    if probabilities.shape[1] != 1:
        return probabilities
    return np.column_stack([1 - probabilities, probabilities])


def _ordered(probabilities: Array, given: list[str], wanted: list[str]) -> Array:
    if probabilities.shape[1] != len(given):
        count = probabilities.shape[1]
        raise JobError("InvalidModel", f"model.onnx gives {count} probabilities, the label has {len(given)} classes")
    ordered = np.zeros((len(probabilities), len(wanted)))
    ordered[:, [wanted.index(name) for name in given]] = probabilities
    return ordered


def _numbers(labels: Array, classes: list[str], what: str) -> Array:
    order = np.argsort(classes)
    names = np.asarray(classes)[order]
    at = np.minimum(np.searchsorted(names, labels), len(names) - 1)
    unknown = labels[names[at] != labels]
    if len(unknown):
        reason = "InvalidModel" if "model.onnx" in what else "InvalidPredictions"
        raise JobError(reason, f"{what} holds {str(unknown[0])!r}, but the classes are {', '.join(classes[:20])}")
    return order[at]
