"""A source that is as it was makes no version: its listing is compared with that of the newest one, and no file read.

What would come out otherwise though the files are the same is looked at anew: other words of the Dataset, another
version to measure drift from, data that grows old.
"""

from collections.abc import Iterable

import msgspec

from modelward_contracts.cache import LastLook, look_key
from modelward_contracts.reports import IngestReport
from modelward_contracts.store import BlobMissing, Store
from modelward_contracts.tasks import IngestTask
from modelward_contracts.wire import digest_of

from . import pii

READING = 1
"""Raised when the same bytes are read otherwise than before, so that everything is read again once."""


def listing_of(files: Iterable[tuple[str, str | None]]) -> str | None:
    """Of names and identities. None: of some file nobody can tell whether it changed."""
    known = list(files)
    return digest_of(known) if all(identity for _, identity in known) else None


def as_before(store: Store, task: IngestTask, listing: str | None) -> IngestReport | None:
    """What was reported of the newest version, where it would be made again."""
    last = store.read_record(look_key(task.dataset), LastLook) if listing else None
    if last is None or (last.task, last.listing) != (_of(task), listing):
        return None
    if any(each.fresh for each in task.expectations) or last.compared != _compared(task, last.manifest):
        return None
    try:
        return store.get_json(last.report, IngestReport)
    except BlobMissing:
        return None


def remember(store: Store, task: IngestTask, listing: str | None, manifest: str, report: str) -> None:
    if listing is None:
        return
    compared = _compared(task, manifest)
    last = LastLook(task=_of(task), listing=listing, compared=compared, manifest=manifest, report=report)
    store.write_record(look_key(task.dataset), last)


def _of(task: IngestTask) -> str:
    bare = msgspec.structs.replace(task, before=[], store="", secret=None, local_addresses=False)
    return digest_of([READING, bare, pii.mark(task)])


def _compared(task: IngestTask, manifest: str) -> str | None:
    """As `drift.compare` chooses it; what nobody measures does not matter."""
    if all(each.max_drift is None for each in task.expectations):
        return None
    return next((digest for digest in task.before if digest != manifest), None)
