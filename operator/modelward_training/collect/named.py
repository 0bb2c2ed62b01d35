"""Which blobs are needed: those that resources and records name, and those that these name in turn.

A name is any digest in the text of a record, or of a blob that is JSON: whatever a manifest of another version means by
it, the blob stays.
"""

import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from modelward_contracts.store import MAX_JSON, BlobMissing, Store

from .inventory import CACHE, RUNS, SERVED, VERDICTS, Inventory

STREAMS = 8
"""Requests at a time: nearly all of each is waiting."""
_DIGEST = re.compile(rb"sha256:[0-9a-f]{64}")


def named(store: Store, held: Inventory, live: Iterable[str], since: float) -> tuple[set[str], list[str]]:
    """The digests of blobs that are needed, and the keys of records that are of no more use.

    `since`: Unix time. What is in service is needed for ever; results of runs, verdicts and what is kept of sources
    only if they are younger. An old result stays with what is needed otherwise, so that a cluster that is built anew
    finds it; a verdict stays for ever, and keeps nothing."""
    needed: set[str] = set()
    _follow(store, held, live, needed)
    old: dict[str, list[str]] = {}
    for kind in (SERVED, RUNS, CACHE, VERDICTS):
        for record in held.records[kind]:
            digests = _in(store.read_bytes(record.path))
            if kind == SERVED or record.written >= since:
                _follow(store, held, digests, needed)
            elif kind != VERDICTS:
                old[record.path] = digests
    kept = [path for path, digests in old.items() if needed.intersection(digests)]
    for path in kept:
        _follow(store, held, old.pop(path), needed)
    return needed, list(old)


def _follow(store: Store, held: Inventory, digests: Iterable[str], needed: set[str]) -> None:
    """All that can be reached from these."""
    reached = set(digests)
    with ThreadPoolExecutor(STREAMS) as pool:
        while reached := {digest for digest in reached if digest in held.blobs} - needed:
            needed |= reached
            small = [digest for digest in reached if held.blobs[digest].size <= MAX_JSON]
            reached = {name for names in pool.map(partial(_within, store), small) for name in names}


def _within(store: Store, digest: str) -> list[str]:
    """Raises DigestMismatch: what was changed may have named anything."""
    try:
        return _in(store.get_bytes(digest)) if store.first_byte(digest) in (b"{", b"[") else []
    except BlobMissing:
        return []


def _in(data: bytes | None) -> list[str]:
    return [found.decode() for found in _DIGEST.findall(data or b"")]
