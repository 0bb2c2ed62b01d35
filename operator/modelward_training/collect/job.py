"""List, mark, sweep.

A blob goes when nothing has named it for the whole of the grace period, by two looks at least that far apart, and when
it was last written before anything that is still under way began. So neither a mistake that is corrected in time nor an
ingest or training that runs beside this costs anything; see `Store.take_away` for the last moment.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from modelward_contracts.collection import COLLECTION, Collection
from modelward_contracts.reports import CollectReport
from modelward_contracts.store import Store
from modelward_contracts.tasks import CollectTask
from modelward_contracts.wire import canonical, sha256
from modelward_training.outcome import Done, JobError, emit, progress
from modelward_training.paths import Paths

from .inventory import TRACES, Inventory, inventory
from .named import STREAMS, named


def run(paths: Paths) -> Done:
    task = paths.task(CollectTask)
    store, now = Store(task.store, task.namespace), time.time()
    known = _own(store, task, now)
    held = inventory(store)
    progress(f"looking through {len(held.blobs)} blobs", 0.1)
    needed, old = named(store, held, task.live, now - task.records)
    unnamed = {digest: known.get(digest[7:], int(now)) for digest in held.blobs if digest not in needed}
    before = datetime.fromisoformat(task.before).timestamp()
    going = [digest for digest, since in unnamed.items() if _ripe(held, digest, since, now - task.grace, before)]
    progress(f"{len(unnamed)} of them are named by nothing, {len(going)} for long enough", 0.5)
    old += [trace.path for trace in held.records[TRACES] if trace.written < now - task.records]
    freed = _sweep(store, held, going, before, task.dry_run)
    if not task.dry_run:
        for record in old:
            store.forget(record)
        store.clear(before)
    left = {digest[7:]: since for digest, since in unnamed.items() if task.dry_run or digest not in freed}
    _remember(store, task, left, now)
    return _told(task, held, unnamed, freed, len(old))


def _own(store: Store, task: CollectTask, now: float) -> dict[str, int]:
    """Make the store this owner's, and give what was named by nothing the last time."""
    known: dict[str, int] = {}

    def claim(before: Collection | None) -> Collection:
        if before and before.owner not in (task.owner, task.take_over):
            raise JobError(
                "StoreOfAnother",
                f"this part of the store was collected for other resources at {before.collected}, and what those name "
                "is not known here: nothing is taken away. Give each cluster a store.url of its own; if it is gone "
                f"for good: kubectl -n {task.namespace} annotate configmap modelward-collection "
                f"modelward.dev/take-over={before.owner}",
            )
        # A new owner waits for the whole grace period.
        known.update(before.unnamed if before and before.owner == task.owner else {})
        return Collection(owner=task.owner, collected=_at(now), unnamed=known)

    store.update_record(COLLECTION, Collection, claim)
    return known


def _ripe(held: Inventory, digest: str, since: int, unnamed_before: float, written_before: float) -> bool:
    return since <= unnamed_before and held.blobs[digest].written < written_before


def _sweep(store: Store, held: Inventory, going: list[str], before: float, dry_run: bool) -> dict[str, int]:
    """What was freed, or would be."""
    if dry_run:
        return {digest: held.blobs[digest].size for digest in going}
    with ThreadPoolExecutor(STREAMS) as pool:
        sizes = pool.map(lambda digest: store.take_away(digest, before), going)
        return {digest: size for digest, size in zip(going, sizes, strict=True) if size}


def _remember(store: Store, task: CollectTask, unnamed: dict[str, int], now: float) -> None:
    mine = Collection(owner=task.owner, collected=_at(now), unnamed=unnamed)
    store.update_record(COLLECTION, Collection, lambda known: mine if known and known.owner == task.owner else None)


def _told(task: CollectTask, held: Inventory, unnamed: dict[str, int], freed: dict[str, int], records: int) -> Done:
    report = CollectReport(
        held=len(held.blobs),
        held_bytes=held.bytes,
        unnamed=len(unnamed),
        unnamed_bytes=sum(held.blobs[digest].size for digest in unnamed),
        freed=len(freed),
        freed_bytes=sum(freed.values()),
        records=records,
        dry_run=task.dry_run,
    )
    emit(report)
    would = "would be freed" if task.dry_run else "freed"
    rest = f"{report.unnamed} of {report.held} blobs ({report.held_bytes} bytes) were named by nothing"
    message = f"{report.freed} blobs of {report.freed_bytes} bytes {would}; {rest}"
    return Done("Collected", message, sha256(canonical(report)))


def _at(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
