"""TrainingRun: pin a DatasetVersion → one Job → one ModelVersion. What is over stays over, until its time to live is.

The pinned version is written to the status before anything is made. A ModelVersion is known by the run's uid, so that
a crash makes no second one; its number is the next of the model, and one that another run takes first is tried again.
Once Complete or Failed is true nothing is done any more, whatever becomes of the Job.

A suspended run has no Job: it is taken away, and made again when the run is resumed (a Job's own `suspend` is Kueue's).

Reasons of Ready (API): DatasetNotFound, DatasetNotReady, VersionNotFound, VersionMismatch, ServiceAccountNotAllowed,
Starting, Fetching, Testing, Training, Publishing, Queued, Suspended, Registering, Registered, AlreadyTrained, Sampled,
GateFailed, Identical, Differs, and those in `decide.jobs`, `.script`, `.search`, `.reproduce` and `.by_engine`. Of
Complete: Registered, AlreadyTrained, Sampled, Identical, Differs. Of Verified: as of the ModelVersion. Of Reproduced:
Identical, Differs. Of Failed: as Ready. Of Suspended: Suspended, Queued, Resumed. Of Isolated: ServiceAccount.
"""

from dataclasses import replace
from datetime import datetime

from modelward.api import DatasetVersion
from modelward.api.evaluation import PinnedServing
from modelward.api.search import SearchStatus
from modelward.api.training_run import PinnedDataset, TrainingRunStatus
from modelward.build.checkpoint import checkpoint_claim
from modelward.build.job import training_job
from modelward.build.model_version import model_version
from modelward.build.reprint import reprint_job
from modelward.build.search import script_copy, search_asked
from modelward.build.store_claim import store_claim
from modelward.build.task import task_config_map, train_task
from modelward.build.train_job import fetch_name, train_job_name
from modelward.decide.by_engine import beside_the_job, by_engine, enabled, first_children
from modelward.decide.conditions import set_condition, timestamp
from modelward.decide.identical import registered_already, trained_already
from modelward.decide.jobs import LOST, JobSeen, Problem, Said, held
from modelward.decide.pin import in_service, pin
from modelward.decide.plan import Event, Plan
from modelward.decide.reproduce import as_trained, on_its_data, reproduction
from modelward.decide.run import RunObserved, failed, job_name, ref, told, with_said, with_tasks
from modelward.decide.run_ended import completed, over, reproduced, sampled
from modelward.decide.running import running, starting
from modelward.decide.script import Script, script_of
from modelward.decide.search import check_lists, search, searches
from modelward.decide.service_account import allowed
from modelward.errors import Refused, Wait
from modelward.names import RUN_UID, Manifest, labels
from modelward.settings import Settings
from modelward_contracts.reports import PublishReport

AT_ONCE = 0.1
ENDED_SOON = 5.0


def decide(o: RunObserved, settings: Settings, now: datetime) -> Plan:
    plan = _or_told(o, settings, now)
    return (
        replace(plan, status=_suspension(plan.status, o, now)) if isinstance(plan.status, TrainingRunStatus) else plan
    )


def _or_told(o: RunObserved, settings: Settings, now: datetime) -> Plan:
    try:
        return _decide(o, settings, now)
    except Refused as refused:
        return told(o, Problem(refused.reason, str(refused)), now)
    except Wait as wait:
        return replace(told(o, Problem(wait.reason, str(wait)), now), requeue_after=wait.retry_after)


def _decide(o: RunObserved, settings: Settings, now: datetime) -> Plan:
    """Raises Wait and Refused of what a Job needs."""
    if o.status.is_over:
        return over(o, now)
    if searches(o.status):
        return search(o, settings, now)
    if o.run.spec.suspend and (o.job is None or o.job.state in ("Active", "Suspended")):
        return _suspended(o, now)
    return _reproduce(o, settings, now) if o.run.spec.reproduce else _train(o, settings, now)


def _reproduce(o: RunObserved, settings: Settings, now: datetime) -> Plan:
    """As the version that is named was trained. Raises Wait and Refused, as `_train`."""
    try:
        run = as_trained(o.run, o.original)
    except Refused as refused:
        return failed(o, Problem(refused.reason, str(refused)), now)
    assert o.original
    script = replace(o.script, origin=o.original.spec.lineage.script)
    return _train(replace(o, run=run, script=script), settings, now)


def _train(o: RunObserved, settings: Settings, now: datetime) -> Plan:
    pinned, script = o.status.dataset_version, None
    if o.job is None:
        allowed(o.run.spec.pod, settings)
        enabled(o.run, settings)
        handed_over = by_engine(o, settings, now) if o.run.spec.engine else None
        if handed_over:
            return handed_over
        script = script_of(o.run, o.script, settings, now)
    if pinned is None:
        return _pin(o, script, settings, now)
    if o.job is None:
        return _launch(o, pinned, script, settings, now)
    match o.job.state:
        case "Failed":
            return failed(o, o.job.problem or LOST, now)
        case "Succeeded":
            return _register(o, o.job, pinned, settings, now)
    return running(o, o.job, now)


def _pin(o: RunObserved, script: Script | None, settings: Settings, now: datetime) -> Plan:
    try:
        check_lists(o.run.spec.search)
        pinned = pin(o.run, o.dataset, o.version)
        if o.original:
            pinned = on_its_data(pinned, o.original)
    except Wait as wait:
        return Plan(status=with_said(o, ("Unknown", wait.reason, str(wait)), now), requeue_after=wait.retry_after)
    except Refused as refused:
        return failed(o, Problem(refused.reason, str(refused)), now)
    task = train_task(o.run, pinned, settings, script=script.origin if script else None, reproduces=o.reproduces)
    known = trained_already(o.run, task, o.models)
    if known:
        return completed(o, known, now, dataset_version=pinned, start_time=timestamp(now))
    job, started, serving = job_name(o.run), timestamp(now), in_service(o.run, o.deployments)
    if o.run.spec.search:
        return _begin_search(o, pinned, serving, script, settings, now)
    event = Event("Normal", "Started", f"Job {_first(o)} {_what(o)} {pinned.name}{_unexpected(o.version)}")
    status = with_said(
        o, starting(_first(o)), now, dataset_version=pinned, job=job, start_time=started, serving=serving
    )
    status = _isolation(_with_script(status, script), o, settings, now)
    return Plan(status=status, memory=True, creates=_children(o, pinned, serving, script, settings), events=(event,))


def _first(o: RunObserved) -> str:
    """The Job that begins."""
    return fetch_name(o.run) if o.run.spec.engine else o.status.job or job_name(o.run)


def _what(o: RunObserved) -> str:
    if o.run.spec.engine:
        return f"fetches, for TrainJob {train_job_name(o.run)},"
    if o.reproduces:
        return f"trains {o.reproduces} again on"
    return f"measures {o.run.spec.import_.place} on" if o.run.spec.import_ else "trains on"


def _begin_search(
    o: RunObserved,
    pinned: PinnedDataset,
    serving: list[PinnedServing],
    script: Script | None,
    settings: Settings,
    now: datetime,
) -> Plan:
    """No Job yet: `decide.search` makes one for each trial, and in the end names the run's own."""
    assert o.run.spec.search
    last, metadata = search_asked(o.run.spec.search).last, o.run.metadata
    said: Said = ("Unknown", "Searching", f"up to {last} trials on {pinned.name}")
    begun = {"start_time": timestamp(now), "search": SearchStatus(since=timestamp(now))}
    status = with_said(o, said, now, dataset_version=pinned, serving=serving, **begun)
    own = labels("training", training_run=metadata.name, run_uid=metadata.uid, model=o.run.spec.model_name)
    copy = [script_copy(o.raw, job_name(o.run), own, script.text)] if script and script.text is not None else []
    return Plan(
        status=_isolation(_with_script(status, script), o, settings, now),
        memory=True,
        creates=(*store_claim(metadata.namespace, settings), *copy),
        events=(Event("Normal", "Started", f"{said[2]}{_unexpected(o.version)}"),),
        requeue_after=AT_ONCE,
    )


def _unexpected(version: DatasetVersion | None) -> str:
    """Of a version that the run names."""
    valid = version.status.condition("Valid") if version else None
    return ", which does not meet its expectations" if valid and valid.status == "False" else ""


def _with_script(status: TrainingRunStatus, script: Script | None) -> TrainingRunStatus:
    return status.model_copy(update={"script": script.origin}) if script else status


def _children(
    o: RunObserved, pinned: PinnedDataset, serving: list[PinnedServing], script: Script | None, settings: Settings
) -> tuple[Manifest, ...]:
    metadata, job = o.run.metadata, o.status.job or job_name(o.run)
    origin, files = (script.origin, script.files) if script else (None, {})
    own = labels("training", training_run=metadata.name, run_uid=metadata.uid, model=o.run.spec.model_name)
    task = train_task(o.run, pinned, settings, serving, origin, reproduces=o.reproduces)
    made = training_job(o.raw, o.run, job, own, settings, origin)
    return (
        *store_claim(metadata.namespace, settings),
        *checkpoint_claim(o.raw, o.run, own),
        task_config_map(o.raw, job, own, task, files),
        *(first_children(o, made, settings) if o.run.spec.engine else (made,)),
    )


def _launch(o: RunObserved, pinned: PinnedDataset, script: Script | None, settings: Settings, now: datetime) -> Plan:
    """The Job is not there: never made, or taken away before it was done."""
    if o.run.spec.search and o.status.job != job_name(o.run):
        lost: Said = (
            "Unknown",
            "Searching",
            f"Job {o.status.job} is gone, and with it the stored result: on with trials",
        )
        return Plan(status=with_said(o, lost, now, job=None), memory=True, requeue_after=AT_ONCE)
    if o.ending:
        said: Said = ("Unknown", "Starting", f"waiting for pod {o.ending} to end: it still holds the run's volume")
        return Plan(status=with_said(o, said, now), requeue_after=ENDED_SOON)
    said = starting(_first(o))
    status = _with_script(with_said(o, said, now), script)
    anew = status.script != o.status.script
    return Plan(status=status, memory=anew, creates=_children(o, pinned, o.status.serving, script, settings))


def _suspended(o: RunObserved, now: datetime) -> Plan:
    after = "from its checkpoint" if o.run.spec.checkpoint or o.run.spec.engine else "anew"
    told = f"; when it is false again, the run starts {after}" if o.status.job else ""
    said: Said = ("Unknown", "Suspended", f"nothing runs while spec.suspend is true{told}")
    going = (*((ref(o.job),) if o.job else ()), *beside_the_job(o))
    events = tuple(Event("Normal", "Suspended", f"{g.kind} {g.name} is taken away: {said[2]}") for g in going[:1])
    return Plan(status=with_said(o, said, now), deletes=going, events=events)


def _suspension(status: TrainingRunStatus, o: RunObserved, now: datetime) -> TrainingRunStatus:
    """The condition Suspended, from the first time that it is true."""
    over, jobs = status.is_over, (o.job, o.engine.train, o.engine.fetch)
    queued = next((job for job in jobs if job and job.state == "Suspended"), None)
    if not over and o.run.spec.suspend:
        said: Said = ("True", "Suspended", "spec.suspend is true")
    elif not over and queued:
        said = ("True", *held(queued)[1:])
    elif status.condition("Suspended"):
        said = ("False", "Resumed", "")
    else:
        return status
    conditions = set_condition(status.conditions, "Suspended", *said, o.run.metadata.generation, now)
    return status.model_copy(update={"conditions": conditions})


def _register(o: RunObserved, job: JobSeen, pinned: PinnedDataset, settings: Settings, now: datetime) -> Plan:
    mine = next((m for m in o.models if m.metadata.labels.get(RUN_UID) == o.run.metadata.uid), None)
    if mine:
        return completed(o, mine, now)
    if isinstance(job.report, PublishReport):
        if o.original:
            return reproduced(o, reproduction(o.original, job.report, settings.training_image), job.report, now)
        if o.run.spec.sample:
            return sampled(o, job.report, o.run.spec.sample, now)
        known = registered_already(o.run, job.report, o.models) if job.stored else None
        if known:
            return completed(o, known, now)
        version = model_version(o.run, pinned, job.report, _next_number(o), settings)
        said: Said = ("Unknown", "Registering", f"registering a version of {o.run.spec.model_name}")
        return Plan(status=with_said(o, said, now), creates=(version,), requeue_after=AT_ONCE)
    if job.result_lost:
        return _again(o, job, now)
    return Plan(creates=_print_again(o, job, settings))


def _print_again(o: RunObserved, job: JobSeen, settings: Settings) -> tuple[Manifest, ...]:
    if job.printer or job.digest is None:
        return ()
    own = labels("report", training_run=o.run.metadata.name, run_uid=o.run.metadata.uid)
    return reprint_job(o.raw, job.name, own, job.digest, settings)


def _next_number(o: RunObserved) -> int:
    """One that neither a version has, or had, nor, by an import, a name."""
    model, names = o.run.spec.model_name, {m.metadata.name for m in o.models}
    number = 1 + max((m.spec.version for m in o.models if m.spec.model_name == model), default=0)
    number = max(number, o.last_number + 1)
    while f"{model}-{number}" in names:
        number += 1
    return number


def _isolation(status: TrainingRunStatus, o: RunObserved, settings: Settings, now: datetime) -> TrainingRunStatus:
    """A pod's identity in a cloud is that of all its containers, users' code included."""
    account = o.run.spec.pod.over(settings.job_pod).service_account_name
    if account is None:
        return status
    message = (
        f"the pod runs as service account {account}: what it may do in a cloud, the train step may do as well, unless "
        "the cloud keeps its identity out of single containers as AWS's and Azure's webhooks do"
    )
    generation = o.run.metadata.generation
    conditions = set_condition(status.conditions, "Isolated", "False", "ServiceAccount", message, generation, now)
    return status.model_copy(update={"conditions": conditions})


def _again(o: RunObserved, job: JobSeen, now: datetime) -> Plan:
    """Nobody can tell what came out: take the Job away, so that it is made once more."""
    said: Said = ("Unknown", LOST.reason, f"{LOST.message}: it trains again")
    event = Event("Warning", LOST.reason, said[2])
    going = (*with_tasks(job), *beside_the_job(o, trained=True))
    return Plan(status=with_said(o, said, now), deletes=going, events=(event,))
