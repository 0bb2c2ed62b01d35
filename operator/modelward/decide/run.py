"""What is seen of a TrainingRun before anything is decided about it, and how its status says what was."""

from dataclasses import dataclass, field
from datetime import datetime

from modelward.api import Dataset, DatasetVersion, ModelDeployment, ModelVersion, TrainingRun
from modelward.api.engine import EngineStatus
from modelward.api.training_run import TrainingRunStatus
from modelward.decide.conditions import set_condition, timestamp
from modelward.decide.jobs import JobSeen, Problem, Said, warning, with_ready
from modelward.decide.plan import Event, Plan, Ref
from modelward.decide.script import ScriptSeen
from modelward.names import TRAINER, Manifest, child_name, short_hash


@dataclass(frozen=True)
class TrialSeen:
    number: int
    job: JobSeen


@dataclass(frozen=True)
class EngineSeen:
    """Of a run that an engine trains; the Job that publishes is the run's own."""

    fetch: JobSeen | None = None
    train: JobSeen | None = None
    """The TrainJob."""
    status: EngineStatus | None = None
    missing: str | None = None
    """What the cluster lacks."""


@dataclass(frozen=True)
class RunObserved:
    run: TrainingRun
    raw: Manifest
    """The live object: owner of its children."""
    dataset: Dataset | None = None
    version: DatasetVersion | None = None
    """What spec.datasetRef means now; both only before it is pinned."""
    deployments: tuple[ModelDeployment, ...] = ()
    """Of the namespace, before it is pinned and where a gate compares with what serves."""
    job: JobSeen | None = None
    models: tuple[ModelVersion, ...] = ()
    """All of the namespace, before anything is made and once the Job has succeeded; the run's own, once it is complete
    and was not measured."""
    script: ScriptSeen = field(default_factory=ScriptSeen)
    """What there is to make a Job with."""
    original: ModelVersion | None = None
    """That spec.reproduce names."""
    last_number: int = 0
    """The largest that a version of the model ever had."""
    checkpoint: Ref | None = None
    """The run's own claim, once the Job has succeeded."""
    ending: str | None = None
    """A pod of a Job before, which still holds the checkpoint or the engine's volume."""
    engine: EngineSeen = field(default_factory=EngineSeen)
    trials: tuple[TrialSeen, ...] = ()
    """Of a search that is under way: those that have a Job."""
    noted: bool = True
    """Nobody waits to hear how it ended."""

    @property
    def status(self) -> TrainingRunStatus:
        return self.run.status

    @property
    def reproduces(self) -> str | None:
        """The version's name."""
        return self.original.metadata.name if self.original else None


def job_name(run: TrainingRun) -> str:
    """With the uid: a run that is made again under its old name is another one."""
    return child_name(run.metadata.name, f"train-{short_hash(run.metadata.uid, length=6)}")


def with_said(o: RunObserved, said: Said, now: datetime, **more: object) -> TrainingRunStatus:
    ready = with_ready(o.status, said, o.run.metadata.generation, now)
    engine = {"engine": o.engine.status} if o.engine.status else {}
    return o.status.model_copy(update={**ready, **_fetched(o), **engine, **more})


def _fetched(o: RunObserved) -> dict[str, object]:
    """The commit of a script, as soon as it is known."""
    jobs = [job for job in (o.job, o.engine.fetch) if job]
    script, fetched = o.status.script, next((job.commit for job in jobs if job.commit), None)
    return {"script": script.model_copy(update={"commit": fetched.commit})} if script and fetched else {}


def told(o: RunObserved, problem: Problem, now: datetime) -> Plan:
    """What it waits for, until somebody acts."""
    said: Said = ("False", problem.reason, problem.message)
    return Plan(status=with_said(o, said, now), events=warning(o.status.condition("Ready"), said))


def failed(o: RunObserved, problem: Problem, now: datetime) -> Plan:
    said: Said = ("False", problem.reason, problem.message)
    status = with_said(o, said, now, completion_time=timestamp(now))
    ended: Said = ("True", problem.reason, problem.message)
    conditions = set_condition(status.conditions, "Failed", *ended, o.run.metadata.generation, now)
    events = (Event("Warning", problem.reason, problem.message),)
    return Plan(status=status.model_copy(update={"conditions": conditions}), events=events)


def with_tasks(job: JobSeen | None) -> tuple[Ref, ...]:
    """The Job and the one that prints its report, each after its task."""
    jobs = [each for each in (job and job.printer, job) if each]
    return tuple(found for each in jobs for found in (Ref("v1", "ConfigMap", each.name), ref(each)))


def ref(job: JobSeen) -> Ref:
    return Ref("batch/v1" if job.kind == "Job" else TRAINER, job.kind, job.name, job.uid)
