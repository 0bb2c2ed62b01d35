"""Dataset columns as the tensors that a scoring server would make of a request."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from modelward_contracts.manifests import Tensor

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


EXACT = {"FP16": 2**11, "FP32": 2**24, "FP64": 2**53}
"""Whole numbers up to which a float holds each."""


def columns(inputs: list[Tensor]) -> list[str]:
    return [tensor.column or tensor.name for tensor in inputs]


def feed(inputs: list[Tensor], table: pa.Table) -> dict[str, Array]:
    return {
        tensor.name: as_input(table[tensor.column or tensor.name], tensor).reshape(
            (-1,) if len(tensor.shape) == 1 else (-1, 1)
        )
        for tensor in inputs
    }


def rounded_integers(table: pa.Table, tensor: Tensor) -> str | None:
    """Told of a column of whole numbers that the input's float cannot hold."""
    column, exact = table[tensor.column or tensor.name], EXACT.get(tensor.datatype)
    if exact is None or not pa.types.is_integer(column.type):
        return None
    ends = pc.min_max(column).as_py()
    largest = max((ends["min"], ends["max"]), key=lambda value: abs(value or 0))
    if abs(largest or 0) <= exact:
        return None
    return (
        f"the column {tensor.column or tensor.name!r} reaches {largest}, and {tensor.datatype} rounds whole numbers "
        f"above 2^{exact.bit_length() - 1}: export the input as INT64 or FP64, or subtract a constant in prepare.sql"
    )


def as_input(column: pa.ChunkedArray, tensor: Tensor) -> Array:
    """One value a row: missing numbers are NaN, missing text is empty."""
    if tensor.datatype == "BYTES":
        return np.asarray(pc.fill_null(column, "").to_pylist(), dtype=object)
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    with np.errstate(over="ignore"):  # beyond float32 is infinite, as a server sees it
        return np.asarray(column.to_numpy()).astype(DTYPES[tensor.datatype])
