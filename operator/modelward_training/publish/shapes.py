"""Outputs as they are, not as they are declared: some exporters write [1], or nothing, for one value a row."""

from typing import Any

import numpy as np
import onnx
from onnx import helper

from modelward_contracts.manifests import Tensor

Array = np.ndarray[Any, Any]


def declare(model: onnx.ModelProto, outputs: dict[str, Array]) -> list[str]:
    """Edit the outputs' declared shapes to free rows and the measured width; says where they were wrong."""
    notes = []
    for value in model.graph.output:
        wanted = [None, *outputs[value.name].shape[1:]]
        kind = value.type.tensor_type
        declared = [size.dim_value if size.HasField("dim_value") else None for size in kind.shape.dim]
        if kind.HasField("shape") and _agree(declared, wanted):
            continue
        value.CopyFrom(helper.make_tensor_value_info(value.name, kind.elem_type, wanted))
        said = _text(declared) if kind.HasField("shape") else "without a shape"
        notes.append(f"the output {value.name!r} is declared {said} and gives {_text(wanted)}: so it is stored")
    return notes


def measured(declared: list[Tensor], outputs: dict[str, Array]) -> list[Tensor]:
    """The signature's outputs."""
    return [
        Tensor(name=tensor.name, datatype=tensor.datatype, shape=[-1, *outputs[tensor.name].shape[1:]])
        for tensor in declared
    ]


def _agree(declared: list[int | None], wanted: list[int | None]) -> bool:
    return (
        len(declared) == len(wanted)
        and declared[0] is None
        and all(size in (None, found) for size, found in zip(declared[1:], wanted[1:], strict=True))
    )


def _text(shape: list[int | None]) -> str:
    return f"[{', '.join('rows' if size is None else str(size) for size in shape)}]"
