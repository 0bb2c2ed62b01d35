"""A run that an engine trains: a Job fetches, a TrainJob trains, and the run's own Job publishes what it left.

Each is made once the one before it is done, under a name that follows from the run's uid, so that a crash makes no
second one; what was taken away before it was done is made again. Once the Job that publishes is there, all goes on as
with any run.

Reasons (API) of Ready, beside those of `decide.training_run`: EngineNotEnabled, EngineMissing. What Trainer refuses is
told in its words; of Failed: TrainFailed, or what the TrainJob's own condition says.
"""

from dataclasses import replace
from datetime import datetime

from modelward.api import TrainingRun
from modelward.build.job import training_job
from modelward.build.train_job import engine_claim, fetch_job, publish_job, train_job
from modelward.decide.jobs import LOST, JobSeen, Problem, Said
from modelward.decide.plan import Event, Plan, Ref
from modelward.decide.progress import look_again_in
from modelward.decide.run import RunObserved, failed, job_name, ref, with_said
from modelward.decide.running import running, starting
from modelward.errors import Refused, Wait
from modelward.names import Manifest, labels
from modelward.settings import Settings

NO_WATCH, ENDED_SOON, MISSING_AGAIN = 5.0, 2.0, 30.0
"""Seconds. Nobody watches TrainJobs: the cluster may know none."""


def enabled(run: TrainingRun, settings: Settings) -> None:
    """Raises Refused."""
    if run.spec.engine and not settings.engine_train_job:
        raise Refused(
            "EngineNotEnabled",
            "this installation hands no training to Kubeflow Trainer: leave out spec.engine in another run, or ask who "
            "installed Modelward to set engines.trainJob to true in the chart's values",
        )


def first_children(o: RunObserved, job: Manifest, settings: Settings) -> tuple[Manifest, ...]:
    """`job`: what would have trained in a pod of its own."""
    assert o.run.spec.engine
    claim = engine_claim(o.raw, o.run, o.run.spec.engine, job["metadata"]["labels"], settings)
    return (claim, fetch_job(o.run, job))


def by_engine(o: RunObserved, settings: Settings, now: datetime) -> Plan | None:
    """None: nothing has begun. Raises Wait."""
    if o.engine.missing:
        raise Wait("EngineMissing", o.engine.missing, MISSING_AGAIN)
    if o.engine.train:
        return _trains(o, o.engine.train, settings, now)
    fetch = o.engine.fetch
    if fetch is None:
        return None
    if fetch.state == "Failed":
        return failed(o, fetch.problem or LOST, now)
    return _hand_over(o, settings, now) if fetch.state == "Succeeded" else running(o, fetch, now)


def _hand_over(o: RunObserved, settings: Settings, now: datetime) -> Plan:
    engine = o.run.spec.engine
    assert engine
    made = train_job(o.raw, o.run, engine, _whole_job(o, settings))
    name = made["metadata"]["name"]
    return Plan(
        status=with_said(o, starting(name, "TrainJob"), now),
        creates=(made,),
        events=(Event("Normal", "HandedOver", f"TrainJob {name} trains, with {engine.in_words}"),),
        requeue_after=NO_WATCH,
    )


def _trains(o: RunObserved, train: JobSeen, settings: Settings, now: datetime) -> Plan:
    if train.state == "Failed":
        return failed(o, train.problem or Problem("TrainFailed", f"TrainJob {train.name} failed"), now)
    if train.state != "Succeeded":
        plan = running(o, train, now)
        over = o.engine.status is not None and o.engine.status.active == 0
        look = NO_WATCH if over else look_again_in(o.status, now)
        return replace(plan, requeue_after=min(look, plan.requeue_after or look))
    if o.ending:  # it could still write
        said: Said = ("Unknown", "Publishing", f"waiting for pod {o.ending} of TrainJob {train.name} to end")
        return Plan(status=with_said(o, said, now), requeue_after=ENDED_SOON)
    status = with_said(o, starting(job_name(o.run)), now)
    return Plan(status=status, creates=(publish_job(o.run, _whole_job(o, settings)),))


def _whole_job(o: RunObserved, settings: Settings) -> Manifest:
    metadata = o.run.metadata
    own = labels("training", training_run=metadata.name, run_uid=metadata.uid, model=o.run.spec.model_name)
    return training_job(o.raw, o.run, job_name(o.run), own, settings, o.status.script)


def beside_the_job(o: RunObserved, *, trained: bool = False) -> tuple[Ref, ...]:
    """What trains, or has fetched for it; and, where that is to be done again, what has `trained`."""
    seen = o.engine
    if seen.train and seen.train.state == "Succeeded" and not trained:
        return ()
    return tuple(ref(each) for each in (seen.train, seen.fetch) if each)
