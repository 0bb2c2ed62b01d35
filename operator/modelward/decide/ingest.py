"""When is a new ingest of a Dataset wanted?"""

from datetime import datetime, timedelta

from modelward.api import Dataset
from modelward.decide.durations import seconds
from modelward.decide.jobs import JobSeen
from modelward.names import LABEL, short_hash
from modelward_contracts.wire import canonical

REQUESTED_AT = LABEL + "requested-at"
"""Annotation: any new value asks for a new ingest."""
RETRY_AFTER = timedelta(minutes=5)
"""For ingests that the infrastructure failed, after the Job's own retries."""
_MANNER = {"resources", "pod"}
NO_RESULT = ("Pending", "Suspended", "Ingesting", "ServiceAccountNotAllowed")
"""Reasons of Ready that say nothing about the last ingest."""
FAILED_LOOKS = ("ReconcileFailed", "Unavailable")
"""Written over Ready by the loop; what came of the last ingest lies in `status.ingest` as well."""


def wanted(dataset: Dataset, job: JobSeen | None, latest_exists: bool, now: datetime) -> bool:
    """`job`: the one of `status.ingest`."""
    ingest, ready = dataset.status.ingest, dataset.status.condition("Ready")
    if ingest is None or not answers(dataset):
        return True
    otherwise = manner_of(ingest.request) != manner(dataset)
    if ingest.finished is None:
        return otherwise or (job is not None and failed_by_the_world(job) and until_retry(job, now) <= 0)
    if ready is None or ready.reason in NO_RESULT or (ready.status == "False" and otherwise):
        return True
    if ready.reason in FAILED_LOOKS and ingest.reason is None:
        return True
    again = due_in(dataset, now)
    return (ready.status == "True" and not latest_exists) or (again is not None and again <= 0)


def identity(dataset: Dataset) -> str:
    """Of what an ingest's result depends on. Defaults are left out, so that a new optional field changes nobody's."""
    spec = dataset.spec.model_dump(
        mode="json", by_alias=True, exclude_defaults=True, exclude={"interval", "suspend", *_MANNER}
    )
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


def until_retry(job: JobSeen, now: datetime) -> float:
    """Seconds."""
    return (job.ended + RETRY_AFTER - now).total_seconds() if job.ended else 0.0


def due_in(dataset: Dataset, now: datetime) -> float | None:
    """Seconds until the source is to be looked at again; None: only when asked."""
    ingest, interval = dataset.status.ingest, dataset.spec.interval
    if interval is None or ingest is None or ingest.finished is None:
        return None
    finished = datetime.fromisoformat(ingest.finished)
    return (finished + timedelta(seconds=seconds(interval)) - now).total_seconds()
