"""A place in an S3 bucket: whole objects only, proven by MD5 on their way and by size once they are there.

What passes (a server that is away, restarts or is overloaded) is waited for, up to `PATIENCE`; nothing else is. An
upload in parts that fails is aborted; one whose process was killed is seen by nobody, and `clear` takes it away.
"""

import asyncio
import hashlib
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import suppress
from email.utils import parsedate_to_datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from .access import Access
from .place import Content, Found, size_of
from .s3_errors import code_of, explained, passes

T = TypeVar("T")
PATIENCE = 90.0
"""Seconds for one request with all its repetitions, beside the time that the last one takes."""
PART = 16 << 20
MOST_PARTS = 9_000
"""S3 allows 10,000."""
MOST_COPIED = 5 << 30
"""By one request, as S3 has it."""
STREAMS = 4
CHANGED = {"PreconditionFailed", "412", "ConditionalRequestConflict", "409", "NoSuchKey", "404"}
"""Codes of a conditional write that came too late."""
CONDITIONLESS = {"NotImplemented", "501"}
CONFIG = {
    "connect_timeout": 10,
    "read_timeout": 60,
    # Repetitions are ours: two layers of them multiply.
    "retries": {"mode": "standard", "total_max_attempts": 1},
    # Many servers beside AWS's do not take the checksums that botocore adds by default.
    "request_checksum_calculation": "when_required",
    "response_checksum_validation": "when_required",
}


class Bucket:
    def __init__(self, bucket: str, prefix: str, access: Access) -> None:
        # Imported here because who keeps data elsewhere never needs it, and it is slow to import.
        from s3fs import S3FileSystem

        self._bucket, self._prefix, self._access = bucket, prefix, access
        # Nothing is remembered of what was there: another process may have changed it.
        self._fs = S3FileSystem(
            **access.options(), config_kwargs=CONFIG, skip_instance_cache=True, use_listings_cache=False
        )
        self._fs.retries = 1

    def read(self, path: str, most: int | None = None) -> Iterator[bytes]:
        """In ranges, so that a connection that breaks costs one of them."""
        if most is not None:
            yield self._run(path, partial(self._range, path, 0, most))[0]
            return
        start, size = 0, 1
        while start < size:
            chunk, size, _ = self._run(path, partial(self._range, path, start))
            start += len(chunk)
            yield chunk

    def read_tagged(self, path: str) -> tuple[bytes, str] | None:
        try:
            data, size, tag = self._run(path, partial(self._range, path, 0))
        except FileNotFoundError:
            return None
        return (data, tag) if len(data) == size else (b"".join(self.read(path)), tag)

    def find(self, path: str) -> Found | None:
        try:
            return self._found(path, self._run(path, partial(self._head, path)))
        except FileNotFoundError:
            return None

    def holds(self, path: str, content: Content) -> Found | None:
        """Told by size and, where the server makes the tag of the content alone, by MD5."""
        try:
            head = self._run(path, partial(self._head, path))
        except FileNotFoundError:
            return None
        tag = head.get("ETag", "").strip('"')
        plain = len(tag) == 32 and head.get("ServerSideEncryption") != "aws:kms"
        size = size_of(content)
        if head["ContentLength"] != size or (plain and size < 2 * PART and tag != _md5(_all(content)).hex()):
            return None
        return self._found(path, head)

    def write(self, path: str, content: Content) -> None:
        size = size_of(content)
        if isinstance(content, bytes) or size < 2 * PART:
            self._run(path, partial(self._put, path, _all(content)))
        else:
            self._run(path, partial(self._put_parts, path, content, size), again=False)

    def swap(self, path: str, data: bytes, tag: str | None) -> bool:
        condition = {"IfNoneMatch": "*"} if tag is None else {"IfMatch": tag}
        try:
            self._run(path, partial(self._put, path, data, **condition), explain=False)
        except Exception as error:
            code = code_of(error)
            if code in CONDITIONLESS:
                self.write(path, data)
                return True
            if code in CHANGED:
                return False
            raise self._explained(error, path) from error
        return True

    def renew(self, found: Found) -> bool:
        """By a copy onto itself, which not every server takes for a new object."""
        if found.size > MOST_COPIED:
            return False
        source = {"Bucket": self._bucket, "Key": self._key(found.path)}
        copy = {"CopySource": source, "MetadataDirective": "REPLACE"}
        with suppress(FileNotFoundError):
            before = self._run(found.path, partial(self._head, found.path))
            self._run(found.path, partial(self._call, "copy_object", found.path, **copy))
            after = self._run(found.path, partial(self._head, found.path))
            return bool(after["LastModified"] > before["LastModified"])
        return False

    def list(self, below: str = "") -> Iterator[Found]:
        more: dict[str, str] = {}
        while True:
            page = self._run(below, partial(self._page, "list_objects_v2", below, **more))
            skew = _skew(page)
            for each in page.get("Contents", []):
                path = each["Key"].removeprefix(self._key(""))
                if path and not path.endswith("/"):  # what some tools put there for a folder
                    yield Found(path, each["Size"], each["LastModified"].timestamp() + skew)
            if not page.get("IsTruncated"):
                return
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def remove(self, path: str) -> None:
        with suppress(FileNotFoundError):
            self._run(path, partial(self._call, "delete_object", path))

    def clear(self, before: float) -> int:
        """Uploads in parts that nobody goes on with: they cost money and are seen nowhere."""
        page, cleared = self._run("", partial(self._page, "list_multipart_uploads", "")), 0
        for each in page.get("Uploads", []):
            path, upload = each["Key"].removeprefix(self._key("")), each["UploadId"]
            if each["Initiated"].timestamp() + _skew(page) < before:
                with suppress(FileNotFoundError):
                    self._run(path, partial(self._call, "abort_multipart_upload", path, UploadId=upload))
                    cleared += 1
        return cleared

    async def _range(self, path: str, start: int, length: int = PART) -> tuple[bytes, int, str]:
        """Bytes from `start`, the size of the whole, and its tag."""
        try:
            answer = await self._call("get_object", path, Range=f"bytes={start}-{start + length - 1}")
        except OSError as error:
            if start == 0 and code_of(error) in ("InvalidRange", "416"):  # it is empty
                head = await self._head(path)
                return b"", head["ContentLength"], head.get("ETag", "")
            raise
        async with answer["Body"] as body:
            data = await body.read()
        size = int(answer.get("ContentRange", f"/{len(data)}").rsplit("/", 1)[1])
        return data, size, answer.get("ETag", "")

    async def _head(self, path: str) -> Any:
        try:
            return await self._call("head_object", path)
        except OSError as error:
            if code_of(error) not in ("403", "400"):
                raise
        # The answer to HEAD has no body that could say why.
        answer = await self._call("get_object", path, Range="bytes=0-0")
        answer["Body"].close()
        return await self._call("head_object", path)

    async def _put(self, path: str, data: bytes, **condition: str) -> None:
        await self._call("put_object", path, Body=data, ContentMD5=b64encode(_md5(data)).decode(), **condition)

    async def _put_parts(self, path: str, source: Path, size: int) -> None:
        upload = (await self._patiently(partial(self._call, "create_multipart_upload", path)))["UploadId"]
        try:
            with source.open("rb") as file:
                parts = [part async for part in self._parts(path, upload, file, max(PART, -(-size // MOST_PARTS)))]
            done = {"UploadId": upload, "MultipartUpload": {"Parts": parts}}
            await self._patiently(partial(self._complete, path, size, done))
        except BaseException:
            with suppress(Exception):
                await self._call("abort_multipart_upload", path, UploadId=upload)
            raise

    async def _parts(self, path: str, upload: str, file: BinaryIO, size: int) -> AsyncIterator[dict[str, Any]]:
        """A few at a time, which bounds the memory."""
        number = 1
        while batch := [chunk for _ in range(STREAMS) if (chunk := file.read(size))]:
            sent = await asyncio.gather(
                *(self._part(path, upload, n, chunk) for n, chunk in enumerate(batch, number)), return_exceptions=True
            )
            for part in sent:
                if isinstance(part, BaseException):
                    raise part
                yield part
            number += len(batch)

    async def _part(self, path: str, upload: str, number: int, data: bytes) -> dict[str, Any]:
        fields = {"UploadId": upload, "PartNumber": number, "Body": data, "ContentMD5": b64encode(_md5(data)).decode()}
        answer = await self._patiently(partial(self._call, "upload_part", path, **fields))
        return {"PartNumber": number, "ETag": answer["ETag"]}

    async def _complete(self, path: str, size: int, done: dict[str, Any]) -> None:
        """An upload that is not known any more may have been completed by a request whose answer got lost."""
        try:
            await self._call("complete_multipart_upload", path, **done)
        except FileNotFoundError:
            if (await self._head(path))["ContentLength"] != size:
                raise

    async def _page(self, method: str, below: str, **more: str) -> Any:
        return await self._fs._call_s3(method, Bucket=self._bucket, Prefix=self._key(below), **more)

    async def _call(self, method: str, path: str, **fields: Any) -> Any:
        return await self._fs._call_s3(method, Bucket=self._bucket, Key=self._key(path), **fields)

    def _run(self, path: str, call: Callable[[], Awaitable[T]], again: bool = True, explain: bool = True) -> T:
        from fsspec.asyn import sync

        async def work() -> T:
            return await (self._patiently(call) if again else call())

        try:
            result: T = sync(self._fs.loop, work)
        except Exception as error:
            if not explain:
                raise
            raise self._explained(error, path) from error
        return result

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        until, wait = time.monotonic() + PATIENCE, 0.25
        while True:
            try:
                return await call()
            except Exception as error:
                if not passes(error) or time.monotonic() + wait > until:
                    raise
            await asyncio.sleep(wait)
            wait = min(2 * wait, 10.0)

    def _explained(self, error: Exception, path: str) -> Exception:
        """FileNotFoundError where only the object is missing."""
        return explained(error, self._bucket, self._key(path), self._access)

    def _found(self, path: str, head: Any) -> Found:
        return Found(path, head["ContentLength"], head["LastModified"].timestamp() + _skew(head))

    def _key(self, path: str) -> str:
        return f"{self._prefix}/{path}"


def _skew(answer: Any) -> float:
    """Seconds by which this machine's clock is ahead of the server's."""
    told = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    return time.time() - parsedate_to_datetime(told).timestamp() if told else 0.0


def _md5(data: bytes) -> bytes:
    """What S3 proves a body by on its way; what the store believes is its own SHA-256."""
    return hashlib.md5(data, usedforsecurity=False).digest()


def _all(content: Content) -> bytes:
    return content if isinstance(content, bytes) else content.read_bytes()
