"""Open Inference Protocol v2 replies: from the model's outputs to a body's bytes, without any I/O.

The numbers of a batch are written as text in one call and cut into rows, because a call a request costs more than
the text itself.
"""

import struct
from typing import Any

import numpy as np
import orjson

from modelward_serving.refusal import Refused

from .inference import Inference
from .interface import Interface, TensorSpec

Array = np.ndarray[Any, Any]
SHORT = 256
"""Values of a row, all outputs together: below what is worth compressing."""
_NUMPY = orjson.OPT_SERIALIZE_NUMPY


class Results:
    """The outputs of one run, of which each request gets its rows."""

    __slots__ = ("_heads", "_interface", "_rows", "_specs", "_texts", "arrays", "batched")

    def __init__(self, interface: Interface, arrays: list[Array], batched: bool) -> None:
        self.arrays = arrays
        self.batched = batched
        """The first axis is the requests' rows."""
        self._interface, self._specs = interface, interface.outputs
        self._texts: dict[int, list[bytes]] = {}
        self._heads: dict[int, bytes] = {}
        self._rows: list[tuple[bytes, ...]] | None = None if batched and interface.one_row_reply is not None else []

    def rows(self, i: int, start: int, end: int) -> Array:
        return self.arrays[i][start:end] if self.batched else self.arrays[i]

    def one_row_texts(self) -> list[tuple[bytes, ...]]:
        """For each row the JSON text of its values of each output.

        Empty where a row holds what JSON cannot carry, or the rows are no requests' own.
        """
        if self._rows is None:
            self._rows = self._make_texts()
        return self._rows

    def _make_texts(self) -> list[tuple[bytes, ...]]:
        if [values.shape[1:] for values in self.arrays] != self._interface.output_tails:
            return []
        if len(self.arrays[0]) == 1 and self._interface.numbers_out:
            text = orjson.dumps([values.ravel() for values in self.arrays], option=_NUMPY)
            return [tuple(text[2:-2].split(b"],["))] if b"null" not in text else []
        columns = []
        for spec, values in zip(self._specs, self.arrays, strict=True):
            texts = row_texts(spec, values)
            if spec.datatype.kind == "float" and b"null" in b"".join(texts):
                return []
            columns.append(texts)
        return list(zip(*columns, strict=True))

    def json_tensor(self, i: int, start: int, end: int) -> bytes:
        """Output `i` of rows start … end as an element of `outputs`."""
        values = self.arrays[i]
        if not self.batched or end - start == len(values) or not values.size or end == start:
            spec, values = self._specs[i], self.rows(i, start, end)
            return b'%b%b],"data":%b}' % (spec.json_head, _sizes(values.shape), json_values(spec, values))
        texts = self._texts.get(i)
        if texts is None:
            texts = self._texts[i] = row_texts(self._specs[i], values)
            tail = b"".join(b",%d" % size for size in values.shape[1:])
            self._heads[i] = b'%b],"data":[' % tail
        data = texts[start] if end - start == 1 else b",".join(texts[start:end])
        if b"null" in data and self._specs[i].datatype.kind == "float":
            _refuse_nan(self._specs[i], values[start:end])
        return b"%b%d%b%b]}" % (self._specs[i].json_head, end - start, self._heads[i], data)


class Encoder:
    """Writes the replies of one model. JSON only, or JSON and raw bytes with the length of the JSON part."""

    def __init__(self, interface: Interface, name: str, version: str) -> None:
        self._specs = interface.outputs
        self._head = b'{"model_name":%b,"model_version":%b' % (orjson.dumps(name), orjson.dumps(version))
        self._one_row = interface.one_row_reply or b""
        values = sum(spec.fixed_row or 0 for spec in interface.outputs)
        self._common = self._head.replace(b"%", b"%%") + self._one_row if values <= SHORT else b""

    def common(self, results: Results) -> list[bytes]:
        """For each row the reply to those that ask for it as most do. Empty where it cannot be told, or may be long
        enough to be compressed."""
        return [self._common % texts for texts in results.one_row_texts()] if self._common else []

    def encode(self, request: Inference, results: Results, start: int, end: int) -> tuple[bytes, int | None]:
        """The second is None for a reply that is all JSON."""
        head = self._head
        if request.id is not None:
            head = b'%b,"id":%b' % (head, orjson.dumps(request.id))
        if request.wanted.binary:
            return self._mixed(head, request, results, start, end)
        if end - start == 1 and request.wanted.everything and (texts := results.one_row_texts()):
            return head + self._one_row % texts[start], None
        parts = [results.json_tensor(i, start, end) for i, _ in request.wanted.outputs]
        return b'%b,"outputs":[%b]}' % (head, b",".join(parts)), None

    def _mixed(
        self, head: bytes, request: Inference, results: Results, start: int, end: int
    ) -> tuple[bytes, int | None]:
        parts, blobs = [], []
        for i, binary in request.wanted.outputs:
            if binary:
                values = results.rows(i, start, end)
                blobs.append(raw_bytes(values))
                parts.append(
                    b'%b%b],"parameters":{"binary_data_size":%d}}'
                    % (self._specs[i].json_head, _sizes(values.shape), len(blobs[-1]))
                )
            else:
                parts.append(results.json_tensor(i, start, end))
        header = b'%b,"outputs":[%b]}' % (head, b",".join(parts))
        return b"".join([header, *blobs]), len(header)


def json_values(spec: TensorSpec, values: Array) -> bytes:
    """The values as a flat JSON list. NaN and infinities have no JSON form and are never turned into null."""
    if spec.datatype.kind == "string":
        return orjson.dumps(values.ravel().tolist())
    data = orjson.dumps(values.ravel(), option=_NUMPY)
    if b"null" in data and spec.datatype.kind == "float":
        _refuse_nan(spec, values)
    return data


def row_texts(spec: TensorSpec, values: Array) -> list[bytes]:
    """The JSON text of each row's values, without brackets."""
    if spec.datatype.kind == "string":
        return [orjson.dumps(row)[1:-1] for row in values.reshape(len(values), -1).tolist()]
    flat = values.ravel()
    if len(values) == 1:
        return [orjson.dumps(flat, option=_NUMPY)[1:-1]]
    if len(values) == len(flat):
        return orjson.dumps(flat, option=_NUMPY)[1:-1].split(b",")
    return orjson.dumps(flat.reshape(len(values), -1), option=_NUMPY)[2:-2].split(b"],[")


def raw_bytes(values: Array) -> bytes:
    if values.dtype != object:
        return values.tobytes()
    texts = [str(value).encode() for value in values.ravel()]
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)


def _refuse_nan(spec: TensorSpec, values: Array) -> None:
    row = int(np.argwhere(~np.isfinite(np.atleast_1d(values)))[0][0])
    raise unwritable(spec.title, row, "ask for it with binary_data")


def unwritable(title: str, row: int, instead: str) -> Refused:
    """A status that invites nobody to try again: the answer would be the same."""
    return Refused(f"output '{title}' row {row} is NaN or infinite, which JSON cannot carry: {instead}", status=422)


def _sizes(shape: tuple[int, ...]) -> bytes:
    return b",".join([b"%d" % size for size in shape])
