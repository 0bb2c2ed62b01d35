"""From a URL to the place that it means, and from any library's error to one of ours."""

import errno
from pathlib import Path

from .access import Access
from .errors import StoreError, StoreFull, StoreUnavailable
from .files import Files
from .filesystem import FileSystem
from .place import Place
from .s3 import Bucket

S3 = ("s3://", "s3a://")


def open_place(url: str, below: str) -> Place:
    """The folder or prefix `below` the URL. Nothing is looked at yet."""
    if url.startswith(S3):
        bucket, _, prefix = url.split("://", 1)[1].strip("/").partition("/")
        return Bucket(bucket, f"{prefix}/{below}".strip("/"), Access.from_environment())
    # Imported here because a caller that only handles the errors never needs it, and it is slow to import.
    from fsspec.core import url_to_fs

    fs, root = url_to_fs(url)
    root = f"{root.rstrip('/')}/{below}"
    protocols = (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)
    return Files(Path(root)) if "file" in protocols else FileSystem(fs, root)


def failed(error: Exception, doing: str, url: str) -> StoreError:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(f"the store {url} is full: enlarge its volume or remove what is unused")
    return StoreUnavailable(f"{doing} the store {url} failed: {error}")
