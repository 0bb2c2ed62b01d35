"""Which class is which: what a model, its exporter and predictions.parquet may call the classes of the dataset."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper

from modelward_contracts.manifests import DatasetManifest
from modelward_onnx.graph import free, import_standard, names, rename
from modelward_onnx.zipmap import keys

Array = np.ndarray[Any, Any]
_TRUTH = {"0": "false", "1": "true", "False": "false", "True": "true", "0.0": "false", "1.0": "true"}


def texts(values: Array) -> Array:
    """Labels as the dataset's classes are written."""
    if values.dtype.kind == "b":
        return np.where(values, "true", "false")
    if values.dtype.kind == "f" and np.all(values == np.floor(values)):
        values = values.astype(np.int64)
    return values.astype(str)


def known(given: Sequence[str], classes: list[str]) -> list[str]:
    """Each as the dataset writes it, where that is clear: 0 and 1 are false and true."""
    if not set(classes) <= {"false", "true"}:
        return list(given)
    return [_TRUTH.get(name, name) for name in given]


def positions(classes: list[str]) -> list[str]:
    """What stands for the classes where a model numbers them in their order."""
    return [str(number) for number in range(len(classes))]


def order(model: onnx.ModelProto, output: str, width: int, zipped: list[str], classes: list[str]) -> list[str] | None:
    """The classes of the `width` columns of an output: as the ZipMap there or the nearest classifier names them.

    Without such a list, or with numbers from 0, the dataset's order. None if none of it fits the width.
    """
    wanted = 2 if width == 1 else width
    for given in [zipped, *_lists(model, output)]:
        named = known(given, classes)
        if len(named) == wanted == len(set(named)) and set(named) <= set(classes):
            return named
    return list(classes) if len(classes) == wanted else None


def numbered(labels: Array, model: onnx.ModelProto, output: str, classes: list[str]) -> bool:
    """Does a label output give the classes' numbers in their order instead of the classes?"""
    if labels.dtype.kind not in "iu":
        return False
    numbers = positions(classes)
    if set(known(numbers, classes)) == set(classes):
        return False
    named = next((given for given in _lists(model, output) if len(given) == len(classes)), None)
    if named is not None and named != numbers:
        return False
    found = set(known(np.unique(labels).astype(str).tolist(), classes))
    return found <= set(numbers) and (named == numbers or not found <= set(classes))


def name_labels(model: onnx.ModelProto, output: str, dataset: DatasetManifest) -> None:
    """Edit `model`: the label output gives the class where it gave the class's number."""
    kinds = {column.name: column.type for column in dataset.columns}
    as_numbers = kinds.get(dataset.label) == "integer"
    graph, taken = model.graph, names(model.graph)
    value = next(value for value in graph.output if value.name == output)
    number, wide, called = (free(f"{output}_{what}", taken) for what in ("number", "wide", "classes"))
    sizes = [size.dim_value if size.HasField("dim_value") else None for size in value.type.tensor_type.shape.dim]
    rename(graph, {output: number})
    kind = onnx.TensorProto.INT64 if as_numbers else onnx.TensorProto.STRING
    value.CopyFrom(helper.make_tensor_value_info(output, kind, sizes))
    listed: Any = [int(name) if as_numbers else name.encode() for name in dataset.classes]
    graph.initializer.append(helper.make_tensor(called, kind, [len(listed)], listed))
    graph.node.append(helper.make_node("Cast", [number], [wide], to=onnx.TensorProto.INT64))
    graph.node.append(helper.make_node("Gather", [called, wide], [output], axis=0))
    import_standard(model)


def _lists(model: onnx.ModelProto, output: str) -> Iterator[list[str]]:
    """The class lists that nodes on the way to an output name, the nearest first: an inner one may mean its own."""
    makers = {name: node for node in model.graph.node for name in node.output}
    queue, seen = deque([output]), {output}
    while queue:
        node = makers.get(queue.popleft())
        if node is None:
            continue
        if found := keys(node):
            yield found
        fresh = [name for name in dict.fromkeys(node.input) if name not in seen]
        seen.update(fresh)
        queue.extend(fresh)
