"""The store: content-addressed blobs and a few named records, below any fsspec URL, one prefix per namespace.

    <url>/<namespace>/blobs/sha256/<hex>     immutable bytes; manifests are blobs of canonical JSON
    <url>/<namespace>/runs/… verdicts/…      records: small JSON, replaced as a whole
    <url>/<namespace>/traces/…               what was looked at in a rollout, compressed

Nothing is ever half-written: local files are written beside their place and renamed, object stores put whole objects.
Nothing is believed: every read is hashed, and a blob whose bytes differ from its name raises `DigestMismatch`.

    StoreError
     ├─ DigestMismatch      somebody changed the bytes: don't retry
     ├─ BlobMissing         no such blob: don't retry
     └─ StoreUnavailable    unreachable, forbidden, I/O error: retry
         └─ StoreFull       no space left
"""

import errno
import hashlib
import os
import re
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from .manifests import Blob
from .wire import canonical, decode, sha256

T = TypeVar("T")
CHUNK = 1 << 20
MAX_JSON = 64 << 20
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class StoreError(Exception):
    """One sentence for a person."""


class DigestMismatch(StoreError):
    pass


class BlobMissing(StoreError):
    pass


class StoreUnavailable(StoreError):
    pass


class StoreFull(StoreUnavailable):
    pass


class Store:
    """One namespace's part of the store at `url`."""

    def __init__(self, url: str, namespace: str) -> None:
        self.url, self.namespace = url, namespace
        with self._io("opening"):
            # Imported here because a caller that only handles the errors never needs it, and it is slow to import.
            from fsspec.core import url_to_fs

            self._fs, root = url_to_fs(url)
        self._local = "file" in _protocols(self._fs)
        self._root = f"{root.rstrip('/')}/{_checked(namespace)}"

    def put_bytes(self, data: bytes) -> Blob:
        digest = sha256(data)
        self._write(self._blob(digest), [data])
        return Blob(digest=digest, bytes=len(data))

    def put_file(self, path: Path) -> Blob:
        digest = file_digest(path)
        with path.open("rb") as file:
            self._write(self._blob(digest), iter(lambda: file.read(CHUNK), b""))
        return Blob(digest=digest, bytes=path.stat().st_size)

    def put_json(self, value: Any) -> Blob:
        return self.put_bytes(canonical(value))

    def get_bytes(self, digest: str, limit: int = MAX_JSON) -> bytes:
        return b"".join(self._verified(digest, limit))

    def get_file(self, digest: str, path: Path) -> None:
        """Write the blob to `path`, which exists only once all bytes are there and verified."""
        with _renamed(path) as file:
            for chunk in self._verified(digest, None):
                file.write(chunk)

    def get_json(self, digest: str, shape: type[T]) -> T:
        try:
            return decode(self.get_bytes(digest), shape)
        except msgspec.DecodeError as error:
            raise StoreError(f"{digest} in the store is not a {shape.__name__}: {error}") from error

    def write_record(self, key: str, value: Any) -> None:
        self._write(self._record(key), [canonical(value)])

    def write_bytes(self, key: str, data: bytes) -> None:
        """Beside the records, with the ending that says what it is."""
        self._write(self._record(key), [data])

    def read_record(self, key: str, shape: type[T]) -> T | None:
        try:
            return decode(b"".join(self._read(self._record(key), f"record {key}")), shape)
        except BlobMissing:
            return None
        except msgspec.DecodeError as error:
            raise StoreError(f"the record {key} in the store is not a {shape.__name__}: {error}") from error

    def _blob(self, digest: str) -> str:
        match = _DIGEST.fullmatch(digest)
        if match is None:
            raise StoreError(f"{digest!r} is not a digest: it reads sha256: and 64 hexadecimal digits")
        return f"{self._root}/blobs/sha256/{match[1]}"

    def _record(self, key: str) -> str:
        return "/".join([self._root, *map(_checked, key.split("/"))])

    def _verified(self, digest: str, limit: int | None) -> Iterator[bytes]:
        """The blob's chunks; raises after the last one if they were not what the digest says."""
        hashed, size = hashlib.sha256(), 0
        for chunk in self._read(self._blob(digest), f"blob {digest}"):
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
            try:
                file = self._fs.open(path, "rb")
            except FileNotFoundError as error:
                raise BlobMissing(f"the store {self.url} holds no {what} for {self.namespace}") from error
        with file:
            while True:
                with self._io(f"reading {what} from"):
                    chunk = file.read(CHUNK)
                if not chunk:
                    return
                yield chunk

    def _write(self, path: str, chunks: Iterable[bytes]) -> None:
        with self._io("writing to"), _renamed(Path(path)) if self._local else self._fs.open(path, "wb") as file:
            file.writelines(chunks)

    @contextmanager
    def _io(self, doing: str) -> Iterator[None]:
        """Object stores raise errors of many libraries; all but ours mean that the store cannot be used now."""
        try:
            yield
        except StoreError:
            raise
        except Exception as error:
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StoreFull(f"the store {self.url} is full: enlarge its volume or remove what is unused") from error
            raise StoreUnavailable(f"{doing} the store {self.url} failed: {error}") from error


def file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


@contextmanager
def _renamed(path: Path) -> Iterator[Any]:
    """A file beside `path` that takes its place when the block ends well, and leaves nothing when it does not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with part.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        raise


def _protocols(fs: Any) -> tuple[str, ...]:
    return (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)


def _checked(part: str) -> str:
    if not _PART.fullmatch(part):
        raise StoreError(f"{part!r} is no part of a name in the store")
    return part
