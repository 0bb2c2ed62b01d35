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
    immutable_but,
    rule,
    rules,
)
from .container import ContainerSpec
from .engine import EngineSpec, EngineStatus
from .evaluation import RESULTS, EvaluationSpec, GateResult, GateSpec, PinnedServing
from .imported import ImportSpec
from .pod import JobPod
from .resources import Resources, Size
from .script import ScriptOrigin, ScriptSpec
from .search import SearchSpec, SearchStatus

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


class StepResources(ApiModel):
    """Of the steps that are ours. The three steps run one after the other: a pod needs what its largest step needs."""

    fetch: Resources = Resources()
    """Copies the data from the store."""
    publish: Resources = Resources()
    """Runs the model on the held-out rows, measures it and stores it."""


class CheckpointSpec(ApiModel):
    """A volume that the train step finds at $MODELWARD_CHECKPOINT as it left it, in a retry and after a suspension."""

    size: Size
    """Of the volume: 10Gi."""
    storage_class_name: Name | None = None
    """None: the cluster's default."""


class TestsSpec(ApiModel):
    """Run in the image that trains, before it does; the inputs are there to read."""

    command: Annotated[list[Annotated[str, Field(max_length=4096)]], Field(min_length=1, max_length=64)]
    """`[python, -m, pytest, -q]`. Any exit code but 0 ends the run."""


_PARAMETERS = "dyn(self).?parameters.hasValue()"
"""CEL's compiler knows no field of untyped values."""
_TRAINERS = "has(self.estimator), has(self.script), has(self.container)"
_WRITE = "write `estimator: {name: LogisticRegression}`, `script: {configMap: {name: …}}` or `container: {image: …}`"
_ONE_TRAINER = rule(
    f"[{_TRAINERS}].filter(x, x).size() == 1",
    f"a model is trained by exactly one of estimator, script or container: {_WRITE}",
)
_ONE_OF_ALL = rule(
    f"[{_TRAINERS}, has(self.__import__), has(self.reproduce)].filter(x, x).size() == 1",
    f"a TrainingRun needs exactly one of estimator, script, container, import or reproduce: {_WRITE}; "
    "or `import: {url: …, digest: …}`, or `reproduce: {name: …}`",
)
_AS_IT_WAS = rule(
    f"!has(self.reproduce) || !({_PARAMETERS} || has(self.seed) || has(self.gates) || has(self.evaluation) || "
    "has(self.search) || has(self.tests) || has(self.checkpoint) || has(self.sample))",
    "a version is reproduced as it was trained, and compared with itself: leave out parameters, search, seed, gates, "
    "evaluation, tests, checkpoint and sample beside reproduce",
)

_SLICES_TO_GATE = rule(
    "!has(self.gates) || !self.gates.exists(gate, has(gate.slice)) || "
    "(has(self.evaluation) && has(self.evaluation.slices) && self.evaluation.slices.size() > 0)",
    "a gate with `slice: Worst` needs slices: write `evaluation: {slices: [{column: NAME}]}`",
)


_OWN_CODE = rule(
    "!has(self.estimator) || !(has(self.tests) || has(self.checkpoint))",
    "tests and checkpoint are for code of your own: an estimator is trained in one go, leave them out beside it",
)

_NOTHING_TRAINED = rule(
    f"!has(self.__import__) || !({_PARAMETERS} || has(self.search) || has(self.tests) || has(self.checkpoint))",
    "an imported model is not trained: leave out parameters, search, tests and checkpoint beside import",
)

_ENGINE = (
    rule(
        "!has(self.engine) || has(self.script) || has(self.container)",
        "an engine trains code of your own: write `container: {image: …}` or `script: {configMap: {name: …}}` beside "
        "engine, in place of estimator, import or reproduce",
    ),
    rule(
        "!has(self.engine) || !(has(self.search) || has(self.checkpoint))",
        "an engine trains once, and its volume holds $MODELWARD_CHECKPOINT: leave search and checkpoint out beside it",
    ),
    rule(
        "!has(self.engine) || !has(self.pod) || !(has(self.pod.priorityClassName) || has(self.pod.runtimeClassName))",
        "the engine's runtime says priorityClassName and runtimeClassName: leave them out of pod beside engine",
    ),
)


class TrainedAs(ApiModel):
    """All that decides what comes of a training, beside the data: what it takes to do it again."""

    estimator: EstimatorSpec | None = None
    script: ScriptSpec | None = None
    """The text of a ConfigMap is in the store, by the digest of lineage.script."""
    container: ContainerSpec | None = None
    import_: ImportSpec | None = Field(None, alias="import")
    parameters: Parameters = {}
    seed: int = 0
    engine: EngineSpec | None = None


class ReproduceSpec(ApiModel):
    """A version that is trained again."""

    name: Name
    """Of the ModelVersion, one of spec.modelName. The run's data is the version's: datasetRef.version names it."""


_SOUGHT_OR_GIVEN = rule(
    "!has(self.search) || self.search.parameters.all(p, !dyn(self).?parameters[?p.name].hasValue() && "
    "!dyn(self).?estimator.?parameters[?p.name].hasValue())",
    "a parameter is either given or sought: leave it out of parameters, or of search.parameters",
)

_SEARCH_REPEATS = rule(
    "!has(self.search) || !has(self.checkpoint)",
    "trials share no volume: leave checkpoint out beside search",
)

_SEARCH_IS_PINNED = rule(
    "!has(self.search) || !has(self.script) || !has(self.script.git) || "
    "self.script.git.revision.matches('^[0-9a-f]{40}([0-9a-f]{24})?$')",
    "all trials of a search run the same code: write the whole hash of a commit as script.git.revision",
)


class RunTemplate(ApiModel):
    """How a model is trained and what it must reach."""

    model_config = rules(
        _ONE_TRAINER, _SLICES_TO_GATE, _OWN_CODE, _SOUGHT_OR_GIVEN, _SEARCH_REPEATS, _SEARCH_IS_PINNED, *_ENGINE
    )
    dataset_ref: DatasetRef
    estimator: EstimatorSpec | None = None
    script: ScriptSpec | None = None
    container: ContainerSpec | None = None
    parameters: Parameters = {}
    """Written to params.json."""
    search: SearchSpec | None = None
    """Parameters that are sought, by trials on the validation rows."""
    gates: Annotated[list[GateSpec], Field(max_length=32)] = []
    """What the test metrics must reach. A version that misses one is registered with Verified=False and not served."""
    evaluation: EvaluationSpec = EvaluationSpec()
    """What else is measured: slices, baselines, the columns' importance."""
    resources: Resources = Resources()
    """Of the train step. Where it says nothing, the chart's values do."""
    step_resources: StepResources = StepResources()
    """Of the platform's own steps, before and after it."""
    pod: JobPod = JobPod()
    """Where and how the run's pod runs."""
    seed: int = 0
    """Of all chance in training, so that it can be repeated."""
    active_deadline_seconds: Annotated[int, Field(ge=1)] = 86_400
    """Of a search: of all trials together."""
    backoff_limit: Annotated[int, Field(ge=0, le=20)] = 6
    """Retries after infrastructure failures, the first after 10 s, each next after twice as long; preempted and drained
    pods do not count. Code and data errors are not retried."""
    checkpoint: CheckpointSpec | None = None
    """Where the train step keeps what it has so far."""
    tests: TestsSpec | None = None
    """What the code must pass before it trains."""
    engine: EngineSpec | None = None
    """Hands the training to Kubeflow Trainer, on one machine or many."""
    retrain: bool = False
    """Train also where a run with the same inputs has left its result."""
    ttl_seconds_after_finished: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    """After this the run itself is deleted; what it registered stays. None: never."""


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
    model_config = immutable_but(
        "suspend",
        "a TrainingRun is immutable: make another one with a new metadata.name (spec.suspend alone may change)",
        _ONE_OF_ALL,
        _SLICES_TO_GATE,
        _OWN_CODE,
        _NOTHING_TRAINED,
        _AS_IT_WAS,
        _SOUGHT_OR_GIVEN,
        _SEARCH_REPEATS,
        _SEARCH_IS_PINNED,
        *_ENGINE,
    )
    model_name: ShortName
    """Registers the next number of this model: modelName-N."""
    import_: ImportSpec | None = Field(None, alias="import")
    """Take in a model that was trained elsewhere, in place of training one."""
    reproduce: ReproduceSpec | None = None
    """Train a version again from its lineage, and compare. Nothing is registered."""
    cause: Cause | None = None
    """Set by a RegisteredModel on the runs that it makes."""
    suspend: bool = False
    """Start nothing, and end what runs, until this is false again: then it starts anew, or from its checkpoint."""
    sample: Annotated[int, Field(ge=10)] | None = None
    """A dry run on at most so many rows of each split: all steps, and nothing is registered."""


class PinnedDataset(ApiModel):
    name: Name
    """Of the DatasetVersion."""
    digest: Digest


PROGRESS_MESSAGE, PROGRESS_METRICS = 256, 16
DIFFERENCES = 20


class RunProgress(ApiModel):
    """How far a run is, as its steps say themselves. What counts is measured at the end."""

    step: Literal["fetch", "tests", "train", "publish", "search"]
    """Of its pod; of a search all trials together."""
    fraction: Annotated[float, Field(ge=0, le=1)] | None = None
    """Of this step."""
    message: Annotated[str, Field(max_length=PROGRESS_MESSAGE)] = ""
    metrics: Annotated[dict[str, float], Field(max_length=PROGRESS_METRICS)] = {}
    """So far."""
    time: Timestamp
    """When this was new."""


class Reproduction(ApiModel):
    """What became of a version that was trained again."""

    model_version: Name
    identical: bool
    """model.onnx has the same digest."""
    model: Digest
    """Of the model.onnx that came out."""
    differences: Annotated[list[Annotated[str, Field(max_length=512)]], Field(max_length=DIFFERENCES)] = []
    """A clause each: bytes, metrics, packages, image."""


class TrainingRunStatus(Status):
    dataset_version: PinnedDataset | None = None
    script: ScriptOrigin | None = None
    """What is run; the commit, once it is fetched."""
    job: Name | None = None
    model_version: Name | None = None
    start_time: Timestamp | None = None
    completion_time: Timestamp | None = None
    metrics: Annotated[dict[str, float], Field(max_length=64)] = {}
    serving: Annotated[list[PinnedServing], Field(max_length=10)] = []
    """What gates compare with: what served when the run started."""
    gates: Annotated[list[GateResult], Field(max_length=RESULTS)] = []
    reproduction: Reproduction | None = None
    sample: int | None = None
    """The metrics are of a dry run on at most so many rows of each split."""
    progress: RunProgress | None = None
    """While it runs, and where it failed."""
    search: SearchStatus | None = None
    """Where parameters are sought."""
    engine: EngineStatus | None = None
    """Where an engine trains."""

    @property
    def is_over(self) -> bool:
        return self.is_true("Complete") or self.is_true("Failed")


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
        Column(name="Progress", path=".status.progress.fraction", type="number"),
        Column(name="Trials", path=".status.search.summary", priority=1),
        Column(name="Nodes", path=".status.engine.summary", priority=1),
        Column(name="Best", path=".status.search.best.value", type="number", priority=1),
        AGE,
        MESSAGE,
    )
    spec: TrainingRunSpec
    status: TrainingRunStatus = TrainingRunStatus()
