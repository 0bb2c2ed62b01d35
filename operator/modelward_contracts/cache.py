"""What the store remembers of a Dataset's source, so that nothing is read twice: two records below `cache/<dataset>/`.

A blob that they name is needed as long as they do. Both are replaced as a whole by the next ingest, which leaves out
files that are not there any more. Losing them costs time and nothing else.
"""

from .manifests import Blob
from .wire import Wire


class KeptFile(Wire, frozen=True, kw_only=True):
    """A source's file as it came."""

    bytes: int
    digest: str
    """Of the file, as it stands in a manifest."""
    data: Blob
    """Its content, packed by zstd."""


class KeptFiles(Wire, frozen=True, kw_only=True):
    files: dict[str, KeptFile]
    """By the identity that the source gave them: digest of place, size, and etag or time."""


class LastLook(Wire, frozen=True, kw_only=True):
    """The newest version, and what it was made of."""

    task: str
    """Digest of all that it depends on besides the files."""
    listing: str
    """Digest of the files' names and identities."""
    compared: str | None
    """Digest of the manifest that drift was measured from."""
    manifest: str
    report: str
    """Digest of the IngestReport."""


def files_key(dataset: str) -> str:
    return f"cache/{dataset}/files"


def look_key(dataset: str) -> str:
    return f"cache/{dataset}/look"
