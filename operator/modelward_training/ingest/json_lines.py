"""JSON lines: one object a line (RFC 8259, UTF-8), taken strictly. A line is ended by a line feed; blank ones are none.

Numbers keep the text that they are written in, objects and lists within a value their JSON. NaN and Infinity, which
Python writes and JSON does not know, are taken as numbers: they come out as missing, which is told.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from modelward_training.outcome import JobError

from .packed import UNREADABLE, beginning, opened, unreadable
from .source import Found

MAX_LINE = 1 << 24
_BOM = b"\xef\xbb\xbf"
_WIDE = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_SURROGATE = re.compile("[\ud800-\udfff]")


class Number(str):
    """As it is written."""

    __slots__ = ()


class Nested(str):
    """An object or a list, as JSON."""

    __slots__ = ()


class _Pairs(list[tuple[str, Any]]):
    """An object's keys and values as they come."""


_decode = msgspec.json.Decoder(float_hook=Number).decode
_parts = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def objects(file: Found) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each line's length in bytes and its object, of text, int, bool, None, Number and Nested."""
    for number, line in _lines(file):
        yield len(line), _object(file, number, line)


def line_of(file: Found, row: int) -> int:
    """The line of the object with this number, from 0."""
    return next(number for nth, (number, _) in enumerate(_lines(file)) if nth == row)


def _lines(file: Found) -> Iterator[tuple[int, bytes]]:
    if beginning(file).startswith(_WIDE):
        raise JobError(
            "InvalidFile", f"{file.name} is UTF-16 or UTF-32, and JSON lines are UTF-8: write it anew with `iconv`"
        )
    number, first = 0, True
    try:
        with opened(file) as stream:
            while line := stream.readline(MAX_LINE + 1):
                number += 1
                if number == 1:
                    line = line.removeprefix(_BOM)
                if not (content := line.strip(b" \t\r\n")):
                    continue
                if first and content.startswith(b"["):
                    raise JobError(
                        "InvalidFile",
                        f"{file.name} is JSON, not JSON lines: it begins with a list. One object a line is what "
                        "`jq -c '.[]'` makes of it",
                    )
                if len(line) > MAX_LINE:
                    raise JobError("InvalidFile", f"{file.name}, line {number} is longer than 16 MiB: {_ONE}")
                first = False
                yield number, line
    except UNREADABLE as error:
        raise unreadable(file, error) from error


_ONE = "JSON lines hold one object a line, which `jq -c .` makes of other JSON"


def _object(file: Found, number: int, line: bytes) -> dict[str, Any]:
    try:
        read: Any = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        read = None
    plain = type(read) is dict and _keys_differ(line, len(read))
    found: dict[str, Any] = read if plain else _slowly(file, number, line)
    if b"\\u0000" in line or line.count(b"{") > 1 or b"[" in line:  # seldom
        _values(file, number, line, found)
    return found


def _values(file: Found, number: int, line: bytes, found: dict[str, Any]) -> None:
    for key, value in found.items():
        if type(value) is str and "\0" in value:
            raise _fault(file, number, f"the value of {_shown(key)} holds a NUL character: the data is damaged")
        if isinstance(value, (dict, list)):
            found[key] = _nested(file, number, line, key)


def _keys_differ(line: bytes, keys: int) -> bool:
    """Whether a line that was read as so many keys surely holds no other: there are no more colons, or none that ends
    a key. What is not sure is read slowly.
    """
    if line.count(b":") == keys:
        return True
    apart = any(space in line for space in (b" :", b"\t:", b"\r:"))
    return not apart and line.count(b'":') == keys


def _slowly(file: Found, number: int, line: bytes) -> dict[str, Any]:
    """The object, or what is wrong with it: with Python's own parser, which tells pairs and places."""
    try:
        text = line.decode().strip(" \t\r\n")
    except UnicodeDecodeError as error:
        byte = f"byte 0x{line[error.start]:02x}"
        raise _fault(
            file, number, f"the text is not UTF-8 and cannot be decoded ({byte}): JSON lines are UTF-8"
        ) from error
    try:
        found = _tolerant.decode(text)
    except json.JSONDecodeError as error:
        raise _fault(file, number, _said(error, text, line)) from error
    except RecursionError as error:
        raise _fault(file, number, "objects or lists are nested too deeply") from error
    if not isinstance(found, _Pairs):
        what = "a list" if isinstance(found, list) else "a text" if type(found) is str else "a single value"
        raise _fault(file, number, f"{what} stands where an object is expected: {_ONE}")
    keys: set[str] = set()
    for key, value in found:
        if key in keys:
            raise _fault(file, number, f"the key {_shown(key)} stands twice in one object: which value is meant?")
        keys.add(key)
        if _SURROGATE.search(key) or (isinstance(value, str) and _SURROGATE.search(value)):
            raise _fault(file, number, f"the key or value {_shown(key)} holds half of a surrogate pair (\\ud800 …)")
    return dict(found)


def _integer(text: str) -> Number | int:
    return int(text) if len(text) < 20 else Number(text)


_tolerant = json.JSONDecoder(
    object_pairs_hook=_Pairs, parse_float=Number, parse_int=_integer, parse_constant=Number, strict=True
)


def _nested(file: Found, number: int, line: bytes, key: str) -> Nested:
    try:
        return Nested(bytes(_parts(line)[key]).decode())
    except (msgspec.DecodeError, RecursionError) as error:
        raise _fault(file, number, f"the value of {_shown(key)} is nested and holds what is no JSON (NaN?)") from error


def _said(error: json.JSONDecodeError, text: str, line: bytes) -> str:
    if error.pos >= len(text) or error.msg.startswith("Unterminated string"):
        if line.endswith(b"\n"):
            return f"the line ends within an object: {_ONE}"
        return "the file ends within an object: it was not copied or written to the end"
    return f"this is no JSON at character {error.pos + 1} ({error.msg})"


def _fault(file: Found, number: int, what: str) -> JobError:
    return JobError("InvalidFile", f"{file.name}, line {number}: {what}")


def _shown(text: str) -> str:
    return repr(text[:40])
