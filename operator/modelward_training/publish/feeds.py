"""Dataset columns as the tensors that a scoring server would make of a request."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelward_contracts.manifests import Signature, Tensor

DTYPES: dict[str, Any] = {
    "FP16": np.float16,
    "FP32": np.float32,
    "FP64": np.float64,
    "INT8": np.int8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "BOOL": np.bool_,
}
Array = np.ndarray[Any, Any]


def columns(signature: Signature) -> list[str]:
    return [tensor.column or tensor.name for tensor in signature.inputs]


def feed(signature: Signature, table: pa.Table) -> dict[str, Array]:
    return {
        tensor.name: as_input(table[tensor.column or tensor.name], tensor).reshape(
            (-1,) if len(tensor.shape) == 1 else (-1, 1)
        )
        for tensor in signature.inputs
    }


def as_input(column: pa.ChunkedArray, tensor: Tensor) -> Array:
    """One value a row: missing numbers are NaN, missing text is empty."""
    if tensor.datatype == "BYTES":
        return np.asarray(pc.fill_null(column, "").to_pylist(), dtype=object)
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    with np.errstate(over="ignore"):  # beyond float32 is infinite, as a server sees it
        return np.asarray(column.to_numpy()).astype(DTYPES[tensor.datatype])
