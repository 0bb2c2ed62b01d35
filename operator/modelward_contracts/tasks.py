"""What a job is told to do: `task.json` in a ConfigMap mounted at `TASK_DIR`."""

from typing import Any, Literal

from msgspec import UNSET, UnsetType

from .manifests import ColumnType, Task
from .search import Search, Winner
from .verdicts import StoredService
from .wire import Wire

TASK_DIR = "/etc/modelward/task"
TASK_FILE = "task.json"
INLINE_FILE = "inline"
"""The inline source's text, beside task.json."""
SOURCE_DIR = "/source"
"""The source PVC, read-only."""
PROTOCOLS = ("s3", "gs", "gcs", "abfs", "abfss", "az", "https", "http")
"""Of a source's URL. No other one: fsspec has some that read what lies in the container itself."""
SOURCE_VARIABLE = "SOURCE_"
"""Before each key of the source's Secret in the environment: the store's credentials have the same names."""
STORE_DIR = "/store"
"""The store PVC, where the store is one."""
INPUT_DIR = "/work/input"
"""$MODELWARD_INPUT: train.parquet, validation.parquet, test.parquet, params.json."""
OUTPUT_DIR = "/work/output"
"""$MODELWARD_OUTPUT: model.onnx and predictions.parquet, or the Parquet files of a Dataset's own container."""
CHECKPOINT_DIR = "/checkpoint"
"""$MODELWARD_CHECKPOINT: a volume that outlives the pod."""
SHARED_CHECKPOINT_DIR = "/work/checkpoint"
"""Where that lies on the volume of a run that an engine trains."""
HANDOFF_DIR = "/handoff"
"""From one container of ours to another, past the user's in between."""
SCRIPT_DIR = "/script"
"""A run's script, read-only for what runs it: one file of a ConfigMap, or the files of a commit."""
SCRIPT_FILE = "script.py"
"""The text of a ConfigMap's script, beside task.json."""
COMMIT_FILE = "commit.json"
"""In HANDOFF_DIR: the `Commit` that fetch took a script from."""
SUGGESTION_FILE = "suggestion.json"
"""In HANDOFF_DIR: the parameters that a trial tries."""

PII_SECRET, PII_KEY = "modelward-pii", "salt"
"""Of the Dataset's namespace: the key that `columns.pii` hashes with."""
PII_SALT = "MODELWARD_PII_SALT"
"""The environment variable of the ingest container that it is in."""


class CsvOptions(Wire, frozen=True, kw_only=True):
    """What the Dataset states about its CSV files; None: read off the file. Empty text: there is none."""

    header: bool | None = None
    delimiter: str | None = None
    quote: str | None = None
    encoding: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    null_values: list[str] = []
    """Missing in every column, beside the usual markers in columns of numbers, dates or booleans."""
    skip_lines: int = 0
    comment: str | None = None


class Expectation(Wire, frozen=True, kw_only=True):
    """What the prepared data must look like: of one column, or one of the last four."""

    column: str | None = None
    type: ColumnType | None = None
    minimum: float | None = None
    maximum: float | None = None
    values: list[int | str] | None = None
    """The ones that there may be (`in`)."""
    matches: str | None = None
    """A regular expression (RE2) for the whole text."""
    unique: bool = False
    max_missing: float | None = None
    """Share of the rows."""
    min_rows: int | None = None
    fresh: str | None = None
    """A column of timestamps."""
    max_age: str | None = None
    """Of its newest value: 30s, 5m, 1h30m."""
    max_drift: float | None = None
    """PSI of any column against the version before."""


class Parent(Wire, frozen=True, kw_only=True):
    """A version of another Dataset, as a table of prepare.sql."""

    dataset: str
    table: str
    digest: str
    """Of its DatasetManifest."""
    numbered: bool = False
    """Its id is our number of the row, and no column of the data."""


class IngestTask(Wire, frozen=True, kw_only=True):
    dataset: str
    namespace: str
    store: str
    """fsspec URL of the store's root; the namespace's prefix is added by the client."""
    format: Literal["csv", "parquet", "jsonl"]
    source: Literal["pvc", "inline", "url", "sql", "datasets"]
    csv: CsvOptions = CsvOptions()
    types: dict[str, ColumnType] = {}
    """Of the source's columns, where stated."""
    missing_as_null: bool = False
    """A column that some files lack has no value there; else it is refused."""
    pii: dict[str, Literal["Drop", "Hash"]] = {}
    """Columns of the source of which the values are never kept."""
    path: str | None = None
    """Glob below SOURCE_DIR, for `pvc`."""
    query: str | None = None
    """One statement that the database runs, for `sql`."""
    parents: list[Parent] = []
    """For `datasets`."""
    url: str | None = None
    """For `url`: `s3://bucket/2013-*.csv`, `https://host/file.csv`."""
    secret: str | None = None
    """Name of the Secret whose keys are in the environment, for messages."""
    local_addresses: bool = False
    """A source may be on a loopback or link-local address."""
    prepare_sql: str | None = None
    """One SELECT over the table `source`, or the parents' tables."""
    container: bool = False
    """A user's container prepares the data: the step `source` comes before it, `ingest` reads its answer."""
    label: str | None = None
    """None: nothing is predicted, and no row held out."""
    id: str | None = None
    """None: a row number is added, `row_id` or a name like it that is free."""
    time: str | None = None
    group: str | None = None
    split_by: Literal["id", "group", "time"] = "id"
    forbidden: list[str] = []
    task: Task | None = None
    """None: classification when the label is text, boolean or whole numbers of at most 20 values."""
    expectations: list[Expectation] = []
    before: list[str] = []
    """Digests of the DatasetManifests in use, the newest first: drift is from the first that is another one."""
    validation_fraction: float
    test_fraction: float
    salt: str


class Estimator(Wire, frozen=True, kw_only=True):
    """One of the trainer's scikit-learn estimators."""

    name: str
    parameters: dict[str, Any] = {}


class Gate(Wire, frozen=True, kw_only=True):
    """What a model must reach on the held-out test rows: bounds, or another model that it is compared with."""

    metric: str
    minimum: float | None = None
    maximum: float | None = None
    # What was not always there is left out of the JSON where it is not said.
    slice: Literal["Worst"] | UnsetType = UNSET
    """The bounds hold for the slice where the metric is worst."""
    not_worse_than: Literal["Serving", "Baseline"] | UnsetType = UNSET
    margin: float | UnsetType = UNSET
    """How much worse may be: of losses a share of the other's. Negative: how much better it must be."""
    on_unclear: Literal["Pass", "Fail"] | UnsetType = UNSET


class SliceBy(Wire, frozen=True, kw_only=True):
    """Test rows by a column's values, or by quantiles of training where there are many."""

    column: str
    minimum_rows: int
    """A slice with less is part of no gate."""


class Evaluation(Wire, frozen=True, kw_only=True):
    """What is measured besides the metrics of all test rows."""

    slices: list[SliceBy] = []
    baseline: Literal["Trivial", "Linear"] = "Trivial"
    importance_rows: int | None = None
    """Test rows in which each column is shuffled; None: none."""


class ServingModel(Wire, frozen=True, kw_only=True):
    """A version that was in service when the run began."""

    version: str
    digest: str
    """Of its ModelManifest."""


class GitScript(Wire, frozen=True, kw_only=True):
    """A file of a git repository."""

    url: str
    revision: str
    """A branch, a tag, a full name below refs/, or a whole commit hash."""
    path: str
    """Of the file, from the repository's root."""
    secret: str | None = None
    """Name of the Secret whose keys are in the environment of `fetch`, for messages."""
    local_addresses: bool = False
    """The repository may be on a loopback or link-local address."""


class Commit(Wire, frozen=True, kw_only=True):
    """What a revision meant when it was fetched."""

    commit: str
    branch: bool = False
    """The revision was a branch, which may mean another commit by now."""


class ImportedModel(Wire, frozen=True, kw_only=True):
    """Where a model of elsewhere lies: behind a URL, or on the volume at SOURCE_DIR."""

    digest: str
    """Of model.onnx."""
    mlflow: bool = False
    """`url` and `path` are of a folder that MLflow wrote."""
    url: str | None = None
    path: str | None = None
    """Below SOURCE_DIR."""
    secret: str | None = None
    """Name of the Secret whose keys are in the environment of `fetch`, for messages."""
    local_addresses: bool = False
    """It may be on a loopback or link-local address."""


class Reproduced(Wire, frozen=True, kw_only=True):
    """A version that is trained again."""

    version: str
    """Its name."""
    file: str | None = None
    """What the script is called, where it was a ConfigMap's."""


class Engine(Wire, frozen=True, kw_only=True):
    """What trains, in place of a step of the Job: pods of others, which find the folders of `/work` on a volume."""

    runtime: str
    """Kind and name."""
    nodes: int | None = None
    """None: as the runtime says."""


class TrainTask(Wire, frozen=True, kw_only=True):
    """Read by all of `fetch`, our own `train` and `publish`."""

    run: str
    run_uid: str
    namespace: str
    model_name: str
    store: str
    dataset: str
    """Digest of the DatasetManifest."""
    estimator: Estimator | None = None
    parameters: dict[str, Any] = {}
    image: str | None = None
    """The user's as it stands in the run, or the one that scripts run in; part of the inputs' hash."""
    command: list[str] = []
    environment: dict[str, str] = {}
    """What the run sets for the user's container: it decides the result as well."""
    script: str | UnsetType = UNSET
    """Digest of SCRIPT_FILE, the text of a ConfigMap."""
    git: GitScript | UnsetType = UNSET
    imported: ImportedModel | UnsetType = UNSET
    """Nothing is trained: the model is brought from there."""
    gates: list[Gate] = []
    seed: int = 0
    evaluation: Evaluation | UnsetType = UNSET
    serving: list[ServingModel] | UnsetType = UNSET
    """Where a gate compares with it."""
    tests: list[str] | UnsetType = UNSET
    """The command that the code must pass first."""
    sample: int | UnsetType = UNSET
    """A dry run on at most so many rows of each split."""
    retrain: bool | UnsetType = UNSET
    """Do not take over a stored result."""
    search: Search | UnsetType = UNSET
    """The parameters that are sought."""
    trial: int | UnsetType = UNSET
    """This is one trial of the search."""
    failed: list[int] | UnsetType = UNSET
    """Trials before it that left nothing in the store."""
    winner: Winner | UnsetType = UNSET
    """The search is over, and this trial's model is taken."""
    reproduces: Reproduced | UnsetType = UNSET
    engine: Engine | UnsetType = UNSET

    @property
    def registers(self) -> bool:
        """Something comes of it that others may find."""
        return self.sample is UNSET and self.reproduces is UNSET


class ReportTask(Wire, frozen=True, kw_only=True):
    """Print a stored report again, because the pod's log is gone."""

    namespace: str
    store: str
    report: str
    """Digest, from the termination message."""


class VerdictTask(Wire, frozen=True, kw_only=True):
    """Write a rollback verdict into the store, where it outlives the cluster."""

    namespace: str
    store: str
    deployment: str
    revision: str
    retry: int
    reason: str
    message: str
    model: str
    """Digest of the model manifest."""
    decided: str
    """RFC 3339"""


class TraceTask(Wire, frozen=True, kw_only=True):
    """Write into the store what was looked at in the trial of a revision."""

    namespace: str
    store: str
    deployment: str
    revision: str
    part: str
    """Its name, without an ending: rollout and time of the first look, so that none overwrites another."""
    trace: bytes
    """gzip"""


class ServedTask(Wire, frozen=True, kw_only=True):
    """Write into the store which revision is in service."""

    namespace: str
    store: str
    deployment: str
    service: StoredService


class CollectTask(Wire, frozen=True, kw_only=True):
    """Find what nothing names, and take away what has been so for long enough."""

    namespace: str
    store: str
    owner: str
    """Of the resources that the digests are from."""
    take_over: str | None = None
    """The owner before, whose resources are known to be gone."""
    live: list[str]
    """Digests that resources name."""
    before: str
    """RFC 3339. What was written since then is somebody's who may not be done yet."""
    grace: float
    """Seconds that nothing must have named a blob before it goes."""
    records: float
    """Seconds after which the result of a run, a verdict or a trace keeps nothing."""
    dry_run: bool = False
