"""How a job answers: lines of its log, and a termination message that fits the kubelet's limits.

A log line of ours is `PREFIX` + one JSON object. The last one of a successful job is the report (at most
`MAX_REPORT` bytes); the termination message (at most `MAX_TERMINATION` bytes) carries its digest, so that what is
read from the log is proven to be what the job said. The report is stored as a blob as well.
"""

from typing import Literal

from msgspec import UNSET, UnsetType

from .manifests import Batching, Boundaries, Column, Csv, Signature, SourceFile, Task
from .tasks import Commit
from .verdicts import StoredService
from .wire import Wire

PREFIX = "modelward: "
MAX_REPORT = 256 * 1024
MAX_TERMINATION = 1024
MAX_WARNINGS = 20
MAX_WARNING = 500
MAX_FAILURES = 50
MAX_EXPECTATION = 200
MAX_FAILURE = 500


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
    commit: Commit | None = None
    """Of a training's fetch: what the script was taken from."""


class Progress(Wire, frozen=True, kw_only=True, tag="Progress", tag_field="kind"):
    message: str
    fraction: float | None = None
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


class GateResult(Wire, frozen=True, kw_only=True):
    metric: str
    value: float | None
    bound: str
    """As written in the run: `>= 0.7`."""
    passed: bool


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


Report = IngestReport | PublishReport | CollectReport
Line = Progress | IngestReport | PublishReport | CollectReport
