"""Content-Encoding both ways: gzip and deflate, with an end to what a small body may grow to."""

import zlib

from modelward_serving.refusal import Refused

from .limits import raised

WORTH = 8 << 10
"""Replies below this many bytes cost more to compress than to send."""
ALWAYS = 1 << 20
MAX_RATIO = 100
"""A body may grow to this many times its size, and to `ALWAYS` bytes: rows of numbers shrink to a tenth, a bomb to a
thousandth, and what a client need not send must not cost the others seconds."""
_GZIP, _ZLIB, _RAW = 31, 15, -15


def decompress(body: bytes, encoding: bytes, limit: int) -> bytes:
    """Raises `Refused`, also for a body that grows beyond `limit` bytes, or beyond all proportion."""
    encoding = encoding.strip().lower()
    if encoding == b"identity":
        return body
    if encoding not in (b"gzip", b"x-gzip", b"deflate"):
        raise Refused(
            f"Content-Encoding {encoding.decode('latin-1')!r} is not supported; use gzip or deflate", status=415
        )
    most, limit = limit, min(limit, max(ALWAYS, MAX_RATIO * len(body)))
    window = _GZIP if encoding != b"deflate" else _ZLIB if _has_zlib_header(body) else _RAW
    stream = zlib.decompressobj(window)
    try:
        data = stream.decompress(body, limit + 1)
    except zlib.error as error:
        raise Refused(f"the body is no {encoding.decode()}: {error}") from None
    if len(data) > limit:
        raise Refused(
            f"the body is larger than {limit} bytes when decompressed{raised('body-bytes') if limit == most else ''}",
            status=413,
        )
    if not stream.eof or stream.unused_data:
        raise Refused(f"the body is no complete {encoding.decode()} stream")
    return data


def compress(body: bytes, accepted: bytes) -> tuple[bytes, bytes]:
    """The body and a header line, for a client that accepts compression and a body that is worth it."""
    if len(body) < WORTH:
        return body, b""
    offers = set(map(_offer, accepted.lower().split(b",")))
    for name, window in ((b"gzip", _GZIP), (b"deflate", _ZLIB)):
        if name in offers:
            stream = zlib.compressobj(1, zlib.DEFLATED, window)
            return stream.compress(body) + stream.flush(), b"content-encoding: %b\r\n" % name
    return body, b""


def _offer(part: bytes) -> bytes:
    """Empty for what is refused, as in `gzip; q=0.0`."""
    name, _, weight = part.partition(b";")
    return b"" if weight.strip().rstrip(b"0.") == b"q=" else name.strip()


def _has_zlib_header(body: bytes) -> bool:
    return len(body) > 1 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0
