"""What the model takes and gives, in terms of the dataset. Runs in the examining process."""

import difflib
import re
from typing import Any

from modelward_contracts.manifests import Column, DatasetManifest, Signature, Tensor
from modelward_training.outcome import JobError

DATATYPES = {
    "tensor(float16)": "FP16",
    "tensor(float)": "FP32",
    "tensor(double)": "FP64",
    **{f"tensor({sign}int{bits})": f"{sign.upper()}INT{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
    "tensor(bool)": "BOOL",
    "tensor(string)": "BYTES",
}
FLOATS = ("FP16", "FP32", "FP64")
_TAKES = {
    "boolean": ("BOOL", *FLOATS),
    "integer": ("INT8", "INT16", "INT32", "INT64", *FLOATS),
    "number": FLOATS,
    "string": ("BYTES",),
}


def signature(session: Any, dataset: DatasetManifest, labels: list[str] | None) -> Signature:
    inputs = [_input(value, dataset) for value in session.get_inputs()]
    used = [tensor.column or tensor.name for tensor in inputs]
    for column in used:
        if used.count(column) > 1:
            raise JobError("InvalidModel", f"several inputs of model.onnx mean the column {column!r}: rename them")
    outputs = [_tensor(value, "output") for value in session.get_outputs()]
    if dataset.task == "regression":
        return Signature(inputs=inputs, outputs=outputs, classes=[], label_output=_numeric(outputs).name)
    label, probability = _label(outputs), _probability(outputs)
    if label is None and probability is None:
        raise JobError("InvalidModel", "model.onnx gives neither a label nor probabilities: export one of them")
    return Signature(
        inputs=inputs,
        outputs=outputs,
        classes=_classes(dataset, labels, probability),
        label_output=label.name if label else None,
        probability_output=probability.name if probability else None,
    )


def width(tensor: Tensor) -> int:
    """Values a row."""
    return 1 if len(tensor.shape) < 2 else tensor.shape[1]


def _input(value: Any, dataset: DatasetManifest) -> Tensor:
    tensor = _tensor(value, "input")
    column = _column(tensor.name, dataset)
    if width(tensor) != 1:
        raise JobError(
            "InvalidModel", f"the input {tensor.name!r} takes {width(tensor)} values a row: export one input per column"
        )
    takes = _TAKES.get(column.type)
    if takes is None:
        raise JobError(
            "InvalidModel",
            f"the input {tensor.name!r} is a {column.type}, which ONNX cannot hold: derive in prepare.sql",
        )
    if tensor.datatype not in takes:
        raise JobError(
            "InvalidModel",
            f"the input {tensor.name!r} takes {tensor.datatype}, but the column is {column.type}: "
            f"export it as one of {', '.join(takes)}",
        )
    if column.nullable and tensor.datatype not in (*FLOATS, "BYTES"):
        raise JobError(
            "InvalidModel",
            f"the column {column.name!r} has missing values, which {tensor.datatype} cannot hold: "
            f"export the input as FP32",
        )
    return Tensor(
        name=tensor.name,
        datatype=tensor.datatype,
        shape=tensor.shape,
        column=None if column.name == tensor.name else column.name,
    )


def _column(name: str, dataset: DatasetManifest) -> Column:
    """The column of this name, or the one that an exporter turned into this identifier."""
    columns = {column.name: column for column in dataset.columns}
    alike = [name] if name in columns else [other for other in columns if _identifier(other) == name]
    if len(alike) != 1:
        close = difflib.get_close_matches(name, columns, n=1)
        meant = f"; did you mean {close[0]!r}?" if close else f" among {', '.join(list(columns)[:20])}"
        raise JobError("InvalidModel", f"the input {name!r} of model.onnx is no column of the dataset{meant}")
    if alike[0] in (dataset.label, dataset.id):
        what = "label" if alike[0] == dataset.label else "id"
        raise JobError("InvalidModel", f"the input {name!r} of model.onnx is the dataset's {what}: train without it")
    return columns[alike[0]]


def _identifier(name: str) -> str:
    return re.sub(r"\W", "_", name, flags=re.ASCII)


def _tensor(value: Any, what: str) -> Tensor:
    datatype = DATATYPES.get(value.type)
    if datatype is None:
        raise JobError(
            "InvalidModel", f"the {what} {value.name!r} of model.onnx is a {value.type}: export tensors (zipmap off)"
        )
    shape = [size if isinstance(size, int) else -1 for size in value.shape]
    if not 1 <= len(shape) <= 2 or shape[0] != -1:
        raise JobError(
            "InvalidModel",
            f"the {what} {value.name!r} of model.onnx has the shape {value.shape}: the first dimension must be free "
            "(the rows), and at most one other may follow",
        )
    return Tensor(name=value.name, datatype=datatype, shape=shape)


def _numeric(outputs: list[Tensor]) -> Tensor:
    fitting = [tensor for tensor in outputs if tensor.datatype in FLOATS and width(tensor) in (1, -1)]
    if len(fitting) != 1:
        raise JobError("InvalidModel", "model.onnx must give one output of one number a row for regression")
    return fitting[0]


def _label(outputs: list[Tensor]) -> Tensor | None:
    fitting = [tensor for tensor in outputs if tensor.datatype not in FLOATS]
    named = [tensor for tensor in fitting if "label" in tensor.name]
    return next(iter(named or fitting), None)


def _probability(outputs: list[Tensor]) -> Tensor | None:
    fitting = [tensor for tensor in outputs if tensor.datatype in FLOATS]
    named = [tensor for tensor in fitting if "prob" in tensor.name]
    return next(iter(named or fitting), None)


def _classes(dataset: DatasetManifest, labels: list[str] | None, probability: Tensor | None) -> list[str]:
    """A classifier node's own order if it names the dataset's classes, else their sorted order."""
    classes = labels if labels and set(labels) <= set(dataset.classes) else dataset.classes
    given = width(probability) if probability else -1
    if given not in (-1, len(classes)) and not (given == 1 and len(classes) == 2):
        raise JobError("InvalidModel", f"model.onnx gives {given} probabilities, the label has {len(classes)} classes")
    return classes
