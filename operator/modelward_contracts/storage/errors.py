"""What can go wrong with the store, each in one sentence for a person.

StoreError
 ├─ DigestMismatch      somebody changed the bytes: don't retry
 ├─ BlobMissing         no such blob: don't retry
 └─ StoreUnavailable    unreachable, overloaded, I/O error: retry
     ├─ StoreDenied     credentials, rights, bucket, region: a person must mend it, and may do so at any time
     └─ StoreFull       no space left
"""


class StoreError(Exception):
    """One sentence for a person. It names no credentials."""


class DigestMismatch(StoreError):
    pass


class BlobMissing(StoreError):
    pass


class StoreUnavailable(StoreError):
    pass


class StoreDenied(StoreUnavailable):
    pass


class StoreFull(StoreUnavailable):
    pass
