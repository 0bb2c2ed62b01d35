"""The requests that most clients send, checked in one pass; for all else, and for the wording of errors, there is the
general way.

In JSON one row, the inputs in the model's order, described as a type. Of raw tensors the header, which clients repeat.
"""

from typing import Annotated, Any, Literal

import msgspec
import numpy as np
import simdjson
from msgspec import Meta, defstruct
from msgspec.structs import replace

from .datatypes import DATATYPES, Datatype, convertible
from .inference import Inference
from .interface import Interface, has_rows

Decoder = msgspec.json.Decoder[Any]
"""To an object with `inputs`, each with `data`: a flat list; and with `id`."""
MAX_HEADERS = 256
MAX_BYTES = 1024
"""Of a header that is remembered."""
_numbers = simdjson.Parser()


def usual_decoder(interface: Interface) -> Decoder | None:
    """None for a model whose rows have no fixed length, whose values have no JSON form, or that has an input with the
    names of others."""
    if not has_rows(interface) or any(spec.datatype.name == "FP16" for spec in interface.inputs):
        return None
    if len(set(interface.input_index.values())) < len(interface.inputs):
        return None
    data = [
        Annotated[list[_value(spec.datatype)], Meta(min_length=spec.fixed_row, max_length=spec.fixed_row)]  # type: ignore[misc]
        for spec in interface.inputs
    ]
    return _decoder(interface, data)


class LongRow:
    """One row of many numbers: they go from text to an array without becoming Python objects, and what is around them
    is decoded without them."""

    def __init__(self, interface: Interface) -> None:
        """For a model with one input, of floats."""
        self._width = interface.inputs[0].fixed_row
        nothing = Annotated[list[None], Meta(max_length=0)]
        self._around = _decoder(interface, [nothing])

    def decode(self, body: bytes) -> tuple[str | None, np.ndarray[Any, Any]] | None:
        """The request's id and its row as float64; None where the general way must decide."""
        start = body.find(b'"data":') + len(b'"data":')
        start = body.find(b"[", start)
        end = body.find(b"]", start) + 1
        # A list in the list would be read as the same numbers.
        if end <= start or body.find(b"[", start + 1, end) > 0:
            return None
        try:
            around = self._around.decode(b"%b[]%b" % (body[:start], body[end:]))
            numbers: Any = _numbers.parse(body[start:end])
            values = np.frombuffer(numbers.as_buffer(of_type="d"))
        except (ValueError, TypeError, RuntimeError):
            return None
        return (around.id, values) if len(values) == self._width else None


class RawRequests:
    """Headers that were understood before, of requests with raw tensors only: numbers of the model's own types, which
    nothing is left to check about but how many there are."""

    def __init__(self, interface: Interface) -> None:
        self._interface = interface
        self._known: dict[bytes, _Header] = {}

    def read(self, body: bytes, header_length: int) -> Inference | None:
        known = self._known.get(body[:header_length]) if header_length <= MAX_BYTES else None
        if known is None or known.size != len(body) - header_length:
            return None
        values = [np.frombuffer(body, dtype, count, header_length + start) for dtype, count, start in known.tensors]
        return replace(known.request, values=values)

    def learn(self, header: bytes, top: dict[str, Any], inference: Inference) -> None:
        """`top`: what the header says, and what was made of it with the bytes that followed."""
        if len(header) > MAX_BYTES or inference.id is not None:
            return
        tensors: list[Any] = [None] * len(self._interface.inputs)
        end = 0
        for tensor in top["inputs"]:
            at = self._interface.input_index[tensor["name"]]
            datatype = self._interface.inputs[at].datatype
            if tensor["datatype"] != datatype.name or datatype.kind not in ("float", "integer") or "data" in tensor:
                return
            size = tensor["parameters"]["binary_data_size"]
            tensors[at] = (datatype.numpy, size // datatype.size, end)
            end += size
        if len(self._known) >= MAX_HEADERS:
            self._known.clear()
        self._known[header] = _Header(end, tensors, replace(inference, values=[]))


class _Header(msgspec.Struct):
    size: int
    """Of all the tensors."""
    tensors: list[tuple[np.dtype[Any], int, int]]
    """With how many values, and from which byte on, in the order of the model's inputs."""
    request: Inference
    """Without its values."""


def _decoder(interface: Interface, data: list[Any]) -> Decoder:
    tensors = tuple(_tensor(interface, i, one) for i, one in enumerate(data))
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = [("inputs", tuple[tensors]), ("id", str | None, None)]  # type: ignore[valid-type]
    return msgspec.json.Decoder(defstruct("UsualRequest", fields, forbid_unknown_fields=True, gc=False))


def _tensor(interface: Interface, at: int, data: Any) -> type:
    spec = interface.inputs[at]
    names = tuple(name for name, i in interface.input_index.items() if i == at)
    fields = [
        ("name", Literal[names]),
        ("datatype", Literal[tuple(_accepted(spec.datatype))]),
        ("shape", _shape(spec.one_row or [])),
        ("data", data),
    ]
    return defstruct("UsualTensor", fields, forbid_unknown_fields=True, gc=False)


def _accepted(datatype: Datatype) -> list[str]:
    return [given.name for given in DATATYPES.values() if convertible(given, datatype) and given.name != "FP16"]


def _shape(one_row: list[int]) -> Any:
    """With a missing or an extra dimension of 1, where there is no other."""
    if set(one_row) == {1}:
        return Annotated[list[Literal[1]], Meta(min_length=max(len(one_row) - 1, 1), max_length=len(one_row) + 1)]
    return tuple[tuple(Literal[size] for size in one_row)]  # type: ignore[misc]


def _value(datatype: Datatype) -> Any:
    if datatype.bounds is not None:
        low, high = datatype.bounds
        # Larger ones are refused when they become an array.
        return Annotated[int, Meta(ge=low, le=high)] if high < 1 << 63 else Annotated[int, Meta(ge=low)]
    if datatype.kind == "float":
        return float | None
    return bool if datatype.kind == "boolean" else str
