"""One JSON form for everything that is hashed, stored or sent."""

import hashlib
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


class Wire(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of every shape in this package."""


_canonical = msgspec.json.Encoder(order="sorted")


def canonical(value: Any) -> bytes:
    """The one JSON encoding that digests are taken of: sorted keys, no spaces, UTF-8."""
    return _canonical.encode(value)


def decode(data: bytes | str, shape: type[T]) -> T:
    """Parse JSON as `shape`. Raises `msgspec.DecodeError` or its subclass `ValidationError` (names the path)."""
    return msgspec.json.decode(data, type=shape)


def sha256(data: bytes) -> str:
    """Digest as it is written everywhere: `sha256:` and 64 hexadecimal digits."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def digest_of(value: Any) -> str:
    """Digest of a value's canonical JSON."""
    return sha256(canonical(value))
