"""Files of an object store, through fsspec: listed by pages where the store is S3, each got in one request."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from fsspec.utils import glob_translate

from modelward_contracts.wire import digest_of
from modelward_training.outcome import JobError

from .credentials import Credentials
from .files import Listed, changed, too_large
from .trouble import is_full, told

SHOWN = 10
_WILD = re.compile(r"[*?\[]")


class Objects:
    def __init__(self, fs: Any, url: str, host: str, credentials: Credentials) -> None:
        """`url`: with its protocol; `host`: of the store, for messages and for what a file is told by."""
        self._fs, self._url, self._host, self._credentials = fs, url, host, credentials
        self._pattern: str = fs._strip_protocol(url)
        self._literal = _WILD.split(self._pattern)[0]
        self._folder = self._literal.rpartition("/")[0] + "/"

    def listed(self) -> list[Listed]:
        with self._told(self._url):
            wild = self._literal != self._pattern
            found = list(self._matching()) if wild else [self._listed(self._file())]
            if not found:
                raise JobError("SourceNotFound", f"no file matches {self._url}; {self._there()}")
        return sorted(found, key=lambda file: file.name.split("/"))  # as paths of a volume are

    def fetch(self, file: Listed, path: Path, limit: int | None = None) -> None:
        if limit is not None and (file.size or 0) > limit:
            raise too_large(file.name, limit)
        with self._told(file.name):
            self._fs.get_file(file.place, str(path), **({"max_concurrency": 1} if self._s3 else {}))
            after = self._listed(self._fs.info(file.place, **({"refresh": True} if self._s3 else {})))
        if after.identity != file.identity or (file.size is not None and path.stat().st_size != file.size):
            raise changed(file.name)

    @property
    def _s3(self) -> bool:
        return "s3" in self._fs.protocol

    def _file(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = self._fs.info(self._pattern)
        except FileNotFoundError:
            raise JobError("SourceNotFound", f"there is no {self._url}; {self._there()}") from None
        if found["type"] != "file":
            hint = f"{self._url.rstrip('/')}/*"
            raise JobError("SourceNotFound", f"{self._url} is a folder and no file: write {hint}")
        return found

    def _matching(self) -> Iterator[Listed]:
        try:
            wanted = re.compile(glob_translate(self._pattern))
        except ValueError as error:
            raise JobError("InvalidUrl", f"{self._credentials.place} {self._url} is no pattern: {error}") from error
        for entry in self._entries():
            if entry["type"] == "file" and not entry["name"].endswith("/") and wanted.match(entry["name"]):
                yield self._listed(entry)

    def _entries(self) -> Iterator[dict[str, Any]]:
        if self._s3:
            bucket, _, prefix = self._literal.partition("/")
            # What lies in folders below cannot match, and there may be a lot of it.
            flat = {} if "/" in self._pattern[len(self._literal) :] else {"Delimiter": "/"}
            flat = {} if "**" in self._pattern else flat
            for page in self._pages(Bucket=bucket, Prefix=prefix, **flat):
                yield from (_of_s3(bucket, entry) for entry in page)
        else:
            yield from self._fs.glob(self._pattern, detail=True).values()

    def _pages(self, **query: Any) -> Iterator[list[dict[str, Any]]]:
        while True:
            page = self._fs.call_s3("list_objects_v2", **query)
            yield page.get("Contents", [])
            if not page.get("IsTruncated"):
                return
            query["ContinuationToken"] = page["NextContinuationToken"]

    def _listed(self, entry: dict[str, Any]) -> Listed:
        name: str = entry["name"]
        telling = _telling(entry)
        identity = digest_of([self._host, name, entry["size"], telling]) if telling else None
        return Listed(name.removeprefix(self._folder), name, entry["size"], identity)

    def _there(self) -> str:
        """What lies in the folder that was named."""
        try:
            found = [entry["name"] for entry in self._fs.ls(self._folder.rstrip("/"), detail=True)]
        except Exception:  # whatever it is, it is not what is to be told
            return f"what {self._folder} holds cannot be told"
        names = sorted(name.removeprefix(self._folder) for name in found)
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        return f"{self._folder} holds {', '.join(names[:SHOWN])}{more}" if names else f"{self._folder} is empty"

    @contextmanager
    def _told(self, what: str) -> Iterator[None]:
        try:
            yield
        except (JobError, MemoryError):
            raise
        except Exception as error:
            if is_full(error):
                raise
            raise told(error, what, self._host, self._credentials.secret, self._credentials.named_in) from error


def _telling(entry: dict[str, Any]) -> str | None:
    """What changes with the content. Stores call it by different names, and tell times to the second or finer."""
    tag = next((entry[key] for key in ("ETag", "etag", "generation", "md5Hash", "crc32c") if entry.get(key)), None)
    if tag:
        return str(tag)
    moment = next((entry[key] for key in ("LastModified", "last_modified", "mtime", "updated") if entry.get(key)), None)
    return moment.isoformat(timespec="seconds") if isinstance(moment, datetime) else moment and str(moment)


def _of_s3(bucket: str, entry: dict[str, Any]) -> dict[str, Any]:
    return {**entry, "name": f"{bucket}/{entry['Key']}", "size": entry["Size"], "type": "file"}
