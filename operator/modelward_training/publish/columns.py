"""Inputs that are matrices become one input per column, as the usual exporters' first example leaves them.

A matrix says nothing of its columns, so it is taken only where its width leaves no choice: it is as wide as the
dataset has columns that it can hold, in the dataset's order. Whether that order is right is measured like all else:
the model must say what predictions.parquet says. Where the order is known, from MLflow's signature, it is that one.
"""

from collections.abc import Iterator, Sequence

import onnx
from onnx import helper

from modelward_contracts.manifests import Column, DatasetManifest
from modelward_onnx.graph import free, import_standard, names, rename
from modelward_training.outcome import JobError

from .signature import FLOATS, INTEGERS, datatype

RECIPES = "docs/recipes.md shows both"
_NUMBERS = ("integer", "number")


def per_column(model: onnx.ModelProto, dataset: DatasetManifest, order: Sequence[str] = ()) -> list[str]:
    """Edit `model`; returns what was done, one sentence a matrix. `order`: of its columns, where known."""
    initial = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in initial]
    own = {column.name for column in dataset.columns}
    claimed = {value.name for value in inputs if value.name in own and _width(value) in (None, 1)}
    notes = []
    for value in inputs:
        width = _width(value)
        if value.name in claimed or width is None or (width == 1 and len(inputs) > 1):
            continue
        unclaimed = [column for column in dataset.columns if column.name not in claimed]
        named = _named(value, width, order, unclaimed)
        fitting = named or _fitting(value, width, unclaimed, dataset)
        if fitting:
            whose = "the order that MLmodel names" if named else "the dataset's order"
            notes.append(
                f"the input {value.name!r} is a matrix of {len(fitting)}: its columns are taken in {whose}, "
                f"{_some(fitting)}, and are inputs of their own in the stored model"
            )
            _split(model, value, fitting)
    return notes


def _named(value: onnx.ValueInfoProto, width: int, order: Sequence[str], columns: list[Column]) -> list[Column]:
    """The columns of `order`, where the matrix is as wide."""
    known = {column.name: column for column in columns}
    if len(order) < 2 or width not in (0, len(order)):
        return []
    if lacking := [name for name in order if name not in known]:
        raise JobError(
            "InvalidModel",
            f"MLmodel names the column {lacking[0]!r} of the input {value.name!r}, and the dataset has no such column: "
            "name it so in prepare.sql",
        )
    return [known[name] for name in order]


def _width(value: onnx.ValueInfoProto) -> int | None:
    """Values a row of a matrix with free rows, 0 where that is free too; None of all else."""
    if not value.type.HasField("tensor_type") or not value.type.tensor_type.HasField("shape"):
        return None
    sizes = value.type.tensor_type.shape.dim
    if len(sizes) != 2 or sizes[0].HasField("dim_value"):
        return None
    return max(0, int(sizes[1].dim_value))


def _fitting(
    value: onnx.ValueInfoProto, width: int, columns: list[Column], dataset: DatasetManifest
) -> list[Column] | None:
    """The columns that the matrix must mean; None where it can be none of the dataset's."""
    usable = [column for column in columns if column.name not in dataset.no_inputs]
    found = []
    for types in _types(datatype(value.type.tensor_type.elem_type)):
        fitting = [column for column in usable if column.type in types]
        if width in (0, len(fitting)) and fitting:
            return fitting
        found.append(fitting)
    if width <= 1 or not found:
        return None  # another one says what is wrong with it
    counts = " or ".join(dict.fromkeys(str(len(fitting)) for fitting in found))
    raise JobError(
        "InvalidModel",
        f"the input {value.name!r} takes {width} values a row: export one input per column, named like it, or a matrix "
        f"of all columns that it can hold, which are {counts} ({_some(found[0])}); {RECIPES}",
    )


def _types(named: str | None) -> Iterator[tuple[str, ...]]:
    """The types of columns that a matrix may hold: numbers, then with booleans too."""
    if named in FLOATS:
        yield from (_NUMBERS, (*_NUMBERS, "boolean"))
    elif named in INTEGERS:
        yield ("integer",)
    elif named in ("BYTES", "BOOL"):
        yield ("string" if named == "BYTES" else "boolean",)


def _split(model: onnx.ModelProto, matrix: onnx.ValueInfoProto, columns: list[Column]) -> None:
    graph, kind = model.graph, matrix.type.tensor_type.elem_type
    wanted, whole = [column.name for column in columns], matrix.name
    outputs = {value.name for value in graph.output}
    for name in set(wanted) & outputs:
        raise JobError("InvalidColumn", f"{name!r} is a column and an output of model.onnx: rename one of them")
    taken = names(graph) | set(wanted)
    others = {value.name for value in graph.input} - {whole}
    new = {name: free(name, taken) for name in wanted if name in names(graph) and name not in others}
    new.setdefault(whole, free(f"{whole}_columns", taken))
    at = [value.name for value in graph.input].index(whole)
    rename(graph, new)
    rest = [value for number, value in enumerate(graph.input) if number != at]
    made = [helper.make_tensor_value_info(name, kind, [None, 1]) for name in wanted]
    inputs = [*rest[:at], *made, *rest[at:]]
    del graph.input[:]
    graph.input.extend(inputs)
    graph.node.insert(0, helper.make_node("Concat", wanted, [new[whole]], axis=1))
    import_standard(model)


def _some(columns: list[Column]) -> str:
    named = [column.name for column in columns]
    return ", ".join(named if len(named) <= 6 else [*named[:3], "…", named[-1]])
