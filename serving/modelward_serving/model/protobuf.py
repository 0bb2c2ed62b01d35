"""An ONNX file read as protobuf, without the onnx package, whose objects take many times the file's size."""

from collections.abc import Iterator

Field = tuple[int, int | memoryview]
"""Its number, and a number or bytes: a message, text or packed numbers."""


def fields(message: memoryview) -> Iterator[Field]:
    """Raises `ValueError` for bytes that are no protobuf, as far as they had to be read. Fixed-width numbers, which
    nobody here asks for, are left out."""
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
                raise ValueError("a field is longer than its message: the file may be cut off")
            yield number, message[at : at + size]
            at += size
        elif wire in (1, 5):
            at += 8 if wire == 1 else 4
        else:
            raise ValueError(f"unknown wire type {wire}")


def messages(message: memoryview, number: int) -> Iterator[memoryview]:
    """The fields of one number that are messages or text."""
    for found, value in fields(message):
        if found == number and isinstance(value, memoryview):
            yield value


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
