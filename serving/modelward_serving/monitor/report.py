"""All that a worker has counted, and the sum over workers. Everything merges by addition."""

from collections.abc import Iterable

from modelward_contracts.monitor import Forwards, Histogram, SignalCounts, Snapshot
from modelward_contracts.wire import Wire


class Report(Wire, frozen=True, kw_only=True):
    snapshot: Snapshot
    queue: Histogram
    compute: Histogram
    batch_rows: dict[str, int]
    rows: int
    last_inference: float
    """Seconds since the epoch."""
    batching: bool
    """Rows of several requests run together, in all workers."""
    checked: int
    """Batches that ran again, request by request."""
    turned_away: int
    """Connections for which there was no room."""
    forward_deadline: float
    """Seconds that a candidate has to answer; the longest of the workers'."""
    forwarding: int
    """Requests that wait for the candidate or its answer."""


def merged(reports: list[Report]) -> Report:
    """Ready when all are, and at the epoch that all have reached. The first is the lead's: its life is the server's."""
    if len(reports) == 1:
        return reports[0]
    return Report(
        snapshot=_snapshot([report.snapshot for report in reports]),
        queue=_histogram([report.queue for report in reports]),
        compute=_histogram([report.compute for report in reports]),
        batch_rows=_counts(report.batch_rows for report in reports),
        rows=sum(report.rows for report in reports),
        last_inference=max(report.last_inference for report in reports),
        batching=all(report.batching for report in reports),
        checked=sum(report.checked for report in reports),
        turned_away=sum(report.turned_away for report in reports),
        forward_deadline=max(report.forward_deadline for report in reports),
        forwarding=sum(report.forwarding for report in reports),
    )


def _snapshot(parts: list[Snapshot]) -> Snapshot:
    lead = parts[0]
    return Snapshot(
        pod=lead.pod,
        revision=lead.revision,
        model=lead.model,
        profile=lead.profile,
        started=lead.started,
        epoch=min(part.epoch for part in parts),
        ready=all(part.ready for part in parts),
        scored=_counts(part.scored for part in parts),
        uncomputed=sum(part.uncomputed for part in parts),
        latency=_histogram([part.latency for part in parts]),
        forwards=_forwards([part.forwards for part in parts]),
        connections=sum(part.connections for part in parts),
        idle=min(part.idle for part in parts),
        in_flight=sum(part.in_flight for part in parts),
        mixed_batches=sum(part.mixed_batches for part in parts),
        signals=[_signal(same) for same in zip(*(part.signals for part in parts), strict=True)],
    )


def _counts(parts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in parts:
        for key, count in part.items():
            total[key] = total.get(key, 0) + count
    return total


def _histogram(parts: list[Histogram]) -> Histogram:
    counts = [sum(column) for column in zip(*(part.counts for part in parts), strict=True)]
    return Histogram(edges=parts[0].edges, counts=counts, sum=sum(part.sum for part in parts))


def _forwards(parts: list[dict[str, Forwards]]) -> dict[str, Forwards]:
    revisions = dict.fromkeys(revision for part in parts for revision in part)
    same = {revision: [part[revision] for part in parts if revision in part] for revision in revisions}
    return {
        revision: Forwards(
            attempts=sum(one.attempts for one in all_of),
            answered=sum(one.answered for one in all_of),
            failures=_counts(one.failures for one in all_of),
            breaker_open=any(one.breaker_open for one in all_of),
            failed_trials=sum(one.failed_trials for one in all_of),
            reached=all(one.reached for one in all_of),
        )
        for revision, all_of in same.items()
    }


def _signal(same: tuple[SignalCounts, ...]) -> SignalCounts:
    first = same[0]
    counts = [sum(column) for column in zip(*(one.counts for one in same), strict=True)]
    return SignalCounts(name=first.name, source=first.source, kind=first.kind, reference=first.reference, counts=counts)
