"""RegisteredModel: the standing definition of a model. Its runs follow from their causes, one at a time."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from .common import (
    AGE,
    LABEL_NAME,
    MESSAGE,
    READY,
    REASON,
    ApiModel,
    Column,
    Duration,
    Name,
    NameForm,
    Names,
    Reason,
    Resource,
    Status,
    Timestamp,
    rule,
    rules,
)
from .dataset import Schedule, Ticks, TimeZone
from .training_run import Cause, RunTemplate

HISTORY = 50
MODEL_NAME = NameForm("^[a-z]([-a-z0-9]*[a-z0-9])?$", f"{LABEL_NAME.words}, starting with a letter: it is the model's")


class NewData(ApiModel):
    """Each valid DatasetVersion that is newer than the one trained on last."""

    minimum_new_rows: Annotated[int, Field(ge=1)] | None = None
    """Only one with so many rows more than that. None: any."""


class DriftTrigger(ApiModel):
    """A ModelDeployment of the model that turns Drifted."""


class Triggers(ApiModel):
    """A change of `run` always starts a run, and so does who asks for one (modelward.dev/requested-at)."""

    model_config = rules(
        rule(
            "!has(self.timeZone) || has(self.schedule)",
            'triggers.timeZone is for triggers.schedule: write `schedule: "30 3 * * *"` beside it, or leave it out',
        )
    )
    new_data: NewData | None = None
    """`{}`: each valid version of the data that was not trained on."""
    schedule: Schedule | None = None
    """Cron, `30 3 * * MON-FRI` or `@daily`."""
    time_zone: TimeZone | None = None
    """Of the schedule: Europe/Berlin. None: UTC."""
    max_age: Duration | None = None
    """Of the oldest version in service, and since the last run."""
    drift: DriftTrigger | None = None
    """`{}`: a ModelDeployment of the model turned Drifted, and there is data that was not trained on."""


class Budget(ApiModel):
    runs_per_day: Annotated[int, Field(ge=1, le=HISTORY)]
    """In any 24 hours. What a person asks for, by annotation or by changing `run`, is counted and not held."""


class Retention(ApiModel):
    """The newest; what a ModelDeployment serves, tries, has rejected or names, and what has an alias or is approved,
    stays anyway."""

    versions: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Newest ModelVersions that passed their gates. None: all."""
    unverified_versions: Annotated[int, Field(ge=0, le=1000)] | None = None
    """Newest ModelVersions that did not. None: all."""
    runs: Annotated[int, Field(ge=1, le=1000)] = 20
    """Newest TrainingRuns that are over, of those that this RegisteredModel made."""


class RegisteredModelSpec(ApiModel):
    model_config = rules(
        rule(
            "!has(self.run.datasetRef.version)",
            "spec.run.datasetRef.version pins one version for ever: leave it out, runs train on the newest valid one",
        )
    )
    run: RunTemplate
    """A TrainingRun's spec without modelName: the model is called as the RegisteredModel."""
    triggers: Triggers = Triggers()
    """What starts a run by itself."""
    cool_down: Duration | None = None
    """At least so long from the end of a run to the next that starts by itself."""
    budget: Budget | None = None
    """How many runs there may be."""
    retention: Retention = Retention()
    """What is kept of the past. Versions in use, with an alias or approved stay anyway."""
    suspend: bool = False
    """Start no run, until this is false again."""


class RunRecord(ApiModel):
    """A run, from before it is made."""

    run: Name
    """Of the TrainingRun: deterministic, so a crash makes no second one."""
    cause: Cause
    definition: Annotated[str, Field(max_length=16)]
    """Hash of `spec.run`."""
    dataset_version: Name
    rows: int | None = None
    """Of the DatasetVersion, as far as it is known."""
    started: Timestamp
    made: bool = False
    """The TrainingRun was seen."""
    ended: Timestamp | None = None
    result: Reason | None = None
    """Registered, GateFailed, TrainFailed, Deleted …"""
    model_version: Name | None = None


class Waiting(ApiModel):
    """The cause that is next."""

    cause: Cause
    reason: Literal["Running", "CoolingDown", "OverBudget", "Suspended"]
    until: Timestamp | None = None


class Serving(ApiModel):
    deployment: Name
    version: Name


class RegisteredModelStatus(Status):
    latest_version: Name | None = None
    """The newest ModelVersion that passed its gates."""
    serving: Annotated[list[Serving], Field(max_length=100)] = []
    run: Name | None = None
    """The TrainingRun under way."""
    waiting: Waiting | None = None
    request: Annotated[str, Field(max_length=256)] | None = None
    """The last value of annotation modelward.dev/requested-at that was answered, or found at first sight."""
    ticks: Ticks | None = None
    history: Annotated[list[RunRecord], Field(max_length=HISTORY)] = []
    """The newest last."""


class RegisteredModel(Resource):
    """The standing definition of a model: how it is trained, and when again."""

    NAMES: ClassVar[Names] = Names(kind="RegisteredModel", plural="registeredmodels", short="rmodel")
    NAME_LIMIT: ClassVar[int] = 40
    NAME_FORM: ClassVar[NameForm] = MODEL_NAME
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        READY,
        REASON,
        Column(name="Latest", path=".status.latestVersion"),
        Column(name="Run", path=".status.run"),
        Column(name="Waiting", path=".status.waiting.cause.type"),
        Column(name="Next", path=".status.ticks.next", priority=1),
        AGE,
        MESSAGE,
    )
    spec: RegisteredModelSpec
    status: RegisteredModelStatus = RegisteredModelStatus()
