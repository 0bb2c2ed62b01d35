"""What the model takes and gives, in terms of the dataset. Runs in the examining process."""

import difflib
import re
from collections import Counter
from typing import Any

import onnx

from modelward_contracts.manifests import Column, DatasetManifest, Tensor
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
INTEGERS = ("INT8", "INT16", "INT32", "INT64")
_TAKES = {
    "boolean": ("BOOL", *FLOATS),
    "integer": (*INTEGERS, *FLOATS),
    "number": FLOATS,
    "string": ("BYTES",),
}


def inputs(session: Any, dataset: DatasetManifest) -> list[Tensor]:
    """Each input with the column that it means."""
    columns = Columns(dataset)
    made = [_input(value, columns) for value in session.get_inputs()]
    if not made:
        raise JobError("InvalidModel", "model.onnx has no input: export one input per column")
    counted = Counter(tensor.column or tensor.name for tensor in made)
    (column, times), *_ = counted.most_common(1)
    if times > 1:
        raise JobError("InvalidModel", f"several inputs of model.onnx mean the column {column!r}: rename them")
    return made


def outputs(session: Any) -> list[Tensor]:
    """As declared, which is not always so: `shapes.declare` makes it so."""
    made = []
    for value in session.get_outputs():
        named = DATATYPES.get(value.type)
        if named is None:
            raise JobError(
                "InvalidModel",
                f"the output {value.name!r} of model.onnx is a {value.type}: export tensors of numbers or text",
            )
        shape = [size if isinstance(size, int) else -1 for size in value.shape]
        made.append(Tensor(name=value.name, datatype=named, shape=shape))
    return made


def datatype(kind: int) -> str | None:
    """Of ONNX's element type."""
    return DATATYPES.get(f"tensor({onnx.TensorProto.DataType.Name(kind).lower()})")


def width(tensor: Tensor) -> int:
    """Values a row."""
    return 1 if len(tensor.shape) < 2 else tensor.shape[1]


def _input(value: Any, columns: "Columns") -> Tensor:
    tensor = _tensor(value)
    column = columns.meant(tensor.name)
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


def unfit(tensor: Tensor, dataset: DatasetManifest) -> str | None:
    """Why a stored model's input cannot be fed from this dataset."""
    name = tensor.column or tensor.name
    column = next((column for column in dataset.columns if column.name == name), None)
    if column is None:
        return f"its input {name!r} is no column of this data"
    if name in (dataset.label, dataset.id):
        return f"its input {name!r} is the {'label' if name == dataset.label else 'id'} of this data"
    if tensor.datatype not in _TAKES.get(column.type, ()):
        return f"its input {name!r} takes {tensor.datatype}, and the column is now {column.type}"
    if column.nullable and tensor.datatype not in (*FLOATS, "BYTES"):
        return f"its input {name!r} takes {tensor.datatype}, and the column now has missing values"
    return None


class Columns:
    """The dataset's columns, also by the identifiers that exporters turn their names into."""

    def __init__(self, dataset: DatasetManifest) -> None:
        self._columns = {column.name: column for column in dataset.columns}
        self._identified: dict[str, list[str]] = {}
        for name in self._columns:
            self._identified.setdefault(_identifier(name), []).append(name)
        self._taboo = {dataset.label: "label", dataset.id: "id"}

    def meant(self, name: str) -> Column:
        alike = [name] if name in self._columns else self._identified.get(name, [])
        if len(alike) != 1:
            close = difflib.get_close_matches(name, self._columns, n=1)
            meant = f"; did you mean {close[0]!r}?" if close else f" among {', '.join(list(self._columns)[:20])}"
            raise JobError("InvalidModel", f"the input {name!r} of model.onnx is no column of the dataset{meant}")
        if alike[0] in self._taboo:
            what = self._taboo[alike[0]]
            raise JobError(
                "InvalidModel", f"the input {name!r} of model.onnx is the dataset's {what}: train without it"
            )
        return self._columns[alike[0]]


def _identifier(name: str) -> str:
    return re.sub(r"\W", "_", name, flags=re.ASCII)


def _tensor(value: Any) -> Tensor:
    named = DATATYPES.get(value.type)
    if named is None:
        raise JobError("InvalidModel", f"the input {value.name!r} of model.onnx is a {value.type}: export tensors")
    shape = [size if isinstance(size, int) else -1 for size in value.shape]
    if not 1 <= len(shape) <= 2 or shape[0] != -1:
        table = "; a Dataset is a table: images, sound and sequences cannot be measured on it" if len(shape) > 2 else ""
        raise JobError(
            "InvalidModel",
            f"the input {value.name!r} of model.onnx has the shape {value.shape}: the first dimension must be free "
            f"(the rows), and at most one other may follow{table}",
        )
    return Tensor(name=value.name, datatype=named, shape=shape)
