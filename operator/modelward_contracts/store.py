"""The store: content-addressed blobs and a few named records, below any fsspec URL, one prefix per namespace.

    <url>/<namespace>/blobs/sha256/<hex>     immutable bytes; manifests are blobs of canonical JSON
    <url>/<namespace>/runs/… verdicts/…      records: small JSON, replaced as a whole
    <url>/<namespace>/traces/…               what was looked at in a rollout, compressed
    <url>/<namespace>/cache/…                records of what ingests have read before
    <url>/<namespace>/going/<hex>            for a moment: this blob is being taken away

Nothing is ever half-written: local files are written beside their place and renamed, object stores put whole objects.
Nothing is believed: every read is hashed, and a blob whose bytes differ from its name raises `DigestMismatch`. What is
there already is not written again, but is as young as if it were: see `put_bytes` and `take_away`.
"""

import hashlib
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from .manifests import BLOBS, Blob
from .storage.errors import BlobMissing, DigestMismatch, StoreDenied, StoreError, StoreFull, StoreUnavailable
from .storage.files import file_hash, renamed
from .storage.opening import failed, open_place
from .storage.place import Content, Found
from .wire import canonical, decode, sha256

__all__ = ["BlobMissing", "DigestMismatch", "Store", "StoreDenied", "StoreError", "StoreFull", "StoreUnavailable"]

T = TypeVar("T")
MAX_JSON = 64 << 20
GOING = "going/"
YOUNG = 1800.0
"""Seconds in which a blob is taken for written now. Nobody takes away what is younger than several times that."""
GONE = 300.0
"""Seconds after which whoever wanted to take a blob away has done so, or died."""
TRIES = 20
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Store:
    """One namespace's part of the store at `url`."""

    def __init__(self, url: str, namespace: str) -> None:
        self.url, self.namespace = url, namespace
        with self._io("opening"):
            self._place = open_place(url, _checked(namespace))

    def put_bytes(self, data: bytes) -> Blob:
        return self._put(Blob(digest=sha256(data), bytes=len(data)), data)

    def put_file(self, path: Path) -> Blob:
        return self._put(Blob(digest=file_digest(path), bytes=path.stat().st_size), path)

    def put_json(self, value: Any) -> Blob:
        return self.put_bytes(canonical(value))

    def get_bytes(self, digest: str, limit: int = MAX_JSON) -> bytes:
        return b"".join(self._verified(digest, limit))

    def get_file(self, digest: str, path: Path) -> None:
        """Write the blob to `path`, which exists only once all bytes are there and verified."""
        with renamed(path) as file:
            for chunk in self._verified(digest, None):
                file.write(chunk)

    def get_json(self, digest: str, shape: type[T]) -> T:
        try:
            return decode(self.get_bytes(digest), shape)
        except msgspec.DecodeError as error:
            raise StoreError(f"{digest} in the store is not a {shape.__name__}: {error}") from error

    def first_byte(self, digest: str) -> bytes:
        """Tells JSON from the rest. Nothing is verified."""
        with self._io("reading from"):
            try:
                return b"".join(self._place.read(_blob(digest), 1))
            except FileNotFoundError as error:
                raise BlobMissing(f"the store {self.url} holds no {digest} for {self.namespace}") from error

    def read_bytes(self, key: str) -> bytes | None:
        """What lies beside the records."""
        try:
            return b"".join(self._read(_record(key), f"record {key}"))
        except BlobMissing:
            return None

    def write_record(self, key: str, value: Any) -> None:
        self.write_bytes(key, canonical(value))

    def write_bytes(self, key: str, data: bytes) -> None:
        """Beside the records, with the ending that says what it is."""
        path = _record(key)
        with self._io("writing to"):
            self._place.write(path, data)

    def read_record(self, key: str, shape: type[T]) -> T | None:
        try:
            return decode(b"".join(self._read(_record(key), f"record {key}")), shape)
        except BlobMissing:
            return None
        except msgspec.DecodeError as error:
            raise StoreError(f"the record {key} in the store is not a {shape.__name__}: {error}") from error

    def update_record(self, key: str, shape: type[T], change: Callable[[T | None], T | None]) -> None:
        """Read and written as one step: `change` is asked again where somebody wrote in between. None leaves it."""
        path = _record(key)
        for _ in range(TRIES):
            with self._io("reading from"):
                found = self._place.read_tagged(path)
            try:
                value = change(decode(found[0], shape) if found else None)
            except msgspec.DecodeError as error:
                raise StoreError(f"the record {key} in the store is not a {shape.__name__}: {error}") from error
            if value is None:
                return
            with self._io("writing to"):
                if self._place.swap(path, canonical(value), found[1] if found else None):
                    return
        raise StoreUnavailable(f"the record {key} in the store {self.url} was written by others {TRIES} times in a row")

    def list(self, below: str = "") -> Iterator[Found]:
        """All that lies in the namespace's part of the store and begins with `below`, half-written things left out."""
        with self._io("listing"):
            yield from self._place.list(below)

    def take_away(self, digest: str, before: float) -> int:
        """Delete a blob that was not written since `before` (Unix time), and give its bytes, or 0.

        A writer of the same content may just have found it and believe it there. The mark under `going/` is made before
        the last look at the age; the writer makes the blob young before it looks for the mark. Whoever comes first, one
        of the two sees the other.
        """
        path, mark = _blob(digest), _going(digest)
        with self._io("deleting from"):
            self._place.write(mark, b"")
            found = self._place.find(path)
            old = found is not None and found.written < before
            if old:
                self._place.remove(path)
            self._place.remove(mark)
            return found.size if found and old else 0

    def forget(self, key: str) -> None:
        """Delete a record."""
        with self._io("deleting from"):
            self._place.remove(_record(key))

    def clear(self, before: float) -> int:
        """Take away what writers that died left half done. How many there were."""
        with self._io("deleting from"):
            for mark in self._place.list(GOING):
                if mark.written < before:
                    self._place.remove(mark.path)
            return self._place.clear(before)

    def _put(self, blob: Blob, content: Content) -> Blob:
        """What is there is not sent again. Somebody who saw it when it was old may be about to take it away: so it is
        made young and, once nobody can be at it any more, looked for again."""
        path = _blob(blob.digest)
        with self._io("writing to"):
            found = self._place.holds(path, content)
            age = time.time() - found.written if found else YOUNG
            if GONE < age < YOUNG:
                return blob
            if age >= YOUNG and not (found and self._place.renew(found)):
                self._place.write(path, content)
            if found:
                self._outlive(_going(blob.digest))
                if self._place.find(path) is None:
                    self._place.write(path, content)
        return blob

    def _outlive(self, mark: str) -> None:
        """Wait until nobody takes the blob away, for as long as the one who marked it can live."""
        while (found := self._place.find(mark)) and time.time() - found.written < GONE:
            time.sleep(0.2)

    def _verified(self, digest: str, limit: int | None) -> Iterator[bytes]:
        """The blob's chunks; raises after the last one if they were not what the digest says."""
        hashed, size = hashlib.sha256(), 0
        for chunk in self._read(_blob(digest), f"blob {digest}"):
            hashed.update(chunk)
            size += len(chunk)
            if limit is not None and size > limit:
                raise StoreError(f"{digest} in the store is larger than the {limit} bytes expected here")
            yield chunk
        if f"sha256:{hashed.hexdigest()}" != digest:
            raise DigestMismatch(
                f"the bytes of {digest} in the store {self.url} were changed: they hash to sha256:{hashed.hexdigest()}"
            )

    def _read(self, path: str, what: str) -> Iterator[bytes]:
        with self._io(f"reading {what} from"):
            chunks = self._place.read(path)
        while True:
            with self._io(f"reading {what} from"):
                try:
                    chunk = next(chunks, b"")
                except FileNotFoundError as error:
                    raise BlobMissing(f"the store {self.url} holds no {what} for {self.namespace}") from error
            if not chunk:
                return
            yield chunk

    @contextmanager
    def _io(self, doing: str) -> Iterator[None]:
        """Places raise errors of many libraries; all but ours mean that the store cannot be used now."""
        try:
            yield
        except StoreError:
            raise
        except Exception as error:
            raise failed(error, doing, self.url) from error


def file_digest(path: Path) -> str:
    return f"sha256:{file_hash(path)}"


def _blob(digest: str) -> str:
    return BLOBS + _hex(digest)


def _going(digest: str) -> str:
    return GOING + _hex(digest)


def _hex(digest: str) -> str:
    match = _DIGEST.fullmatch(digest)
    if match is None:
        raise StoreError(f"{digest!r} is not a digest: it reads sha256: and 64 hexadecimal digits")
    return match[1]


def _record(key: str) -> str:
    return "/".join(map(_checked, key.split("/")))


def _checked(part: str) -> str:
    if not _PART.fullmatch(part):
        raise StoreError(f"{part!r} is no part of a name in the store")
    return part
