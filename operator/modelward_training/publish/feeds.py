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


LOSS = 1e-5
"""Of a column's standard deviation: what an input may round off before it is told."""


def columns(inputs: list[Tensor]) -> list[str]:
    return [tensor.column or tensor.name for tensor in inputs]


def feed(inputs: list[Tensor], table: pa.Table) -> dict[str, Array]:
    return {
        tensor.name: as_input(table[tensor.column or tensor.name], tensor).reshape(
            (-1,) if len(tensor.shape) == 1 else (-1, 1)
        )
        for tensor in inputs
    }


def rounded(table: pa.Table, tensor: Tensor) -> str | None:
    """Told of a column whose numbers the input's float rounds by more than is negligible."""
    name = tensor.column or tensor.name
    whole = pa.types.is_integer(table[name].type)
    if tensor.datatype not in ("FP16", "FP32") or not (whole or pa.types.is_floating(table[name].type)):
        return None
    values = table[name].drop_null().cast(pa.float64(), safe=False).to_numpy()
    values = values[np.isfinite(values)]
    with np.errstate(over="ignore"):
        lost = np.abs(values.astype(DTYPES[tensor.datatype]).astype(np.float64) - values).max(initial=0.0)
    if not lost > (0 if whole else LOSS * values.std()):
        return None
    what = "64" if tensor.datatype == "FP32" else "32 or FP64"
    return (
        f"{tensor.datatype} rounds the numbers of {name!r}, which reach {values[np.abs(values).argmax()]:.12g}, by up "
        f"to {lost:.3g}: export the input as {'INT64 or ' if whole else ''}FP{what}, or subtract a constant in"
        " prepare.sql"
    )


def as_input(column: pa.ChunkedArray, tensor: Tensor) -> Array:
    """One value a row: missing numbers are NaN, missing text is empty."""
    if tensor.datatype == "BYTES":
        return np.asarray(pc.fill_null(column, "").to_pylist(), dtype=object)
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    with np.errstate(over="ignore"):  # beyond float32 is infinite, as a server sees it
        return np.asarray(column.to_numpy()).astype(DTYPES[tensor.datatype])
