"""The requests that most clients send, checked in one pass; for all else, and for the wording of errors, there is the
general way.

In JSON one row: the inputs in the model's order, described as a type, or what is around a row of numbers. Of raw
tensors the header. Clients repeat both.
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal

import msgspec
import numpy as np
from msgspec import Meta, defstruct
from msgspec.structs import replace

from .datatypes import DATATYPES, Datatype, convertible
from .inference import Inference, Wanted
from .interface import Interface, has_rows
from .tensors import TOGETHER, numbers_of

Reader = Callable[[bytes], Inference | None]
"""None where another way must decide."""
Decoder = msgspec.json.Decoder[Any]
"""To an object with `inputs`, each with `data`: a flat list; and with `id`."""
COUNTED = 32 << 20
"""Bytes of JSON that simdjson may be given: it counts the values of a list, of two bytes at least, no further than
0xFFFFFF, and a buffer sized by that count is written beyond its end. What is larger is read by orjson."""
MAX_HEADERS = 256
MAX_BYTES = 1024
"""Of a header that is remembered."""
_WITH_ID = (b'{"id":"', b'{"id": "')
"""As clients write it who number their requests."""


def usual_reader(interface: Interface, wanted: Wanted) -> Reader:
    """For a model whose rows have no fixed length, or that has an input with the names of others, no request is
    usual."""
    if not has_rows(interface):
        return lambda _body: None
    if len(set(interface.input_index.values())) < len(interface.inputs):
        return lambda _body: None
    one_of_floats = len(interface.inputs) == 1 and interface.inputs[0].datatype.kind == "float"
    return (FloatRows if one_of_floats else Rows)(interface, wanted).read


class Rows:
    """One row of values of any types, described as a type."""

    def __init__(self, interface: Interface, wanted: Wanted) -> None:
        self._wanted = wanted
        data = [
            Annotated[list[_value(spec.datatype)], Meta(min_length=spec.fixed_row, max_length=spec.fixed_row)]  # type: ignore[misc]
            for spec in interface.inputs
        ]
        self._decoder = _decoder(interface, data)

    def read(self, body: bytes) -> Inference | None:
        if len(body) > COUNTED:
            return None
        try:
            usual = self._decoder.decode(body)
        except ValueError:
            return None
        data = [tensor.data for tensor in usual.inputs]
        return Inference(usual.id, 1, data, None, self._wanted, None, listed=True, common=usual.id is None)


class FloatRows:
    """For models with one input, of floats: one row, whose numbers go from text to an array without becoming Python
    objects. What is around them, which clients repeat, is decoded once."""

    def __init__(self, interface: Interface, wanted: Wanted) -> None:
        self._wanted = wanted
        self._width = interface.inputs[0].fixed_row or 1
        self._commas = self._width - 1
        nothing = Annotated[list[None], Meta(max_length=0)]
        self._around = _decoder(interface, [nothing])
        self._known: set[tuple[bytes, bytes]] = set()
        self._known_with_id: set[tuple[bytes, bytes]] = set()
        """Without the id and what comes before it."""
        self._before: bytes | None = None
        self._after: bytes | None = None
        """Around the numbers of the last request without an id."""

    def read(self, body: bytes) -> Inference | None:
        """A short row stays text, to be read together with those it runs with."""
        if len(body) > COUNTED:
            return None
        before, found, rest = body.partition(b'"data":[')
        if not found:
            before, _, rest = body.partition(b'"data": [')
        text, _, after = rest.partition(b"]")
        try:
            request_id = None if before == self._before and after == self._after else self._id(before, after)
            values = text if len(text) <= TOGETHER else numbers_of([text], self._width)
        except ValueError:
            return None
        if values is text and text.count(b",") != self._commas:
            return None
        return Inference(request_id, 1, [values], None, self._wanted, None, common=request_id is None)

    def _id(self, before: bytes, after: bytes) -> str | None:
        """Raises `ValueError` if what is around the numbers is not as usual."""
        known, request_id, rest = self._known, None, before
        if before.startswith(_WITH_ID):
            _, _, _, given, rest = before.split(b'"', 4)
            known, request_id = self._known_with_id, given.decode()
        if (rest, after) not in known or not _plain(request_id):
            understood: str | None = self._around.decode(b'%b"data":[]%b' % (before, after)).id
            if b'"data"' in after or b"\\" in after:
                raise ValueError("of a name given twice the last counts, however it is spelled")
            if understood != request_id or len(rest) + len(after) > MAX_BYTES:
                return understood
            if len(known) >= MAX_HEADERS:
                known.clear()
            known.add((rest, after))
        if request_id is None:
            self._before, self._after = before, after
        return request_id


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
            if not size:
                return
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


def _plain(request_id: str | None) -> bool:
    """It is what it looks like, also within JSON."""
    return request_id is None or (request_id.isprintable() and "\\" not in request_id)


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
    return [given.name for given in DATATYPES.values() if convertible(given, datatype)]


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
