"""A namespace's store is looked through: when that is due → a Job is told what is needed → what came of it is told.

What is needed are the digests that any of our resources names, and all that is younger than the oldest ingest or
training that is still under way, because its result is named by nobody yet.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from modelward.build.collection import collect_job, collect_name, collection_ledger
from modelward.decide.conditions import timestamp
from modelward.decide.cron import Cron
from modelward.decide.durations import seconds
from modelward.decide.jobs import JobSeen, next_look
from modelward.decide.plan import Event, Plan, Ref
from modelward.names import TAKE_OVER, Manifest, short_hash
from modelward.settings import Settings, StoreCollection
from modelward_contracts.reports import CollectReport
from modelward_contracts.tasks import CollectTask

SPREAD = 3600
"""Namespaces take their turns within an hour."""
MARGIN = timedelta(hours=1)
"""Between the beginning of a Job and the oldest blob that it took for written now, clocks that differ included."""
SHORTEST = 3600.0
"""A grace period below that would take what a writer believes there."""
AGAIN = 15.0
MOST = 12_000
"""Digests that fit into a ConfigMap."""


@dataclass(frozen=True)
class CollectionObserved:
    namespace: str
    ledger: Manifest | None = None
    """The ConfigMap; None before the first look."""
    job: JobSeen | None = None
    """Of the collection under way."""
    named: frozenset[str] = frozenset()
    """The digests that resources name, where a collection is due."""
    since: datetime | None = None
    """When the oldest ingest or training began that is still under way."""

    @property
    def data(self) -> dict[str, str]:
        return dict(self.ledger.get("data") or {}) if self.ledger else {}


def due(data: dict[str, str], namespace: str, collection: StoreCollection, now: datetime) -> str | None:
    """The tick that a collection is due for. Of several that were missed, the last."""
    tick = Cron(collection.schedule).until(now - timedelta(seconds=int(short_hash(namespace), 16) % SPREAD))
    said = timestamp(tick) if tick else ""
    return said if said > data.get("last", "") else None


def decide(o: CollectionObserved, settings: Settings, now: datetime) -> Plan:
    collection = settings.store_collection
    if o.ledger is None:
        return Plan(applies=(collection_ledger(o.namespace, last=timestamp(now)),))
    if o.data.get("job"):
        return _follow(o, now)
    tick = due(o.data, o.namespace, collection, now)
    return _start(o, o.ledger, tick, settings, now) if tick else Plan()


def _start(o: CollectionObserved, ledger: Manifest, tick: str, settings: Settings, now: datetime) -> Plan:
    """The Job first: its name is the tick's, so that it is made once whatever happens before it is noted."""
    if len(o.named) > MOST:
        message = (
            f"resources name {len(o.named)} digests, and at most {MOST} can be told to a Job: nothing is taken away"
        )
        return _over(o, Event("Warning", "TooManyNames", message), last=tick)
    collection, name = settings.store_collection, collect_name(tick)
    grace = max(SHORTEST, seconds(collection.grace))
    before = now - timedelta(seconds=grace)
    task = CollectTask(
        namespace=o.namespace,
        store=settings.store_url,
        owner=ledger["metadata"]["uid"],
        take_over=ledger["metadata"].get("annotations", {}).get(TAKE_OVER),
        live=sorted(o.named),
        before=timestamp(min(before, o.since - MARGIN) if o.since else before),
        grace=grace,
        records=seconds(collection.records),
        dry_run=collection.dry_run,
    )
    noted = collection_ledger(o.namespace, **o.data | {"job": name, "last": tick})
    return Plan(creates=collect_job(ledger, name, task, settings), applies=(noted,), requeue_after=AGAIN)


def _follow(o: CollectionObserved, now: datetime) -> Plan:
    job = o.job
    if job is None:
        return _over(o, None)
    if job.state == "Failed":
        why = f"{job.problem.reason}: {job.problem.message}" if job.problem else "nobody can tell why"
        return _over(o, Event("Warning", "CollectionFailed", f"the store was not collected: {why}"))
    if isinstance(job.report, CollectReport):
        return _over(o, _event(job.report), job.report)
    if job.state == "Succeeded":
        return _over(
            o, Event("Normal", "Collected", "the store was collected; the log that tells what was freed is gone")
        )
    return Plan(requeue_after=next_look(job, now) or AGAIN)


def _over(o: CollectionObserved, event: Event | None, report: CollectReport | None = None, **data: str) -> Plan:
    """Told, and the Job taken away."""
    job = o.data.get("job")
    told = {"result": event.message} if event else {}
    kept = {key: value for key, value in o.data.items() if key != "job"}
    gone = (Ref("v1", "ConfigMap", job), Ref("batch/v1", "Job", job)) if job else ()
    return Plan(
        applies=(collection_ledger(o.namespace, **kept | told | data),),
        deletes=gone,
        events=(event,) if event and not _nothing(report) else (),
        freed=report.freed_bytes if report and not report.dry_run else 0,
    )


def _nothing(report: CollectReport | None) -> bool:
    """A day on which nothing was freed is no event."""
    return report is not None and not report.freed and not report.records


def _event(report: CollectReport) -> Event:
    would = "would be freed (dry run)" if report.dry_run else "freed"
    message = (
        f"{report.freed} blobs of {in_units(report.freed_bytes)} {would}, and {report.records} old results and traces; "
        f"the store held {report.held} blobs of {in_units(report.held_bytes)}, {report.unnamed} of "
        f"{in_units(report.unnamed_bytes)} named by nothing"
    )
    return Event("Normal", "CollectionDryRun" if report.dry_run else "Collected", message)


def in_units(size: int) -> str:
    value = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{value:.3g} {unit}"
        value /= 1024
    return f"{value:.3g} TiB"


def oldest(times: Iterable[str | None]) -> datetime | None:
    found = [datetime.fromisoformat(time) for time in times if time]
    return min(found, default=None)
