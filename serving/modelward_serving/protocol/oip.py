"""Open Inference Protocol v2 requests: from a body's bytes to checked values, without any I/O."""

import math
from contextlib import suppress
from itertools import accumulate
from operator import mul
from typing import Any

import numpy as np
import orjson
import simdjson

from modelward_serving.refusal import Refused

from .inference import Inference, Wanted, all_outputs
from .interface import Interface, TensorSpec, has_rows, listed
from .tensors import Values, as_datatype, checked_shape, from_bytes, from_json, given_datatype, no_json, own
from .usual import COUNTED, RawRequests, usual_reader

LARGE = 3_000
"""From this many bytes on, numbers go from text to an array without becoming Python objects."""
EXACT = 2.0**53
"""Integers from here on lose digits as floats, so they keep the exact way."""

_BOM = b"\xef\xbb\xbf"
_CLASSIFICATION = "all scores are answered, the client takes the largest"
_SHARED_MEMORY = "send tensors in the body, as JSON or binary data"
_STATELESS = "this server keeps nothing from one request to the next, send what a sequence needs as inputs"
_NOT_HERE = {
    "classification": _CLASSIFICATION,
    "class_count": _CLASSIFICATION,
    **dict.fromkeys(("shared_memory_region", "shared_memory_offset", "shared_memory_byte_size"), _SHARED_MEMORY),
    **dict.fromkeys(("sequence_id", "sequence_start", "sequence_end"), _STATELESS),
}
"""Parameters of the protocol's extensions that ask for another answer than the one they would get, and what to do."""


class Parser:
    """Turns bodies into `Inference`s of one model."""

    def __init__(self, interface: Interface) -> None:
        self._interface = interface
        self._plain = all_outputs(interface, binary=False)
        self._binary = all_outputs(interface, binary=True)
        self._fixed = has_rows(interface)
        self.usual = usual_reader(interface, self._plain)
        """What most send as JSON; None for all else."""
        self._raw = RawRequests(interface)

    def parse(self, body: bytes, header_length: int | None = None) -> Inference:
        if header_length is None:
            if (usual := self.usual(body)) is not None:
                return usual
            return self._request(_load(body), memoryview(b""))
        if 0 < header_length <= len(body):
            if (known := self._raw.read(body, header_length)) is not None:
                return known
            header = body[:header_length]
            top = _load(header)
            inference = self._request(top, memoryview(body)[header_length:])
            self._raw.learn(header, top, inference)
            return inference
        if header_length == 0:
            raise Refused("a body without a JSON header (raw binary data) is not supported", status=501)
        raise Refused(f"Inference-Header-Content-Length is {header_length}, the body has {len(body)} bytes")

    def _request(self, top: Any, raw: memoryview) -> Inference:
        if type(top) is not dict:
            raise Refused("the body must be a JSON object with 'inputs'")
        tensors = top.get("inputs")
        if not self._interface.inputs and tensors is None:
            tensors = []
        if type(tensors) is not list or not (tensors or not self._interface.inputs):
            raise Refused("the body must have 'inputs', a list of tensors")
        parameters = _parameters(top) if "parameters" in top else None
        request_id = top.get("id")
        if request_id is not None and type(request_id) is not str:
            raise Refused("'id' must be text")
        values, shapes = self._inputs(tensors, raw)
        rows = self._rows(shapes)
        wanted = self._wanted(top["outputs"], parameters) if "outputs" in top else self._default(parameters)
        return Inference(
            id=request_id,
            rows=rows,
            values=values,
            shapes=self._shapes(shapes),
            wanted=wanted,
            timeout=_timeout(parameters) if parameters else None,
            common=rows == 1 and wanted is self._plain and request_id is None,
        )

    def _inputs(self, tensors: list[Any], raw: memoryview) -> tuple[list[Values], list[tuple[int, ...]]]:
        specs, index = self._interface.inputs, self._interface.input_index
        values: list[Any] = [None] * len(specs)
        shapes: list[tuple[int, ...] | None] = [None] * len(specs)
        for tensor in tensors:
            if type(tensor) is not dict:
                raise Refused("each of 'inputs' must be an object")
            name = tensor.get("name")
            at = index.get(name) if type(name) is str else None
            if at is None:
                raise Refused(f"unknown input {name!r}; the model takes {listed(specs)}")
            spec = specs[at]
            if shapes[at] is not None:
                raise Refused(f"input '{spec.title}' is given twice")
            shapes[at] = sizes = checked_shape(spec, tensor.get("shape"))
            values[at], raw = _values(spec, tensor, sizes, raw)
        if None in shapes:
            missing = [spec for spec, shape in zip(specs, shapes, strict=True) if shape is None]
            raise Refused(f"inputs are missing: {listed(missing)}")
        if len(raw):
            raise Refused(f"{len(raw)} bytes after the last tensor belong to none")
        return values, [shape for shape in shapes if shape is not None]

    def _shapes(self, shapes: list[tuple[int, ...]]) -> tuple[tuple[int, ...], ...] | None:
        """Of rows where they run together, else whole."""
        if not self._interface.batches:
            return tuple(shapes)
        return None if self._fixed else tuple(shape[1:] for shape in shapes)

    def _rows(self, shapes: list[tuple[int, ...]]) -> int:
        rows = shapes[0][0] if shapes and shapes[0] else 1
        if self._interface.batches and len(shapes) > 1:
            for spec, shape in zip(self._interface.inputs, shapes, strict=True):
                if shape[0] != rows:
                    first = self._interface.inputs[0].title
                    raise Refused(f"input '{spec.title}' has {shape[0]} rows, '{first}' has {rows}")
        return rows

    def _default(self, parameters: dict[str, Any] | None) -> Wanted:
        """All outputs."""
        return self._binary if parameters and _flag(parameters, "binary_data_output", False) else self._plain

    def _wanted(self, outputs: Any, parameters: dict[str, Any] | None) -> Wanted:
        binary = self._default(parameters).binary
        if not outputs:
            return self._default(parameters)
        if type(outputs) is not list:
            raise Refused("'outputs' must be a list")
        chosen: dict[int, bool] = {}
        for output in outputs:
            name = output.get("name") if type(output) is dict else None
            at = self._interface.output_index.get(name) if type(name) is str else None
            if at is None:
                raise Refused(f"unknown output {name!r}; the model gives {listed(self._interface.outputs)}")
            if at in chosen:
                raise Refused(f"output {name!r} is asked for twice")
            chosen[at] = _flag(_parameters(output) or {}, "binary_data", binary)
        return Wanted(tuple(chosen.items()), any(chosen.values()))


def _values(spec: TensorSpec, tensor: dict[str, Any], sizes: tuple[int, ...], raw: memoryview) -> Any:
    """The tensor's values, and the raw bytes that are left for the next."""
    name = tensor.get("datatype")
    given = spec.datatype if name == spec.datatype.name else given_datatype(spec, name)
    parameters = _parameters(tensor) if "parameters" in tensor else None
    size = parameters.get("binary_data_size") if parameters else None
    if size is None:
        data = tensor.get("data")
        if isinstance(data, np.ndarray):
            return _from_buffer(spec, data, sizes), raw
        return from_json(spec, data, sizes, parameters.get("content_type") if parameters else None), raw
    if type(size) is not int or not 0 <= size <= len(raw):
        raise Refused(f"input '{spec.title}': binary_data_size is {size!r}, {len(raw)} bytes are left in the body")
    if "data" in tensor:
        raise Refused(f"input '{spec.title}' has both data and binary_data_size")
    return from_bytes(spec, given, raw[:size], sizes), raw[size:]


def _from_buffer(spec: TensorSpec, data: np.ndarray[Any, Any], sizes: tuple[int, ...]) -> Values:
    """`data`: nested as it came. Floats become the model's own type when they run, many rows at once."""
    nested_otherwise = data.ndim > 1 and data.shape != sizes
    if nested_otherwise or data.size != math.prod(sizes) or spec.datatype.kind not in ("float", "integer"):
        return from_json(spec, data.tolist(), sizes)
    return data.ravel() if spec.datatype.kind == "float" else as_datatype(spec, data.ravel())


def load_json(text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise no_json("the body", error) from None


def _load(header: bytes) -> Any:
    if LARGE <= len(header) <= COUNTED and (top := _load_large(header)) is not None:
        return top
    return load_json(header)


def _load_large(header: bytes) -> dict[str, Any] | None:
    """Tensors of plain numbers as float64 arrays; None where the general way must decide (and word the error)."""
    top: Any = None
    try:
        if header.startswith(_BOM):
            return None
        top = _object(own.parser.parse(header))
        request = {
            key: top[key].as_dict() if key == "parameters" else _plain(top[key]) for key in top if key != "inputs"
        }
        request["inputs"] = [_large_tensor(_object(tensor)) for tensor in top["inputs"]]
        _require_unique(top, request)
        arrays = any(isinstance(tensor.get("data"), np.ndarray) for tensor in request["inputs"])
        if arrays and np.count_nonzero(np.frombuffer(header, np.uint8) == ord("[")) != _opened(request):
            return None
    except (ValueError, TypeError, LookupError, AttributeError, RuntimeError, RecursionError):
        return None
    finally:
        top = None
    return request


def _large_tensor(tensor: Any) -> dict[str, Any]:
    result = {key: _plain(tensor[key]) for key in tensor if key != "data"}
    if "data" in tensor:
        result["data"] = _large_data(tensor["data"], result)
    _require_unique(tensor, result)
    return result


def _large_data(data: Any, tensor: dict[str, Any]) -> Any:
    if str(tensor.get("datatype")).startswith("FP"):
        sizes = _nesting(data)
        with suppress(TypeError, ValueError):
            values = np.frombuffer(data.as_buffer(of_type="d"))
            exact = np.maximum.reduce(values) < EXACT and np.minimum.reduce(values) > -EXACT
            if exact and _even(data, sizes):
                return values.reshape(sizes)
    return _plain(data)


def _nesting(data: Any) -> list[int]:
    """Sizes by the first list of each depth."""
    sizes = [len(data)]
    while isinstance(data[0], simdjson.Array):
        data = data[0]
        sizes.append(len(data))
    return sizes


def _even(data: Any, sizes: list[int]) -> bool:
    """A buffer forgets where lists began and ended, so this must be known to be right. The innermost may still hold
    lists of one value each: `_opened` tells."""
    if len(sizes) > 2:
        return len(data) == sizes[0] and all(_even(row, sizes[1:]) for row in data)
    return len(data) == sizes[0] and (len(sizes) == 1 or set(map(len, data)) == {sizes[1]})


def _opened(value: Any) -> int:
    """How many lists there are in a value."""
    if isinstance(value, np.ndarray):
        return 1 + int(sum(accumulate(value.shape[:-1], mul)))
    if type(value) is list:
        return 1 + (sum(map(_opened, value)) if not {list, dict}.isdisjoint(map(type, value)) else 0)
    return sum(map(_opened, value.values())) if isinstance(value, dict) else 0


def _require_unique(holder: Any, taken: dict[str, Any]) -> None:
    """Of a name given twice simdjson finds the first value, orjson the last."""
    if len(taken) != len(holder):
        raise KeyError


def _object(value: Any) -> Any:
    """An array would be indexed by what it holds, whatever its size."""
    if not isinstance(value, simdjson.Object):
        raise TypeError
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, simdjson.Array):
        return value.as_list()
    return value.as_dict() if isinstance(value, simdjson.Object) else value


def _parameters(holder: dict[str, Any]) -> dict[str, Any] | None:
    parameters = holder.get("parameters")
    if parameters is not None and type(parameters) is not dict:
        raise Refused("'parameters' must be an object")
    if parameters and not _NOT_HERE.keys().isdisjoint(parameters):
        for name, instead in _NOT_HERE.items():
            if parameters.get(name):
                raise Refused(f"parameter '{name}' is not supported: {instead}")
    return parameters


def _flag(parameters: dict[str, Any], name: str, default: bool) -> bool:
    value = parameters.get(name, default)
    if type(value) is not bool:
        raise Refused(f"parameter '{name}' must be true or false")
    return value


def _timeout(parameters: dict[str, Any]) -> float | None:
    """Triton's `timeout`, in microseconds; 0 for none."""
    timeout = parameters.get("timeout")
    if timeout is not None and (type(timeout) is not int or timeout < 0):
        raise Refused("parameter 'timeout' must be a whole number of microseconds")
    return timeout / 1e6 if timeout else None
