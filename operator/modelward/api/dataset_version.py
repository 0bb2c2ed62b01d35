"""DatasetVersion: one immutable, content-addressed snapshot of a Dataset. Written by the operator."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from .common import (
    AGE,
    MESSAGE,
    READY,
    ApiModel,
    Column,
    ColumnKind,
    ColumnName,
    Digest,
    Name,
    Names,
    Resource,
    Status,
    condition_column,
    rule,
    rules,
)
from .expectations import Check


class TopValue(ApiModel):
    value: Annotated[str, Field(max_length=64)]
    count: int


class ColumnStatistics(ApiModel):
    """All splits together. Columns of `columns.pii`, and those beyond what has room here, have the two counts alone."""

    missing: int
    distinct: int
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    deviation: float | None = None
    """Standard deviation."""
    quantiles: Annotated[list[float], Field(max_length=7)] = []
    """1, 5, 25, 50, 75, 95 and 99 %."""
    cuts: Annotated[list[float], Field(max_length=9)] = []
    """Deciles, each once: the upper ends of all bins but the last."""
    counts: Annotated[list[int], Field(max_length=10)] = []
    """Rows in each bin."""
    earliest: Annotated[str, Field(max_length=64)] | None = None
    latest: Annotated[str, Field(max_length=64)] | None = None
    top: Annotated[list[TopValue], Field(max_length=20)] = []
    """The most frequent values, none that stands in fewer than five rows."""


class DataColumn(ApiModel):
    name: ColumnName
    type: ColumnKind
    nullable: bool
    guessed: bool = False
    """The type was read off a CSV file's text: neither stated by the Dataset nor by the file."""
    statistics: ColumnStatistics | None = None
    """None: made by a release that told none here."""


class CsvRead(ApiModel):
    """How the CSV files were read."""

    header: bool
    delimiter: Annotated[str, Field(max_length=1)]
    """Of the first file."""
    other_delimiters: Annotated[list[Annotated[str, Field(max_length=1)]], Field(max_length=8)] = []
    """Of the other files, where they differ."""
    quote: Annotated[str, Field(max_length=1)]
    encoding: Annotated[str, Field(max_length=32)]
    other_encodings: Annotated[list[Annotated[str, Field(max_length=32)]], Field(max_length=8)] = []
    decimal: Annotated[str, Field(max_length=1)]
    thousands: Annotated[str, Field(max_length=1)]
    null_values: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=32)] = []
    skip_lines: int = 0
    comment: Annotated[str, Field(max_length=1)] = ""
    guessed: Annotated[list[Annotated[str, Field(max_length=32)]], Field(max_length=16)] = []
    """Which of these fields were read off the files, for the Dataset states none."""


class SourceFile(ApiModel):
    path: Annotated[str, Field(max_length=1024)]
    bytes: int
    digest: Digest


class ParentVersion(ApiModel):
    dataset: Name
    version: Name
    """Of the DatasetVersion."""
    digest: Digest


class SplitRows(ApiModel):
    train: int
    validation: int
    test: int


class SplitBoundaries(ApiModel):
    """Of a split by time: the first time of each held-out part."""

    validation: Annotated[str, Field(max_length=64)]
    test: Annotated[str, Field(max_length=64)]


class DatasetVersionSpec(ApiModel):
    model_config = rules(
        rule("self == oldSelf", "a DatasetVersion is immutable: change the Dataset, or make a new one")
    )
    dataset_name: Name
    digest: Digest
    """Of the manifest in the store."""
    parent: Name | None = None
    """The version before it."""
    new_rows: int | None = None
    """Rows more than the parent has; all, where there is none."""
    task: Literal["classification", "regression"] | None = None
    rows: int
    bytes: int
    split_rows: SplitRows
    label: ColumnName | None = None
    """None: there is none, and no row is held out."""
    id: ColumnName
    time: ColumnName | None = None
    group: ColumnName | None = None
    split_boundaries: SplitBoundaries | None = None
    """Where the rows are split by time."""
    classes: Annotated[list[Annotated[str, Field(max_length=256)]], Field(max_length=1000)] = []
    columns: Annotated[list[DataColumn], Field(max_length=1000)]
    csv: CsvRead | None = None
    warnings: Annotated[list[Annotated[str, Field(max_length=512)]], Field(max_length=32)] = []
    """What a person should look at: what was taken as missing, as text, or left out, and why."""
    sources: Annotated[list[SourceFile], Field(max_length=1000)]
    """The files it was read from; at most 1,000 are listed."""
    source_files: int
    parents: Annotated[list[ParentVersion], Field(max_length=16)] = []
    """The versions of other Datasets that it was made of."""


class DatasetVersionStatus(Status):
    parents: Annotated[str, Field(max_length=4096)] | None = None
    """Names of the versions that it was made of, for people."""
    check: Check | None = None
    """What came of the Dataset's expectations; the condition Valid says it in short."""


class DatasetVersion(Resource):
    """One immutable, content-addressed snapshot: digests, rows, schema, splits, source files."""

    NAMES: ClassVar[Names] = Names(kind="DatasetVersion", plural="datasetversions", short="dsver")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        READY,
        condition_column("Valid"),
        Column(name="Dataset", path=".spec.datasetName"),
        Column(name="Rows", path=".spec.rows", type="integer"),
        Column(name="New", path=".spec.newRows", type="integer"),
        Column(name="Parents", path=".status.parents"),
        Column(name="Digest", path=".spec.digest", priority=1),
        AGE,
        MESSAGE,
    )
    spec: DatasetVersionSpec
    status: DatasetVersionStatus = DatasetVersionStatus()
