"""When is a new ingest of a Dataset wanted?"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from modelward.api import Dataset
from modelward.api.dataset import Ingest
from modelward.decide.jobs import JobSeen
from modelward.decide.parents import CIRCLE, NOT_FOUND, NOT_READY
from modelward.decide.source_secret import SECRET_NOT_FOUND, SECRET_NOT_LABELLED, SECRETS_NOT_ALLOWED
from modelward.decide.ticks import ticks
from modelward.names import REQUESTED_AT, short_hash
from modelward_contracts.wire import canonical

_FIRST_RETRY, _LONGEST_RETRY = timedelta(minutes=5), timedelta(hours=1)
"""After the Job's own retries; doubled with each failure in a row."""
_PATIENCE = 3
"""So many failures in a row of the infrastructure are more than a moment's trouble."""
_WHEN = {"interval", "schedule", "time_zone", "suspend", "history_limit"}
_MANNER = {"resources", "pod"}
NO_RESULT = (
    *("Pending", "Suspended", "Ingesting", "ServiceAccountNotAllowed"),
    *(NOT_FOUND, NOT_READY, CIRCLE),
    *(SECRET_NOT_FOUND, SECRET_NOT_LABELLED, SECRETS_NOT_ALLOWED),
)
"""Reasons of Ready that say nothing about the last ingest."""
WRITTEN_OVER = ("ReconcileFailed", "Unavailable", "InvalidSchedule", "UnknownTimeZone")
"""Reasons of Ready that hide what came of the last ingest; it lies in `status.ingest` as well."""


def wanted(dataset: Dataset, latest_exists: bool, now: datetime, parents: Sequence[str] = ()) -> bool:
    """`parents`: digests of the versions that it is made of now; empty where they are not known."""
    ingest, ready = dataset.status.ingest, dataset.status.condition("Ready")
    if ingest is None or not answers(dataset):
        return True
    otherwise = manner_of(ingest.request) != manner(dataset)
    if ingest.finished is None:
        return otherwise
    if ready is None or ready.reason in NO_RESULT:
        return True
    if parents and list(parents) != ingest.parents:
        return True
    failed = ingest.reason != "Ingested" if ingest.reason else ready.status == "False"
    if failed and otherwise:
        return True
    if ready.reason in WRITTEN_OVER and ingest.reason is None:
        return True
    again = due_in(dataset, now)
    return (ready.status == "True" and not latest_exists) or (again is not None and again <= 0)


def identity(dataset: Dataset) -> str:
    """Of what an ingest's result depends on. Defaults are left out, so that a new optional field changes nobody's."""
    spec = dataset.spec.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=_WHEN | _MANNER)
    return short_hash(canonical(spec).decode(), dataset.metadata.annotations.get(REQUESTED_AT, ""))


def manner(dataset: Dataset) -> str:
    """Of how an ingest runs: a change starts one that is not done, or has failed, anew. Empty where nothing is said."""
    spec = dataset.spec.model_dump(mode="json", by_alias=True, exclude_defaults=True, include=_MANNER)
    return short_hash(canonical(spec).decode()) if spec else ""


def manner_of(request: str) -> str:
    return request.split("-", 2)[2] if request.count("-") > 1 else ""


def request_of(dataset: Dataset, now: datetime) -> str:
    """Names one ingest: of what, since when it is wanted, and how it runs."""
    return "-".join(filter(None, (identity(dataset), str(int(now.timestamp())), manner(dataset))))


def answers(dataset: Dataset) -> bool:
    """The ingest in the status, done or not, is of the spec as it is now."""
    ingest = dataset.status.ingest
    return ingest is not None and ingest.request.partition("-")[0] == identity(dataset)


def failed_by_the_world(job: JobSeen) -> bool:
    """Neither data nor spec are to blame: worth another try."""
    return job.result_lost or (job.state == "Failed" and job.retryable)


def retry_at(job: JobSeen, failures: int, now: datetime) -> datetime:
    """`failures`: how many in a row came before this one."""
    return (job.ended or now) + min(_LONGEST_RETRY, _FIRST_RETRY * (1 << min(failures, 10)))


def tried_again(ingest: Ingest | None, reason: str) -> bool:
    """What Ready says by this reason may pass by itself."""
    if ingest is None or ingest.retry is None or ingest.reason != reason:
        return False
    return (ingest.failures or 0) < _PATIENCE


def next_at(dataset: Dataset, ingest: Ingest, now: datetime) -> str | None:
    """When the source is looked at again after this ingest, which is done; None: only when asked."""
    tick = ticks(dataset.spec, dataset.status.ticks, ingest, now)
    return min(filter(None, (ingest.retry, tick.next if tick else None)), default=None)


def due_in(dataset: Dataset, now: datetime) -> float | None:
    """Seconds."""
    ingest = dataset.status.ingest
    at = next_at(dataset, ingest, now) if ingest and ingest.finished else None
    return (datetime.fromisoformat(at) - now).total_seconds() if at else None
