"""ModelVersion: one registered, immutable ONNX artifact with what was measured of it and where it came from."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from modelward_contracts.reports import MAX_IMPORTANCE, MAX_PACKAGES, MAX_SLICES

from .common import (
    AGE,
    MESSAGE,
    READY,
    REASON,
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
from .evaluation import (
    RESULTS,
    BaselineResult,
    EvaluationSpec,
    GateResult,
    GateSpec,
    Importance,
    Metrics,
    SliceResult,
)
from .script import ScriptOrigin
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
    cause: Cause | None = None
    """Of the run, where a RegisteredModel made it."""


NOTES, NOTE = 20, 1024


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


class ServedBy(ApiModel):
    """A deployment that has this version in service, on trial, or has rejected it."""

    deployment: Name
    role: Literal["Stable", "Candidate", "Rejected"]
    since: Timestamp


class ModelVersionStatus(Status):
    deployments: Annotated[list[ServedBy], Field(max_length=100)] = []


class ModelVersion(Resource):
    """One registered, immutable ONNX artifact: digest, signature, metrics, gates, lineage, where it serves."""

    NAMES: ClassVar[Names] = Names(kind="ModelVersion", plural="modelversions", short="mver")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        READY,
        REASON,
        condition_column("Verified"),
        Column(name="Model", path=".spec.modelName"),
        Column(name="Version", path=".spec.version", type="integer"),
        Column(name="Data", path=".spec.lineage.datasetVersion"),
        Column(name="Digest", path=".spec.digest", priority=1),
        AGE,
        MESSAGE,
    )
    spec: ModelVersionSpec
    status: ModelVersionStatus = ModelVersionStatus()
