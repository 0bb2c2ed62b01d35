"""Does an ONNX file keep weights outside itself? Found in its protobuf, without the onnx package.

The digest proves model.onnx and nothing beside it, so a model under a manifest must hold all its bytes.
"""

from collections.abc import Iterator

_NESTED = {
    "model": {7: "graph", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
}
_DATA_LOCATION, _EXTERNAL = 14, 1
MAX_DEPTH = 50


def has_external_data(model: bytes) -> bool:
    """Raises `ValueError` for bytes that are no protobuf, as far as they had to be read.

    Every reference to another file names its `location`, so most files need no more than one search: the nodes of
    large forests hold millions of numbers.
    """
    return b"location" in model and _external("model", memoryview(model), 0)


def _external(kind: str, message: memoryview, depth: int) -> bool:
    if depth > MAX_DEPTH:
        raise ValueError("nested too deeply")
    nested = _NESTED.get(kind, {})
    for number, value in _fields(message):
        if kind == "tensor":
            if number == _DATA_LOCATION and value == _EXTERNAL:
                return True
        elif isinstance(value, memoryview) and (inner := nested.get(number)) and _external(inner, value, depth + 1):
            return True
    return False


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value, at = _varint(message, at)
            yield number, value
        elif wire == 2:
            size, at = _varint(message, at)
            if at + size > len(message):
                raise ValueError("a field is longer than its message")
            yield number, message[at : at + size]
            at += size
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
        else:
            raise ValueError(f"unknown wire type {wire}")


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(message) and shift < 70:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError("a number without an end")
