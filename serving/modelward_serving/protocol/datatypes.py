"""The protocol's datatypes beside numpy's and onnxruntime's."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Kind = Literal["boolean", "integer", "float", "string"]


@dataclass(frozen=True, slots=True)
class Datatype:
    name: str
    kind: Kind
    numpy: np.dtype[Any]
    accepts: frozenset[type]
    """Types of JSON values that need no conversion."""
    bounds: tuple[int, int] | None = None

    @property
    def size(self) -> int:
        return self.numpy.itemsize


def _integer(name: str, dtype: str) -> Datatype:
    numbers = np.dtype(dtype)
    limits = np.iinfo(numbers)
    return Datatype(name, "integer", numbers, frozenset({int}), (int(limits.min), int(limits.max)))


def _float(name: str, dtype: str) -> Datatype:
    return Datatype(name, "float", np.dtype(dtype), frozenset({float, int, type(None)}))


DATATYPES: dict[str, Datatype] = {
    datatype.name: datatype
    for datatype in [
        Datatype("BOOL", "boolean", np.dtype(bool), frozenset({bool})),
        *(_integer(f"INT{bits}", f"int{bits}") for bits in (8, 16, 32, 64)),
        *(_integer(f"UINT{bits}", f"uint{bits}") for bits in (8, 16, 32, 64)),
        *(_float(f"FP{bits}", f"float{bits}") for bits in (16, 32, 64)),
        Datatype("BYTES", "string", np.dtype(object), frozenset({str})),
    ]
}

_ONNX_NAMES = {"float": "FP32", "double": "FP64", "float16": "FP16", "bool": "BOOL", "string": "BYTES"}


def of_onnx(type_name: str) -> Datatype | None:
    """For `tensor(float)` and alike; None for what the protocol cannot carry (sequences, maps, complex numbers)."""
    if not type_name.startswith("tensor("):
        return None
    inner = type_name[len("tensor(") : -1]
    return DATATYPES.get(_ONNX_NAMES.get(inner, inner.upper()))


def convertible(given: Datatype, wanted: Datatype) -> bool:
    """Numbers may come in another width, as pandas and numpy have them; text and truth values are never guessed at."""
    if given.kind == wanted.kind:
        return True
    return {given.kind, wanted.kind} == {"integer", "float"}
