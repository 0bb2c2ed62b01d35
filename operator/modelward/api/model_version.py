"""ModelVersion: one registered, immutable ONNX artifact with what was measured of it and where it came from."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from modelward_contracts.reports import MAX_IMPORTANCE, MAX_PACKAGES, MAX_SLICES

from .common import (
    AGE,
    ALIAS,
    MESSAGE,
    READY,
    REASON,
    ApiModel,
    Column,
    Digest,
    Name,
    Names,
    Person,
    Resource,
    ShortName,
    Status,
    Timestamp,
    condition_column,
    rule,
    rules,
)
from .evaluation import (
    RESULTS,
    BaselineResult,
    EvaluationSpec,
    GateResult,
    GateSpec,
    Importance,
    MetricName,
    Metrics,
    SliceResult,
)
from .script import ScriptOrigin
from .search import Values
from .training_run import Cause, TrainedAs

TensorName = Annotated[str, Field(max_length=256)]


class Tensor(ApiModel):
    name: TensorName
    datatype: Annotated[str, Field(max_length=16)]
    shape: Annotated[list[int], Field(max_length=8)]


class Signature(ApiModel):
    inputs: Annotated[list[Tensor], Field(max_length=1000)]
    outputs: Annotated[list[Tensor], Field(max_length=64)]
    classes: Annotated[list[Annotated[str, Field(max_length=256)]], Field(max_length=1000)] = []


class Artifact(ApiModel):
    digest: Digest
    bytes: int


class Batching(ApiModel):
    """Whether servers run rows of several requests together: only where a row's answer is proven to be its own."""

    rows_independent: bool
    reason: Annotated[str, Field(max_length=1024)] = ""
    """What stands in the way where it is not."""


class Searched(ApiModel):
    """The search that this version won."""

    algorithm: Annotated[str, Field(max_length=16)]
    metric: MetricName
    value: float
    """On the validation rows."""
    trial: int
    trials: int
    """How many were made, those that failed included."""
    failed: int = 0
    parameters: Values = {}


class Lineage(ApiModel):
    """Followed by names and digests from the serving pod back to the source files."""

    training_run: Name
    training_run_uid: Annotated[str, Field(max_length=64)]
    dataset_version: Name
    dataset_digest: Digest
    image: Annotated[str, Field(max_length=1024)] | None = None
    estimator: Annotated[str, Field(max_length=64)] | None = None
    script: ScriptOrigin | None = None
    platform_image: Annotated[str, Field(max_length=1024)] | None = None
    """Of the platform's own steps: estimators are trained in it, and everything is measured in it."""
    packages: Annotated[dict[str, Annotated[str, Field(max_length=64)]], Field(max_length=MAX_PACKAGES)] = {}
    """Versions in that image."""
    trained_as: TrainedAs | None = None
    """None in versions of earlier releases."""
    inputs_hash: Annotated[str, Field(max_length=71)]
    search: Searched | None = None
    """Where its parameters were sought."""
    cause: Cause | None = None
    """Of the run, where a RegisteredModel made it."""


NOTES, NOTE = 20, 1024
WORDS = 100


class AskedOf(ApiModel):
    """What a version's run asked of it, to ask it again elsewhere."""

    gates: Annotated[list[GateSpec], Field(max_length=32)] = []
    evaluation: EvaluationSpec | None = None


class ModelVersionSpec(ApiModel):
    model_config = rules(rule("self == oldSelf", "a ModelVersion is immutable: train or import a new one"))
    model_name: ShortName
    version: Annotated[int, Field(ge=1)]
    digest: Digest
    """Of the model manifest in the store: model, signature, profile and golden requests."""
    model: Artifact
    """model.onnx"""
    task: Literal["classification", "regression"]
    signature: Signature
    metrics: Metrics = {}
    """On the test rows, measured by the platform."""
    validation_metrics: Metrics = {}
    parity: Metrics = {}
    latency_seconds: Metrics = {}
    memory_bytes: Annotated[int, Field(ge=0)] = 0
    """That the loaded model takes."""
    gates: Annotated[list[GateResult], Field(max_length=RESULTS)] = []
    slices: Annotated[list[SliceResult], Field(max_length=MAX_SLICES)] = []
    """Of the test rows, the worst first."""
    baselines: Annotated[list[BaselineResult], Field(max_length=4)] = []
    """What simpler models reach on the same test rows."""
    importance: Annotated[list[Importance], Field(max_length=MAX_IMPORTANCE)] = []
    """The columns that matter most."""
    evaluation: Digest | None = None
    """Of all slices, columns and the calibration, in the store."""
    batching: Batching | None = None
    notes: Annotated[list[Annotated[str, Field(max_length=NOTE)]], Field(max_length=NOTES)] = []
    """What its author should know: how a usual export was taken, what could not be compared."""
    store: Annotated[str, Field(max_length=2048)] | None = None
    """URL of the store that keeps its bytes, below NAMESPACE, by digest; `file:///store` is the namespace's claim
    modelward-store. None in versions of earlier releases."""
    asked: AskedOf | None = None
    """None in versions of earlier releases."""
    lineage: Lineage


WHY = 512


class ServedBy(ApiModel):
    """A deployment that has, or had, this version in service, on trial or warm, or has rejected it."""

    deployment: Name
    role: Literal["Stable", "Candidate", "Warm", "Rejected"]
    """Warm: replaced, and still there while its successor is watched. Rejected: a verdict is in force."""
    since: Timestamp
    until: Timestamp | None = None
    """None: it is so now."""
    why: Annotated[str, Field(max_length=WHY)] | None = None
    """It ended; of a rejection, the verdict."""


AliasName = Annotated[str, Field(max_length=32, pattern=ALIAS)]


class Word(ApiModel):
    """What a person said of this version. It is added to the list and never changed."""

    time: Timestamp
    """When it was asked for, by the API server's clock."""
    by: Person | None = None
    verified: bool = False
    """The API server has proven the name."""
    why: Annotated[str, Field(max_length=WHY)] | None = None
    removed: bool | None = None
    """The alias, or the approval, ends here."""

    @property
    def signed(self) -> str:
        """`, by ada (unverified): best on weekends`, as far as that is known."""
        by = f", by {self.by}" + ("" if self.verified else " (unverified)") if self.by else ""
        return by + (f": {self.why}" if self.why else "")


class AliasWord(Word):
    name: AliasName
    before: Name | None = None
    """The ModelVersion that held the alias until then."""
    order: Annotated[int, Field(ge=0)]
    """Among words of the same second."""


class ModelVersionStatus(Status):
    deployments: Annotated[list[ServedBy], Field(max_length=100)] = []
    """What is so now, then what was, the newest first."""
    alias: Annotated[str, Field(max_length=2048)] | None = None
    """The aliases that it holds now, for people."""
    aliases: Annotated[list[AliasWord], Field(max_length=WORDS)] = []
    """The oldest first. The ModelVersion whose word for a name is the newest of its model holds it."""
    approvals: Annotated[list[Word], Field(max_length=WORDS)] = []
    """The oldest first; the last one counts."""
    answered: Annotated[list[Annotated[str, Field(max_length=16)]], Field(max_length=20)] = []
    """What was asked for by annotation and answered, the newest last: the same words never act twice."""

    @property
    def approval(self) -> Word | None:
        """The one in force."""
        return self.approvals[-1] if self.approvals and not self.approvals[-1].removed else None


class ModelVersion(Resource):
    """One registered, immutable ONNX artifact: digest, signature, metrics, gates, lineage, where it serves."""

    NAMES: ClassVar[Names] = Names(kind="ModelVersion", plural="modelversions", short="mver")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        READY,
        REASON,
        condition_column("Verified"),
        Column(name="Model", path=".spec.modelName"),
        Column(name="Version", path=".spec.version", type="integer"),
        Column(name="Aliases", path=".status.alias"),
        Column(name="Data", path=".spec.lineage.datasetVersion"),
        Column(name="Digest", path=".spec.digest", priority=1),
        AGE,
        MESSAGE,
    )
    spec: ModelVersionSpec
    status: ModelVersionStatus = ModelVersionStatus()
