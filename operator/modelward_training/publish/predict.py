"""Outputs of the model and native predictions in one form: class numbers and probabilities in the dataset's order,
or values. Runs in the examining process.
"""

import difflib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelward_contracts.manifests import DatasetManifest, Signature
from modelward_training.outcome import JobError

from .classes import known, positions, texts
from .probabilities import fault

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


def check_finite(said: Predictions, ids: pa.ChunkedArray, split: str) -> None:
    values = said.predicted if said.probabilities is None else said.probabilities
    bad = ~np.isfinite(values.reshape(len(values), -1)).all(axis=1)
    if bad.any():
        first = ids[int(bad.argmax())]
        raise JobError(
            "InvalidModel", f"model.onnx gives no number for {bad.sum()} rows of {split}, {first} among them"
        )


def native(path: Any, ids: pa.ChunkedArray, signature: Signature, dataset: DatasetManifest) -> Predictions:
    """The rows of predictions.parquet that belong to `ids`, in their order."""
    table = _aligned(_read(path), ids, dataset.id)
    predicted = table["prediction"].combine_chunks()
    if dataset.task == "regression":
        return Predictions(_floats(table, "prediction"))
    labels = texts(predicted.to_numpy(zero_copy_only=False))
    numbers = _numbers(labels, dataset.classes, "`prediction` in predictions.parquet")
    return Predictions(numbers, _native_probabilities(table, signature, dataset))


def unread(path: Any, signature: Signature, dataset: DatasetManifest) -> str | None:
    """Why probabilities are compared on one side only, or a column of predictions.parquet is not read at all."""
    import pyarrow.parquet as pq

    names = pq.read_schema(path).names
    wanted = {name: f"probability_{name}" for name in signature.classes}
    found = [column for column in _named(names, dataset.classes) if column in names]
    if dataset.task == "regression":
        return None
    has = bool(found) if len(signature.classes) == 2 else len(found) >= len(signature.classes)
    has = has or ("probability" in names and len(signature.classes) == 2)
    others = [name for name in names if name not in (dataset.id, "prediction", "probability", *found)]
    if has:
        if signature.probability_output is None:
            return "the probabilities in predictions.parquet are compared with nothing: model.onnx gives none"
        return None
    if signature.probability_output is None and not others:
        return None
    asked = "`probability`" if len(wanted) == 2 else ", ".join(f"`{name}`" for name in list(wanted.values())[:4])
    lacking = [name for name in wanted.values() if name not in names]
    close = difflib.get_close_matches("probability", others, n=1, cutoff=0.3) or others[:1]
    seen = f" (it has {close[0]!r}, which is not read)" if close else ""
    if found:
        seen = f" (it lacks {lacking[0]!r})"
    return f"probabilities are measured, but not compared: predictions.parquet has no column {asked}{seen}"


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


def _named(columns: list[str], classes: list[str]) -> dict[str, str]:
    """The columns `probability_CLASS` there are, with the class as the dataset writes it."""
    given = [name.removeprefix("probability_") for name in columns if name.startswith("probability_")]
    named = zip(given, known(given, classes), strict=True)
    return {f"probability_{name}": meant for name, meant in named if meant in classes}


def _native_probabilities(table: pa.Table, signature: Signature, dataset: DatasetManifest) -> Array | None:
    of_class = {meant: column for column, meant in _named(table.column_names, dataset.classes).items()}
    found = None
    if all(name in of_class for name in signature.classes):
        columns = [
            _floats(table, of_class[name]) if name in of_class else np.zeros(len(table)) for name in dataset.classes
        ]
        found = np.column_stack(columns)
    elif len(signature.classes) == 2 and ("probability" in table.column_names or of_class):
        first, second = sorted(signature.classes, key=dataset.classes.index)
        column = "probability" if "probability" in table.column_names else next(iter(of_class.values()))
        given = _both(_floats(table, column).reshape(-1, 1))
        found = _ordered(given, [second, first] if of_class.get(first) == column else [first, second], dataset.classes)
    if found is not None and (wrong := fault(found)) is not None:
        raise JobError("InvalidPredictions", f"the probabilities in predictions.parquet are none: {wrong}")
    return found


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
    ordered = np.zeros((len(probabilities), len(wanted)))
    ordered[:, [wanted.index(name) for name in given]] = probabilities
    return ordered


def _numbers(labels: Array, classes: list[str], what: str) -> Array:
    different, at = np.unique(labels, return_inverse=True)
    labels = np.asarray(known(different.tolist(), classes), dtype=str)[at]
    order = np.argsort(classes)
    names = np.asarray(classes)[order]
    at = np.minimum(np.searchsorted(names, labels), len(names) - 1)
    unknown = labels[names[at] != labels]
    if len(unknown):
        reason = "InvalidModel" if "model.onnx" in what else "InvalidPredictions"
        advice = ""
        if set(different.tolist()) <= set(positions(classes)):
            advice = "; write the class in place of its number: sorted(classes)[number]"
        raise JobError(
            reason, f"{what} holds {str(unknown[0])!r}, but the classes are {', '.join(classes[:20])}{advice}"
        )
    return order[at]
