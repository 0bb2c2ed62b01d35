"""The store's immutable manifests: what a dataset version and a model version consist of, by digest."""

from typing import Literal

from msgspec import UNSET, UnsetType

from .wire import Wire

ColumnType = Literal["boolean", "integer", "number", "string", "timestamp"]
Task = Literal["classification", "regression"]


BLOBS = "blobs/sha256/"
"""Below a namespace's part of the store; then the digest's hexadecimal digits."""


class Blob(Wire, frozen=True, kw_only=True):
    """Content-addressed bytes: `blobs/sha256/<hex>` under the store's root."""

    digest: str
    bytes: int


class SourceFile(Wire, frozen=True, kw_only=True):
    """One file that was read, so that lineage ends at bytes and not at a name. Part of the version's identity."""

    path: str
    bytes: int
    digest: str


class Column(Wire, frozen=True, kw_only=True):
    name: str
    type: ColumnType
    nullable: bool
    guessed: bool = False
    """The type was read off a CSV file's text: neither stated by the Dataset nor by the file."""


class Csv(Wire, frozen=True, kw_only=True):
    """How CSV files were read."""

    header: bool
    delimiter: str
    """Of the first file; each file has its own, where none is stated."""
    other_delimiters: list[str] = []
    """Of the other files, where they differ."""
    quote: str
    encoding: str
    other_encodings: list[str] = []
    decimal: str
    thousands: str
    null_values: list[str]
    skip_lines: int
    comment: str
    guessed: list[str]
    """The fields of this list that the Dataset did not state and that could have been otherwise."""


class Split(Wire, frozen=True, kw_only=True):
    """`data` is Parquet. Only train's holds the label column; the other splits' labels are Parquet of (id, label)."""

    rows: int
    data: Blob
    labels: Blob | None = None


class Boundaries(Wire, frozen=True, kw_only=True):
    """Of a split by time: the first time of each held-out part, as text."""

    validation: str
    test: str


class DatasetManifest(Wire, frozen=True, kw_only=True):
    """One immutable snapshot. Its digest (of the canonical JSON) is the DatasetVersion's identity."""

    dataset: str
    task: Task
    columns: list[Column]
    label: str
    """Empty: there is none, no row is held out, and `task` means nothing."""
    id: str
    time: str | None
    classes: list[str]
    """The label's classes as text, sorted; empty for regression."""
    rows: int
    splits: dict[Literal["train", "validation", "test"], Split]
    statistics: Blob
    salt: str
    sources: list[SourceFile]
    csv: Csv | None = None
    # What not every Dataset has is left out of the JSON: a new field must change no digest that there is.
    group: str | UnsetType = UNSET
    """Rows with the same value are on one side."""
    boundaries: Boundaries | UnsetType = UNSET
    """Where the split is by time."""

    @property
    def no_inputs(self) -> set[str]:
        """Columns that are there for other things."""
        return {name for name in (self.label, self.id, self.time, self.group) if name}


class Tensor(Wire, frozen=True, kw_only=True):
    """One input or output of the ONNX model."""

    name: str
    datatype: str
    """Open Inference Protocol datatype: FP32, INT64, BOOL, BYTES …"""
    shape: list[int]
    """-1 where the dimension is free; the first is the batch."""
    column: str | None = None
    """The dataset's own column name, where the exporter had to change it."""


class Signature(Wire, frozen=True, kw_only=True):
    inputs: list[Tensor]
    outputs: list[Tensor]
    classes: list[str]
    """Order of the probabilities' last axis; empty for regression."""
    label_output: str | None = None
    probability_output: str | None = None


class Batching(Wire, frozen=True, kw_only=True):
    """Whether rows of several requests may run together."""

    rows_independent: bool
    """Proven from the graph: row i of every output depends on row i of the inputs alone."""
    reason: str = ""
    """What stands in the way where it is not; names the operator."""


class ModelManifest(Wire, frozen=True, kw_only=True):
    """One immutable model. Its digest is what a ModelVersion, a revision and a scoring pod are pinned to."""

    model_name: str
    task: Task
    model: Blob
    """model.onnx"""
    signature: Signature
    profile: Blob
    """`profile.ReferenceProfile`"""
    golden: Blob
    """`golden.GoldenRequests`"""
    dataset: str
    """Digest of the DatasetManifest it was trained on."""
    batching: Batching | None = None
    """None in manifests older than the proof: servers prove it themselves."""
    inputs_hash: str
    """`digest_of` dataset, image, code and parameters: the key under `runs/`."""
    script: Blob | UnsetType = UNSET
    """The text that trained it, where it lay in a ConfigMap, which may be gone."""


class GoldenRequest(Wire, frozen=True, kw_only=True):
    """An Open Inference Protocol request (without id) and the outputs recorded for it when the model was published."""

    inputs: list[dict[str, object]]
    outputs: list[dict[str, object]]


class GoldenRequests(Wire, frozen=True, kw_only=True):
    """Replayed before a server turns ready. Numbers must agree within `rtol`·|expected| + `atol`, the rest exactly."""

    requests: list[GoldenRequest]
    rtol: float = 1e-4
    atol: float = 1e-5
