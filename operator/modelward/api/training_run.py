"""TrainingRun: one training on one DatasetVersion. Immutable; registers the next ModelVersion of its model."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from .common import (
    AGE,
    MESSAGE,
    READY,
    REASON,
    SCALAR,
    ApiModel,
    Column,
    Digest,
    Name,
    Names,
    Resource,
    ShortName,
    Status,
    Timestamp,
    condition_column,
    rule,
    rules,
)
from .container import ContainerSpec
from .pod import JobPod
from .resources import Resources
from .script import ScriptOrigin, ScriptSpec

Parameters = Annotated[
    dict[str, str | int | float | bool],
    Field(max_length=100, json_schema_extra={"additionalProperties": SCALAR}),
]
"""Values are text, numbers or booleans."""


class DatasetRef(ApiModel):
    """The data to train on: a Dataset of the same namespace."""

    name: Name
    """Of the Dataset."""
    version: Name | None = None
    """A DatasetVersion's name. None: the newest when the run starts, then pinned in the status."""


class EstimatorSpec(ApiModel):
    """Our scikit-learn trainer: columns are prepared by their types."""

    name: Annotated[str, Field(max_length=64)]
    """As scikit-learn calls it: LogisticRegression, HistGradientBoostingClassifier, Ridge."""
    parameters: Parameters = {}
    """Its own, as scikit-learn calls them. Values are text, numbers or booleans."""


class GateSpec(ApiModel):
    model_config = rules(
        rule(
            "has(self.minimum) || has(self.maximum)",
            "a gate needs a bound: write `minimum:` or `maximum:` beside `metric:`",
        ),
        rule(
            "!has(self.minimum) || !has(self.maximum) || self.minimum <= self.maximum",
            "a gate's minimum must not be above its maximum: no value could pass",
        ),
    )
    metric: Annotated[str, Field(max_length=64)]
    """accuracy, auc, f1, log_loss, rmse, r2, …, model_bytes, memory_bytes or latency_p99_seconds."""
    minimum: float | None = None
    """The least value that passes."""
    maximum: float | None = None
    """The greatest value that passes."""


class StepResources(ApiModel):
    """Of the steps that are ours. The three steps run one after the other: a pod needs what its largest step needs."""

    fetch: Resources = Resources()
    """Copies the data from the store."""
    publish: Resources = Resources()
    """Runs the model on the held-out rows, measures it and stores it."""


_ONE_TRAINER = rule(
    "[has(self.estimator), has(self.script), has(self.container)].filter(x, x).size() == 1",
    "a TrainingRun needs exactly one of estimator, script or container: write "
    "`estimator: {name: LogisticRegression}`, `script: {configMap: {name: …}}` or `container: {image: …}`",
)


class RunTemplate(ApiModel):
    """How a model is trained and what it must reach."""

    model_config = rules(_ONE_TRAINER)
    dataset_ref: DatasetRef
    estimator: EstimatorSpec | None = None
    script: ScriptSpec | None = None
    container: ContainerSpec | None = None
    parameters: Parameters = {}
    """Written to params.json."""
    gates: Annotated[list[GateSpec], Field(max_length=32)] = []
    """What the test metrics must reach. A version that misses one is registered with Verified=False and not served."""
    resources: Resources = Resources()
    """Of the train step. Where it says nothing, the chart's values do."""
    step_resources: StepResources = StepResources()
    """Of the platform's own steps, before and after it."""
    pod: JobPod = JobPod()
    """Where and how the run's pod runs."""
    seed: int = 0
    """Of all chance in training, so that it can be repeated."""
    active_deadline_seconds: Annotated[int, Field(ge=1)] = 86_400
    backoff_limit: Annotated[int, Field(ge=0, le=20)] = 3
    """Retries after infrastructure failures; code and data errors are not retried."""


class Cause(ApiModel):
    """Why a RegisteredModel made a run."""

    type: Literal["Definition", "Request", "NewData", "Schedule", "Drift", "Age"]
    """Definition: the model is new, or how it is trained was changed. Request: a person asked."""
    message: Annotated[str, Field(max_length=512)]
    """In words, `9214 rows more in flights-3f2a91c04d`."""
    time: Timestamp
    """When it arose, as far as it is known."""
    requested_by: Annotated[str, Field(max_length=256)] | None = None
    """As annotation modelward.dev/requested-by says it."""


class TrainingRunSpec(RunTemplate):
    model_config = rules(
        rule(
            "self == oldSelf",
            "a TrainingRun is immutable: make another one with a new metadata.name",
        ),
        _ONE_TRAINER,
    )
    model_name: ShortName
    """Registers the next number of this model: modelName-N."""
    cause: Cause | None = None
    """Set by a RegisteredModel on the runs that it makes."""


class PinnedDataset(ApiModel):
    name: Name
    """Of the DatasetVersion."""
    digest: Digest


class TrainingRunStatus(Status):
    dataset_version: PinnedDataset | None = None
    script: ScriptOrigin | None = None
    """What is run; the commit, once it is fetched."""
    job: Name | None = None
    model_version: Name | None = None
    start_time: Timestamp | None = None
    completion_time: Timestamp | None = None
    metrics: Annotated[dict[str, float], Field(max_length=64)] = {}


class TrainingRun(Resource):
    """One training on one DatasetVersion. Its result is measured, verified and registered as a ModelVersion."""

    NAMES: ClassVar[Names] = Names(kind="TrainingRun", plural="trainingruns", short="trun")
    NAME_LIMIT: ClassVar[int] = 50
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        READY,
        REASON,
        condition_column("Verified"),
        Column(name="Model", path=".status.modelVersion"),
        Column(name="Data", path=".status.datasetVersion.name"),
        AGE,
        MESSAGE,
    )
    spec: TrainingRunSpec
    status: TrainingRunStatus = TrainingRunStatus()
