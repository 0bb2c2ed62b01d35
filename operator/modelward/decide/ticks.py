"""When the source is looked at by itself: at the ticks of a cron schedule, or a while after the last look.

The next tick lies in the status until an ingest has begun after it: so one that was missed, by a downtime, a suspension
or an ingest that took too long, is made good once, and another schedule counts from the moment that it is seen.
"""

from datetime import datetime, timedelta

from modelward.api.dataset import DatasetSpec, Ingest, Ticks
from modelward.decide.conditions import timestamp
from modelward.decide.cron import Cron
from modelward.decide.durations import seconds


def ticks(spec: DatasetSpec, before: Ticks | None, ingest: Ingest | None, now: datetime) -> Ticks | None:
    """As the status should have them. `before`: as it has them; `ingest`: the last. Raises Refused."""
    if spec.interval:
        return Ticks(of=f"every {spec.interval}", next=_later(ingest, spec.interval))
    if spec.schedule is None:
        return None
    begun = datetime.fromisoformat(ingest.started) if ingest else None
    return scheduled(spec.schedule, spec.time_zone, before, begun, now)


def scheduled(schedule: str, zone: str | None, before: Ticks | None, begun: datetime | None, now: datetime) -> Ticks:
    """`begun`: when what is scheduled last began. Raises Refused."""
    zone = zone or "UTC"
    of, cron = f"{schedule} {zone}", Cron(schedule, zone)
    if before is None or before.of != of or before.next is None:
        return Ticks(of=of, next=_at(cron.after(now)))
    if begun is None or begun < datetime.fromisoformat(before.next):
        return before
    return Ticks(of=of, next=_at(cron.after(begun)), last=_at(cron.until(begun)))


def _later(ingest: Ingest | None, interval: str) -> str | None:
    if ingest is None or ingest.finished is None:
        return None
    return _at(datetime.fromisoformat(ingest.finished) + timedelta(seconds=seconds(interval)))


def _at(moment: datetime | None) -> str | None:
    return timestamp(moment) if moment else None
