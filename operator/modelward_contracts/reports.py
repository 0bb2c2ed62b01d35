"""How a job answers: lines of its log, and a termination message that fits the kubelet's limits.

A log line of ours is `PREFIX` + one JSON object. The last one of a successful job is the report (at most
`MAX_REPORT` bytes); the termination message (at most `MAX_TERMINATION` bytes) carries its digest, so that what is
read from the log is proven to be what the job said. The report is stored as a blob as well.
"""

from typing import Any, Literal

from msgspec import UNSET, UnsetType

from .manifests import Batching, Boundaries, Column, Csv, Signature, SourceFile, Task
from .tasks import Commit
from .verdicts import StoredService
from .wire import Wire

PREFIX = "modelward: "
MAX_REPORT = 256 * 1024
MAX_TERMINATION = 1024
NOT_NEEDED = 76
"""Exit code of a step that says the result already: what would come after it is not run, and nothing has failed."""
MAX_TRIED = 600
MAX_WARNINGS = 20
MAX_WARNING = 500
MAX_FAILURES = 50
MAX_EXPECTATION = 200
MAX_FAILURE = 500
MAX_STATISTICS = 64 * 1024
MAX_VALUE = 64
MAX_GATE = 500
MAX_SLICES = 20
MAX_IMPORTANCE = 20
MAX_PACKAGES = 32


class Termination(Wire, frozen=True, kw_only=True):
    result: Literal["Succeeded", "Failed"]
    reason: str
    """CamelCase, becomes the condition's reason: SourceNotFound, ColumnMissing, InvalidModel, ParityFailed …"""
    message: str
    """One sentence: what is wrong, where, and what to do."""
    report: str | None = None
    """Digest of the report's canonical JSON."""
    retryable: bool = False
    """True only for infrastructure (store unreachable, disk full): data and code errors are not retried."""
    serving: StoredService | None = None
    """Of a scoring pod's fetch: another revision was in service when the store was last told."""
    commit: Commit | UnsetType = UNSET
    """Of a training's fetch: what the script was taken from."""
    trial: dict[str, Any] | UnsetType = UNSET
    """Of a trial's fetch: the parameters that are tried; none where they take more than `MAX_TRIED` bytes."""


class Progress(Wire, frozen=True, kw_only=True, tag="Progress", tag_field="kind"):
    message: str = ""
    fraction: float | None = None
    """Of the step."""
    metrics: dict[str, float] = {}


class Failure(Wire, frozen=True, kw_only=True):
    """An expectation that the prepared data does not meet."""

    expectation: str
    """As one would write it, at most `MAX_EXPECTATION` characters: `column age, minimum 0`."""
    message: str
    """What was found instead, at most `MAX_FAILURE` characters: how often, and up to five examples."""
    ages: bool = False
    """It is about the time that went by: data that was new once is not wrong for it."""


class ParentVersion(Wire, frozen=True, kw_only=True):
    """A version that another one was made of."""

    dataset: str
    digest: str
    """Of its DatasetManifest."""


class TopValue(Wire, frozen=True, kw_only=True):
    value: str
    """At most `MAX_VALUE` characters."""
    count: int


class ColumnStatistics(Wire, frozen=True, kw_only=True, omit_defaults=True):
    """Of one column, all splits together. What lies in the store as `DatasetManifest.statistics`, shortened.

    Columns of `columns.pii` have the two counts alone.
    """

    missing: int
    distinct: int
    minimum: float | None = None
    """Of numbers, as all up to `counts`."""
    maximum: float | None = None
    mean: float | None = None
    deviation: float | None = None
    """Standard deviation of the sample."""
    quantiles: list[float] = []
    """At `QUANTILES`."""
    cuts: list[float] = []
    """Bin i holds the values above `cuts[i - 1]` up to `cuts[i]`."""
    counts: list[int] = []
    """Of the bins: one more than cuts."""
    earliest: str | None = None
    """Of timestamps."""
    latest: str | None = None
    top: list[TopValue] = []
    """The most frequent values of text, booleans and whole numbers, none that stands in fewer than `FEW_ROWS` rows."""


QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
FEW_ROWS = 5
"""A value in fewer rows may be one person's."""


class IngestReport(Wire, frozen=True, kw_only=True, tag="Ingest", tag_field="kind"):
    manifest: str
    """Digest of the DatasetManifest: the version's identity."""
    task: Task
    rows: int
    bytes: int
    """Of the splits' Parquet files."""
    split_rows: dict[str, int]
    columns: list[Column]
    id: str = "row_id"
    """The id column; ours where the Dataset names none."""
    csv: Csv | None = None
    boundaries: Boundaries | None = None
    warnings: list[str] = []
    """What a person should look at, a sentence each; at most `MAX_WARNINGS`."""
    expectations: int = 0
    """How many were checked."""
    failed: int = 0
    failures: list[Failure] = []
    """At most `MAX_FAILURES` of those that failed."""
    classes: list[str]
    sources: list[SourceFile]
    """At most 1,000; `source_files` counts all."""
    source_files: int
    parents: list[ParentVersion] = []
    statistics: dict[str, ColumnStatistics] = {}
    """By column; beyond `MAX_STATISTICS` bytes with the two counts alone."""


class GateResult(Wire, frozen=True, kw_only=True):
    metric: str
    value: float | None
    bound: str
    """As written in the run: `>= 0.7`."""
    passed: bool
    message: str = ""
    """All of it in a sentence, at most `MAX_GATE` characters; reports of earlier releases have none."""
    slice: str | UnsetType = UNSET
    """Where `value` was measured, `carrier=UA`."""
    against: str | UnsetType = UNSET
    """The ModelVersion or baseline that it is compared with."""
    other: float | UnsetType = UNSET
    """Its value on the same rows."""
    difference: float | UnsetType = UNSET
    """`value` - `other`, and its 95 % interval."""
    low: float | UnsetType = UNSET
    high: float | UnsetType = UNSET
    result: Literal["Passed", "Failed", "Unclear"] | UnsetType = UNSET
    """Unclear: `passed` is what the gate's onUnclear says."""


class SliceResult(Wire, frozen=True, kw_only=True):
    """Test rows that have something in common."""

    column: str
    value: str
    """`UA`, `80..95`, `missing` or `other`."""
    rows: int
    share: float
    """Of all test rows."""
    counted: bool
    """It has as many rows as the run asks for: gates look at it."""
    metrics: dict[str, float]


class BaselineResult(Wire, frozen=True, kw_only=True):
    name: Literal["Trivial", "Linear"]
    metrics: dict[str, float]


class Importance(Wire, frozen=True, kw_only=True):
    """How much worse a metric gets where a column's values are shuffled among the rows, with its 95 % interval."""

    column: str
    metric: str
    loss: float
    low: float
    high: float


class CalibrationBin(Wire, frozen=True, kw_only=True):
    """Rows with about the same probability: what was said on average, and how often it was so."""

    rows: int
    said: float
    found: float


class EvaluationRecord(Wire, frozen=True, kw_only=True):
    """All that was measured of a model, in the store; the report has the part that fits a resource."""

    metrics: dict[str, float]
    slices: list[SliceResult]
    """The worst first."""
    baselines: list[BaselineResult]
    importance: list[Importance]
    """The weightiest first."""
    calibration: list[CalibrationBin]
    gates: list[GateResult]


class SearchResult(Wire, frozen=True, kw_only=True):
    """The search that a model won."""

    algorithm: str
    metric: str
    value: float
    """On the validation rows."""
    trial: int
    trials: int
    """How many were made, those that failed included."""
    failed: int
    parameters: dict[str, Any]


class PublishReport(Wire, frozen=True, kw_only=True, tag="Publish", tag_field="kind"):
    manifest: str
    """Digest of the ModelManifest."""
    model: str
    """Digest of model.onnx."""
    model_bytes: int
    task: Task
    signature: Signature
    metrics: dict[str, float]
    """On the test rows, measured by us: accuracy, auc, log_loss … or rmse, mae, r2."""
    validation_metrics: dict[str, float]
    parity: dict[str, float]
    """rows, label_mismatch (share), p99_difference, max_difference, tolerance (what rounding allows)."""
    latency_seconds: dict[str, float]
    """p50 and p99 of one row through onnxruntime, one thread."""
    memory_bytes: int
    """That a loaded model takes: a forest needs ten times the size of its file."""
    gates: list[GateResult]
    batching: Batching | None = None
    inputs_hash: str
    commit: Commit | UnsetType = UNSET
    """Where the script is of a git repository."""
    notes: list[str] = []
    """What the model's author should know: how a usual export was taken, what could not be compared. Sentences."""
    slices: list[SliceResult] = []
    """The worst `MAX_SLICES`, the worst first."""
    baselines: list[BaselineResult] = []
    importance: list[Importance] = []
    """The weightiest `MAX_IMPORTANCE`."""
    evaluation: str | None = None
    """Digest of the EvaluationRecord."""
    packages: dict[str, str] = {}
    """Versions of what decides the bytes of a model, in the image that measures; reports of earlier releases have
    none."""
    sample: int | UnsetType = UNSET
    """All of it is of a dry run on at most so many rows of each split."""
    search: SearchResult | UnsetType = UNSET
    """Where the parameters were sought."""


class TrialReport(Wire, frozen=True, kw_only=True, tag="Trial", tag_field="kind"):
    """One trial of a search; the record at `inputs.trial_key` is the same."""

    trial: int
    parameters: dict[str, Any]
    value: float
    """Of the objective, on the validation rows."""
    excess: dict[str, float] = {}
    """By constraint, `memory_bytes <= 1e+07`: by how much it is beyond; at most 0 where it is kept."""
    metrics: dict[str, float]
    """On the validation rows, and what the model costs."""
    model: str
    """Digest of model.onnx, as train wrote it."""
    predictions: str
    """Digest of predictions.parquet."""

    @property
    def feasible(self) -> bool:
        return all(excess <= 0 for excess in self.excess.values())


class CollectReport(Wire, frozen=True, kw_only=True, tag="Collect", tag_field="kind"):
    """Blobs, and their bytes."""

    held: int
    held_bytes: int
    """Before anything was taken away."""
    unnamed: int
    unnamed_bytes: int
    """Named by nothing, whether for long enough or not."""
    freed: int
    freed_bytes: int
    """In a dry run: what would be."""
    records: int
    """Results of runs and traces that were too old."""
    dry_run: bool = False


Report = IngestReport | PublishReport | TrialReport | CollectReport
Line = Progress | IngestReport | PublishReport | TrialReport | CollectReport
