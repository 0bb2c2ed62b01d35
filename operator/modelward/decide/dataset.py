"""Dataset: is an ingest wanted? → start it, follow it, register what it found; else rest until the next one is due, and
take away versions that nothing uses.

What is wanted is written to the status before the Job is made; what came of it is copied there before the Job is taken
away, so that an ingest that is done stays done. The version in service stays whatever happens to a new one.

A version that does not meet the expectations is made and never becomes the latest one. Where the latest one itself is
checked again and does not (its expectations changed), the one before it is the latest again.

Ready is about the spec as it is now; a look at an unchanged spec's source leaves it as it is. Where it is False and
somebody has to act, Stalled is True, as of all kinds (`decide.stalled`). Reasons (API): Ingesting,
Suspended, Ingested, ExpectationsFailed, InvalidSchedule, UnknownTimeZone, and those in `decide.jobs`,
`decide.parents` and `decide.source_secret`.

An ingest that the infrastructure failed is tried again after a while that doubles each time; one that data or code
failed waits for the next tick, another spec or a request.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from modelward.api import Dataset, DatasetVersion
from modelward.api.dataset import DatasetStatus, Ingest, LatestVersion
from modelward.build.dataset_version import dataset_version, dataset_version_name
from modelward.build.job import ingest_job
from modelward.build.reprint import reprint_job, reprint_name
from modelward.build.store_claim import store_claim
from modelward.build.task import ingest_task, task_config_map
from modelward.decide import parents
from modelward.decide.conditions import timestamp
from modelward.decide.expectations import EXPECTATIONS_FAILED, aged, checked_of, in_words
from modelward.decide.history import Kept, deletion, superfluous
from modelward.decide.ingest import (
    answers,
    due_in,
    failed_by_the_world,
    next_at,
    request_of,
    retry_at,
    tried_again,
    wanted,
)
from modelward.decide.jobs import (
    LOST,
    NOT_BEGUN,
    JobSeen,
    Problem,
    Said,
    hindrance,
    next_look,
    warning,
    with_hint,
    with_ready,
)
from modelward.decide.parents import ParentSeen
from modelward.decide.plan import Event, Plan, Ref
from modelward.decide.service_account import allowed
from modelward.decide.source_secret import usable
from modelward.decide.ticks import ticks
from modelward.errors import Refused, Wait
from modelward.names import Manifest, child_name, labels, short_hash
from modelward.settings import Settings
from modelward_contracts.reports import IngestReport
from modelward_contracts.tasks import INLINE_FILE


@dataclass(frozen=True)
class DatasetObserved:
    dataset: Dataset
    raw: Manifest
    """The live object: owner of its children."""
    secret_labels: dict[str, str] | None = None
    """Of the source's Secret; None: none is named, or it is not there."""
    job: JobSeen | None = None
    """Of `status.ingest`."""
    jobs: tuple[Ref, ...] = ()
    """All Jobs of this dataset: ingests, and those that print reports again."""
    parents: tuple[ParentSeen, ...] = ()
    """Of `source.datasets`."""
    lineage: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """The names of the parents of each Dataset that it leads to."""
    latest_exists: bool = True
    before: DatasetVersion | None = None
    """The newest valid version before the latest one; read only where something is expected."""
    versions: tuple[Kept, ...] = ()
    """All of this dataset, where they may be too many."""
    named: frozenset[str] = frozenset()
    """The versions that runs and models of the namespace name."""

    @property
    def status(self) -> DatasetStatus:
        return self.dataset.status

    @property
    def digests(self) -> list[str]:
        """Of the parents' newest valid versions; empty where one is missing."""
        found = [parent.digest for parent in parents.read(self.parents)]
        return found if len(found) == len(self.parents) else []


def decide(o: DatasetObserved, settings: Settings, now: datetime) -> Plan:
    try:
        ticks(o.dataset.spec, o.status.ticks, o.status.ingest, now)
    except Refused as refused:
        said: Said = ("False", refused.reason, str(refused) + _in_service(o))
        return Plan(status=_status(o, said, now, ticks=None), events=warning(o.status.condition("Ready"), said))
    if wanted(o.dataset, o.latest_exists, now, o.digests):
        return _hold(o, now) if o.dataset.spec.suspend else _start(o, settings, now)
    ingest = o.status.ingest
    assert ingest is not None
    return _rest(o, ingest, now) if ingest.finished else _follow(o, ingest, settings, now)


def _hold(o: DatasetObserved, now: datetime) -> Plan:
    held: Said = ("Unknown", "Suspended", "no ingest is started while spec.suspend is true" + _in_service(o))
    return Plan(status=_status(o, _standing(o) or held, now))


def _start(o: DatasetObserved, settings: Settings, now: datetime) -> Plan:
    if (held := _held_up(o, settings, now)) is not None:
        return held
    metadata, request = o.dataset.metadata, request_of(o.dataset, now)
    job, before = child_name(metadata.name, f"ingest-{short_hash(metadata.uid, request, *o.digests)}"), o.status.ingest
    failures = before.failures if before and answers(o.dataset) else None
    ingest = Ingest(job=job, request=request, started=timestamp(now), failures=failures, parents=o.digests or None)
    return Plan(
        status=_status(o, _standing(o) or _ingesting(o, job), now, ingest=ingest),
        memory=True,
        creates=_ingest_job(o, job, settings),
        deletes=_earlier(o, job),
    )


def _held_up(o: DatasetObserved, settings: Settings, now: datetime) -> Plan | None:
    """Why no Job may be made just now."""
    try:
        allowed(o.dataset.spec.pod, settings)
        usable(o.dataset.spec.secret_name, o.secret_labels, settings, o.status.condition("Ready"), now)
        parents.usable(o.dataset.metadata.name, o.parents, o.lineage)
    except Refused as refused:
        return _told(o, Problem(refused.reason, str(refused)), now)
    except Wait as wait:
        return _told(o, Problem(wait.reason, str(wait)), now, wait.retry_after)
    return None


def _ingest_job(o: DatasetObserved, job: str, settings: Settings) -> tuple[Manifest, ...]:
    source, metadata = o.dataset.spec.source, o.dataset.metadata
    own = labels("ingest", dataset=metadata.name)
    task = ingest_task(o.dataset, settings, _in_use(o), parents.read(o.parents))
    text = {INLINE_FILE: source.inline.data} if source.inline else {}
    return (
        *store_claim(metadata.namespace, settings),
        task_config_map(o.raw, job, own, task, text),
        ingest_job(o.raw, o.dataset, job, own, settings),
    )


def _in_use(o: DatasetObserved) -> tuple[str, ...]:
    """Digests of the latest version and the one before it."""
    latest = o.status.latest_version
    digests = latest.digest if latest else None, o.before.spec.digest if o.before else None
    return tuple(digest for digest in digests if digest)


def _follow(o: DatasetObserved, ingest: Ingest, settings: Settings, now: datetime) -> Plan:
    job = o.job
    if job is None:
        if (held := _held_up(o, settings, now)) is not None:
            return held
        children = _ingest_job(o, ingest.job, settings)
        said = _standing(o) or _ingesting(o, ingest.job)
        return Plan(status=_status(o, said, now), creates=children, deletes=_earlier(o, ingest.job))
    if isinstance(job.report, IngestReport):
        return _register(o, ingest, job.report, now)
    if job.state == "Failed" or job.result_lost:
        return _failed(o, ingest, job, now)
    if job.state == "Succeeded":
        return Plan(creates=_print_again(o, job, settings))
    return _running(o, job, now)


def _print_again(o: DatasetObserved, job: JobSeen, settings: Settings) -> tuple[Manifest, ...]:
    if job.printer or job.digest is None:
        return ()
    return reprint_job(o.raw, job.name, labels("report", dataset=o.dataset.metadata.name), job.digest, settings)


def _running(o: DatasetObserved, job: JobSeen, now: datetime) -> Plan:
    problem = hindrance(job, now)
    if problem:
        return _told(
            o, with_hint(problem, "spec.resources and spec.pod say what it asks for"), now, next_look(job, now)
        )
    said = _standing(o) or _ingesting(o, job.name)
    return Plan(status=_status(o, said, now), deletes=_earlier(o, job.name), requeue_after=next_look(job, now))


def _register(o: DatasetObserved, ingest: Ingest, report: IngestReport, now: datetime) -> Plan:
    name = dataset_version_name(o.dataset.metadata.name, report.manifest)
    latest = _latest(o, name, report, now)
    checked = o.status.checked if aged(o.status, report) else checked_of(name, report)
    told = "".join(f"; {text}" for text in report.warnings)
    if report.failed:
        kept = f"; {latest.name} stays in service" if latest else ""
        said: Said = ("False", EXPECTATIONS_FAILED, in_words(name, report, 4000) + kept)
    else:
        files = _read(o.dataset, report)
        said = ("True", "Ingested", (f"{name}: {report.rows} rows of {files}{_held_out(report)}" + told)[:4096])
    update = {"ingest": _finished(ingest, said, now), "latest_version": latest, "checked": checked}
    return Plan(
        status=_status(o, said, now, **update),
        creates=(dataset_version(o.dataset, report),),
        events=tuple(_news(o, name, report, said, told)),
    )


def _held_out(report: IngestReport) -> str:
    found = report.boundaries
    return f", validation from {found.validation} and test from {found.test} on" if found else ""


def _read(dataset: Dataset, report: IngestReport) -> str:
    if dataset.spec.source.sql:
        return "the query"
    if report.parents:
        return ", ".join(dataset_version_name(each.dataset, each.digest) for each in report.parents)
    return "1 file" if report.source_files == 1 else f"{report.source_files} files"


def _latest(o: DatasetObserved, name: str, report: IngestReport, now: datetime) -> LatestVersion | None:
    """The newest valid version, now that this one was checked."""
    latest, before = o.status.latest_version, o.before
    same = latest is not None and latest.digest == report.manifest
    if not report.failed:
        made = LatestVersion(name=name, digest=report.manifest, rows=report.rows, time=timestamp(now))
        return latest if same else made
    if not same or aged(o.status, report):
        return latest
    if before is None:
        return None
    spec, time = before.spec, before.metadata.creation_timestamp or timestamp(now)
    return LatestVersion(name=before.metadata.name, digest=spec.digest, rows=spec.rows, time=time)


def _news(o: DatasetObserved, name: str, report: IngestReport, said: Said, told: str) -> Iterator[Event]:
    """An Event's message has at most 1,024 characters."""
    latest, known = o.status.latest_version, o.status.checked
    if report.failed:
        ready = o.status.condition("Ready")
        if ready is None or ready.reason != said[1] or ready.message != said[2]:
            yield Event("Warning", said[1], said[2][:1024])
    elif latest and latest.digest == report.manifest:
        yield Event("Normal", "Unchanged", f"the source still is {name}")
    elif known and known.version == name and known.failed:
        yield Event("Normal", "ExpectationsMet", f"{name} is what is expected now")
    else:
        yield Event("Normal", "VersionCreated", said[2].removesuffix(told)[:1024])
        if told:
            yield Event("Warning", "LookAtData", f"{name}{told}"[:1024])


def _failed(o: DatasetObserved, ingest: Ingest, job: JobSeen, now: datetime) -> Plan:
    """What the infrastructure failed is tried again later; else only another spec, a tick or a request starts anew."""
    problem = job.problem or LOST
    result: Said = ("False", problem.reason, problem.message + _in_service(o))
    waited = _never_begun(o, job)
    finished = _finished(ingest, waited or result, now)
    if waited or failed_by_the_world(job):
        failures = ingest.failures or 0
        retry = timestamp(retry_at(job, failures, now))
        finished = finished.model_copy(update={"failures": failures + 1, "retry": retry})
    said = _result(o, finished, now)
    return Plan(status=_status(o, said, now, ingest=finished), events=warning(o.status.condition("Ready"), said))


def _finished(ingest: Ingest, said: Said, now: datetime) -> Ingest:
    update = {"finished": timestamp(now), "reason": said[1], "message": said[2][:4096], "failures": None}
    return ingest.model_copy(update=update)


def _never_begun(o: DatasetObserved, job: JobSeen) -> Said | None:
    """What the Job had waited for until its time was over."""
    ready, problem = o.status.condition("Ready"), job.problem
    over = problem is not None and problem.reason == "DeadlineExceeded"
    return (ready.status, ready.reason, ready.message) if over and ready and ready.reason in NOT_BEGUN else None


def _told(o: DatasetObserved, problem: Problem, now: datetime, again: float | None = None) -> Plan:
    """What holds the ingest up; it goes on."""
    said: Said = ("False", problem.reason, problem.message + _in_service(o))
    events = warning(o.status.condition("Ready"), said)
    return Plan(status=_status(o, said, now), events=events, requeue_after=again)


def _rest(o: DatasetObserved, ingest: Ingest, now: datetime) -> Plan:
    """The result stands; Jobs before the last one are taken away, and versions that are too many."""
    again, limit = due_in(o.dataset, now), o.dataset.spec.history_limit
    beyond = superfluous(o.versions, o.named | _named_here(o.status), limit)
    return Plan(
        status=_status(o, _result(o, ingest, now), now),
        deletes=(*_earlier(o, ingest.job), *beyond),
        events=deletion(beyond, limit),
        requeue_after=None if again is None or o.dataset.spec.suspend else max(1.0, again),
    )


def _named_here(status: DatasetStatus) -> set[str]:
    names = status.latest_version and status.latest_version.name, status.checked and status.checked.version
    return {name for name in names if name}


def _result(o: DatasetObserved, ingest: Ingest, now: datetime) -> Said:
    """What came of an ingest; where that is no version, when the next one is."""
    ready = o.status.condition("Ready")
    if ingest.reason is None:  # it ended under an earlier operator
        assert ready is not None
        return ready.status, ready.reason, ready.message
    if ingest.reason in ("Ingested", EXPECTATIONS_FAILED):
        return "True" if ingest.reason == "Ingested" else "False", ingest.reason, ingest.message or ""
    again = None if o.dataset.spec.suspend else next_at(o.dataset, ingest, now)
    when = f"; it is tried again at {again}" if ingest.retry else f"; the next look is at {again}"
    return "False", ingest.reason, (ingest.message or "") + (when if again else "")


def _earlier(o: DatasetObserved, current: str) -> tuple[Ref, ...]:
    """Jobs of other ingests with their tasks; the task first, for only a Job that is still there is found again."""
    refs = [ref for ref in o.jobs if ref.name not in (current, reprint_name(current))]
    return tuple(each for ref in refs for each in (Ref("v1", "ConfigMap", ref.name), ref))


def _standing(o: DatasetObserved) -> Said | None:
    """Ready as it is, where the last look at this spec's source made a version that is there."""
    ready = o.status.condition("Ready")
    made = ready is not None and (ready.status == "True" or ready.reason == EXPECTATIONS_FAILED)
    stands = made and o.latest_exists and answers(o.dataset)
    return (ready.status, ready.reason, ready.message) if ready and stands else None


def _ingesting(o: DatasetObserved, job: str) -> Said:
    return "Unknown", "Ingesting", f"Job {job} reads the source" + _in_service(o)


def _in_service(o: DatasetObserved) -> str:
    latest = o.status.latest_version
    return f"; {latest.name} stays in service" if latest else ""


def _status(o: DatasetObserved, said: Said, now: datetime, **more: Any) -> DatasetStatus:
    ingest = more.get("ingest", o.status.ingest)
    goes_on = tried_again(ingest, said[1]) and not o.dataset.spec.suspend
    ready = with_ready(o.status, said, o.dataset.metadata.generation, now, goes_on=goes_on)
    if "ticks" not in more:
        more["ticks"] = ticks(o.dataset.spec, o.status.ticks, ingest, now)
    return o.status.model_copy(update={**ready, **more})
