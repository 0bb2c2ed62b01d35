"""One tensor of a request: from JSON values or raw bytes to a flat list or array of the model's own type.

JSON values stay a Python list here: rows of several requests become one array later, in one step. What is wrong is
said with the tensor, the row and the reason.
"""

import base64
import binascii
import math
import re
import threading
from collections.abc import Sequence
from itertools import chain
from typing import Any, NoReturn

import msgspec
import numpy as np
import orjson
import simdjson

from modelward_serving.refusal import Refused

from .datatypes import DATATYPES, Datatype, convertible
from .interface import TensorSpec

Values = list[Any] | np.ndarray[Any, Any] | bytes
"""Bytes are the JSON text of a row of floats, without brackets, and with as many commas as belong there."""
MAX_RANK = 32
"""Dimensions: numpy has 64 at most, onnxruntime's operators fewer."""
MAX_EMPTY = 1 << 22
"""The product of an empty tensor's other dimensions."""
TOGETHER = 2000
"""Bytes of such a text, at most. A batch's numbers must be fewer than 0xFFFFFF: simdjson counts those of a list no
further, and a buffer sized by that count is written beyond its end."""
_float_row = msgspec.json.Decoder(list[float | None])
_NO_NUMBER = re.compile("nan|inf", re.IGNORECASE)
_NAMES = {bool: "a boolean", int: "an integer", float: "a number", str: "text", type(None): "null", dict: "an object"}


class _Own(threading.local):
    """A parser must not be asked by two threads at once."""

    def __init__(self) -> None:
        self.parser = simdjson.Parser()


own = _Own()


def given_datatype(spec: TensorSpec, name: object) -> Datatype:
    """The datatype that a request declares, if it can become the model's."""
    given = DATATYPES.get(name) if isinstance(name, str) else None
    if given is None:
        raise Refused(f"input '{spec.title}': unknown datatype {name!r}; the model takes {spec.datatype.name}")
    if not convertible(given, spec.datatype):
        raise Refused(f"input '{spec.title}': datatype is {given.name}, the model takes {spec.datatype.name}")
    return given


def checked_shape(spec: TensorSpec, shape: object) -> tuple[int, ...]:
    """The request's shape as the model's: a missing or extra last dimension of 1 is forgiven where the model's is 1,
    or not there."""
    # A tensor without one row of its own has no shape either; true equals 1.
    if shape == spec.one_row and isinstance(shape, list) and bool not in map(type, shape):
        return spec.one_row_sizes
    if not isinstance(shape, list) or any(type(size) is not int or size < 0 for size in shape):
        raise Refused(f"input '{spec.title}': shape must be a list of sizes, whole numbers from 0 on")
    sizes: tuple[int, ...] = tuple(shape)
    if 0 in sizes:
        _require_modest(spec, sizes)
    if spec.any_rank:
        if len(sizes) > MAX_RANK:
            raise Refused(f"input '{spec.title}': shape has {len(sizes)} dimensions, at most {MAX_RANK} are taken")
        return sizes
    wanted = spec.shape
    if sizes and len(sizes) + 1 == len(wanted) and wanted[-1] == 1:
        sizes = (*sizes, 1)
    elif len(sizes) == len(wanted) + 1 and sizes[-1] == 1:
        sizes = sizes[:-1]
    if not _fits(sizes, wanted):
        raise Refused(f"input '{spec.title}': shape is {shape}, the model takes {list(wanted)}{_hint(sizes, wanted)}")
    return sizes


def _fits(sizes: tuple[int, ...], wanted: tuple[int, ...]) -> bool:
    return len(sizes) == len(wanted) and all(want in (-1, size) for size, want in zip(sizes, wanted, strict=True))


def _hint(sizes: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """What one dimension less may have meant."""
    one_row, one_each = (1, *sizes), (*sizes, 1)
    hints = [f"{list(one_row)} for one row"] if _fits(one_row, wanted) else []
    if len(sizes) == 1 and _fits(one_each, wanted):
        hints.append(f"{list(one_each)} for {sizes[0]} rows of one value")
    return f": write {', or '.join(hints)}" if hints else ""


def _require_modest(spec: TensorSpec, sizes: tuple[int, ...]) -> None:
    """A tensor without values takes no bytes, whatever its other dimensions: answers made of these do."""
    if math.prod(size for size in sizes if size) > MAX_EMPTY:
        raise Refused(f"input '{spec.title}': shape {list(sizes)} holds no values, and its other sizes are too large")


def from_json(spec: TensorSpec, data: object, sizes: tuple[int, ...], content_type: object = None) -> list[Any]:
    """Flat values, checked one by one in type and range."""
    if not isinstance(data, list):
        raise Refused(f"input '{spec.title}': data must be a list")
    if data and type(data[0]) is list:
        data = _flatten(spec, data, sizes)
    count = math.prod(sizes)
    if len(data) != count:
        raise Refused(f"input '{spec.title}': shape {list(sizes)} needs {count} values, got {len(data)}")
    datatype = spec.datatype
    if not datatype.accepts.issuperset(map(type, data)):
        data = _coerce(spec, data)
    if (
        datatype.bounds is not None
        and data
        and not (datatype.bounds[0] <= min(data) and max(data) <= datatype.bounds[1])
    ):
        _out_of_range(spec, data)
    return _from_base64(spec, data) if content_type == "base64" else data


def from_texts(spec: TensorSpec, column: Sequence[Values], rows: int) -> Sequence[Values]:
    """The rows that still are text as numbers; where several are, and no others, as one array of float64."""
    if len(column) > 1 and set(map(type, column)) == {bytes}:
        try:
            return [numbers_of(column, rows * (spec.fixed_row or 1))]  # type: ignore[arg-type]
        except ValueError:
            pass
    return [_from_text(spec, values) if isinstance(values, bytes) else values for values in column]


def numbers_of(texts: Sequence[bytes], count: int) -> np.ndarray[Any, Any]:
    """As float64. Raises `ValueError` if that is not all there is."""
    # No text can hold more than numbers and hide it among others: brackets and quotes make none wherever they end.
    try:
        parsed: Any = own.parser.parse(b"[%b]" % b",".join(texts))
        numbers = np.frombuffer(parsed.as_buffer(of_type="d"))
    except (TypeError, RuntimeError) as error:
        raise ValueError("not only numbers") from error
    if len(numbers) != count:
        raise ValueError(f"{len(numbers)} numbers instead of {count}")
    return numbers


def _from_text(spec: TensorSpec, text: bytes) -> list[Any]:
    json = b"[%b]" % text
    try:
        values = _float_row.decode(json)
        if len(values) == spec.fixed_row:
            return values
    except ValueError:  # which does not say what is wrong with what row
        pass
    try:
        return from_json(spec, orjson.loads(json), spec.one_row_sizes)
    except orjson.JSONDecodeError as error:
        raise no_json(f"input '{spec.title}': data", error) from None


def no_json(what: str, error: orjson.JSONDecodeError) -> Refused:
    """Several languages write numbers that JSON has not."""
    if _NO_NUMBER.match(error.doc, error.pos):
        instead = "JSON has no NaN or Infinity: write null for a missing number, or send the tensor as binary data"
        return Refused(f"{what} is no JSON at character {error.pos + 1}: {instead}")
    return Refused(f"{what} is no JSON: {error}")


def from_bytes(spec: TensorSpec, given: Datatype, raw: memoryview, sizes: tuple[int, ...]) -> Values:
    """Raw little-endian values, without a copy where the type allows; they may lie unaligned."""
    count = math.prod(sizes)
    if given.kind == "string":
        return _strings(spec, raw, count)
    if len(raw) != count * given.size:
        raise Refused(
            f"input '{spec.title}': {given.name} of shape {list(sizes)} has {count * given.size} bytes, got {len(raw)}"
        )
    if given.kind == "boolean":
        return np.frombuffer(raw, np.uint8).astype(bool)
    return as_datatype(spec, np.frombuffer(raw, given.numpy))


def as_datatype(spec: TensorSpec, values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Values in the model's own type, if nothing but precision is lost."""
    wanted = spec.datatype
    if values.dtype == wanted.numpy:
        return values
    if wanted.bounds is not None:
        _require_integers(spec, values, wanted.bounds)
    try:
        with np.errstate(over="raise", invalid="ignore"):
            return values.astype(wanted.numpy)
    except FloatingPointError:
        row = int(np.argmax(np.abs(values) > np.finfo(wanted.numpy).max))
        raise Refused(f"input '{spec.title}' row {_row(spec, row)}: out of range for {wanted.name}") from None


def _require_integers(spec: TensorSpec, values: np.ndarray[Any, Any], bounds: tuple[int, int]) -> None:
    # 2**63 itself is the first float above INT64, so the upper bound is exclusive and exact.
    wrong = ~((values >= bounds[0]) & (values < float(bounds[1]) + 1) & (np.trunc(values) == values))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise Refused(f"input '{spec.title}' row {_row(spec, row)}: {values[row]} is no {spec.datatype.name}")


def _flatten(spec: TensorSpec, data: list[Any], sizes: tuple[int, ...]) -> list[Any]:
    for depth, size in enumerate(sizes):
        if depth:
            for i, inner in enumerate(data):
                if type(inner) is not list or len(inner) != size:
                    raise Refused(f"input '{spec.title}': element {i} at depth {depth} is no list of {size} values")
            data = list(chain.from_iterable(data))
        elif len(data) != size:
            raise Refused(f"input '{spec.title}': shape says {size} rows, data has {len(data)}")
    return data


def _coerce(spec: TensorSpec, data: list[Any]) -> list[Any]:
    """What needs more than a look: null in text, whole numbers written as 3.0; anything else is refused."""
    kind = spec.datatype.kind
    if kind == "string":
        data = ["" if value is None else value for value in data]
    elif kind == "integer":
        data = [int(value) if type(value) is float and value.is_integer() else value for value in data]
    for i, value in enumerate(data):
        if type(value) not in spec.datatype.accepts:
            what = _NAMES.get(type(value), "a list")
            raise Refused(f"input '{spec.title}' row {_row(spec, i)}: {what} is no {spec.datatype.name}")
    return data


def _out_of_range(spec: TensorSpec, data: list[int]) -> NoReturn:
    low, high = spec.datatype.bounds or (0, 0)
    row = next(i for i, value in enumerate(data) if not low <= value <= high)
    raise Refused(f"input '{spec.title}' row {_row(spec, row)}: {data[row]} is out of range for {spec.datatype.name}")


def _from_base64(spec: TensorSpec, data: list[str]) -> list[str]:
    if spec.datatype.kind != "string":
        return data
    try:
        return [base64.b64decode(value, validate=True).decode() for value in data]
    except (binascii.Error, UnicodeDecodeError) as error:
        raise Refused(f"input '{spec.title}': content_type is base64, but the data is not: {error}") from None


def _strings(spec: TensorSpec, raw: memoryview, count: int) -> list[str]:
    """Each a 4-byte little-endian length and UTF-8 bytes."""
    if count * 4 > len(raw):
        raise Refused(f"input '{spec.title}': {count} values need at least {count * 4} bytes, got {len(raw)}")
    values, at = [], 0
    for row in range(count):
        end = at + 4
        start, end = end, end + int.from_bytes(raw[at:end], "little")
        if start > len(raw) or end > len(raw):
            raise Refused(f"input '{spec.title}' row {_row(spec, row)}: its length points beyond the tensor's bytes")
        try:
            values.append(str(raw[start:end], "utf-8"))
        except UnicodeDecodeError:
            raise Refused(f"input '{spec.title}' row {_row(spec, row)}: not UTF-8") from None
        at = end
    if at != len(raw):
        raise Refused(f"input '{spec.title}': {count} values take {at} bytes, got {len(raw)}")
    return values


def _row(spec: TensorSpec, index: int) -> int:
    return index // (spec.fixed_row or 1)
