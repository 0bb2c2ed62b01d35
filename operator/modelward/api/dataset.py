"""Dataset: where data comes from, how it is prepared, what it must look like, when to look again."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from .common import (
    AGE,
    MESSAGE,
    READY,
    REASON,
    ApiModel,
    Column,
    ColumnName,
    Digest,
    Duration,
    Message,
    Name,
    Names,
    Reason,
    Resource,
    Status,
    Timestamp,
    rule,
    rules,
)
from .pod import JobPod
from .resources import Resources


class PvcSource(ApiModel):
    """Files on a PersistentVolumeClaim of the same namespace; mounted read-only."""

    claim_name: Name
    """Of the PersistentVolumeClaim."""
    path: Annotated[str, Field(min_length=1, max_length=1024)] = "*"
    """Glob below the volume's root, `2013-*.csv`; `**` crosses folders."""


_INLINE_LIMIT = rule(
    "size(bytes(self)) <= 204800",
    "source.inline.data has more than 200 KiB, of which `kubectl apply` could not keep its copy: "
    "put the file on a volume and write `source: {pvc: {claimName: NAME, path: GLOB}}`",
)


class InlineSource(ApiModel):
    """The data itself, for small sets and examples."""

    data: Annotated[
        str, Field(min_length=1, max_length=900_000, json_schema_extra={"x-kubernetes-validations": [_INLINE_LIMIT]})
    ]
    """One file's text, in the given format; at most 200 KiB."""


class Source(ApiModel):
    """Where data comes from: exactly one of these."""

    model_config = rules(
        rule(
            "[has(self.pvc), has(self.inline)].filter(x, x).size() == 1",
            "source needs exactly one of pvc or inline: write `source: {pvc: {claimName: NAME, path: GLOB}}`",
        )
    )
    pvc: PvcSource | None = None
    inline: InlineSource | None = None


class Prepare(ApiModel):
    """What is done to the data before it is checked and split. None: it is taken as it is."""

    sql: Annotated[str, Field(min_length=1, max_length=32_768)]
    """One DuckDB SELECT over the table `source`."""


class Columns(ApiModel):
    """What the columns are for. All others are inputs of the model."""

    model_config = rules(
        rule("!has(self.id) || self.id != self.label", "columns.id and columns.label must be different columns"),
        rule(
            "!has(self.forbidden) || !(self.label in self.forbidden)",
            "columns.forbidden must not hold the label: the label is never an input anyway",
        ),
        rule(
            "!has(self.forbidden) || !((has(self.id) && self.id in self.forbidden)"
            " || (has(self.time) && self.time in self.forbidden))",
            "columns.forbidden must not hold columns.id or columns.time: take it out of one of them",
        ),
    )
    label: ColumnName
    """What is to be predicted."""
    id: ColumnName | None = None
    """Identifies a row; keeps a row on its side of the split. Without it the row's content does."""
    time: ColumnName | None = None
    """When a row happened; never an input."""
    forbidden: Annotated[list[ColumnName], Field(max_length=256)] = []
    """Columns that would leak the label or must not be used: ingest fails if the prepared data holds one."""


class Splits(ApiModel):
    """How many rows are held out. The others are for training; a row never changes its side."""

    model_config = rules(
        rule(
            "(has(self.validationPercent) ? self.validationPercent : 10) + "
            "(has(self.testPercent) ? self.testPercent : 20) < 100",
            "splits.validationPercent and splits.testPercent must leave rows to train on: together below 100",
        )
    )
    validation_percent: Annotated[int, Field(ge=1, le=98)] = 10
    test_percent: Annotated[int, Field(ge=1, le=98)] = 20
    salt: Annotated[str, Field(max_length=253)] | None = None
    """Which rows go where. None: the dataset's name, so that a rebuilt cluster splits alike."""


class DatasetSpec(ApiModel):
    source: Source
    format: Literal["csv", "parquet"] = "csv"
    prepare: Prepare | None = None
    columns: Columns
    task: Literal["classification", "regression"] | None = None
    """None: classification if the label is text, boolean or an integer of at most 20 values."""
    splits: Splits = Splits()
    resources: Resources = Resources()
    """Of the ingest. Where it says nothing, the chart's values do."""
    pod: JobPod = JobPod()
    """Where and how the ingest runs."""
    interval: Duration | None = None
    """How often to look for changed files. None: when the spec changes."""
    suspend: bool = False
    """Look for changed files no more, until this is false again."""


class LatestVersion(ApiModel):
    name: Name
    digest: Digest
    rows: int
    time: Timestamp


class Ingest(ApiModel):
    """The ingest under way or last done; `job` is deterministic, so a crash starts no second one."""

    job: Name
    request: Annotated[str, Field(max_length=64)]
    """Hash of spec and interval tick that this ingest answers."""
    started: Timestamp
    finished: Timestamp | None = None
    reason: Reason | None = None
    """Once it is finished: what came of it."""
    message: Message | None = None


class DatasetStatus(Status):
    latest_version: LatestVersion | None = None
    ingest: Ingest | None = None


class Dataset(Resource):
    """Where data comes from, how it is prepared, what it must look like, when to look again."""

    NAMES: ClassVar[Names] = Names(kind="Dataset", plural="datasets", short="dset")
    NAME_LIMIT: ClassVar[int] = 40
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        READY,
        REASON,
        Column(name="Latest", path=".status.latestVersion.name"),
        Column(name="Rows", path=".status.latestVersion.rows", type="integer"),
        AGE,
        MESSAGE,
    )
    spec: DatasetSpec
    status: DatasetStatus = DatasetStatus()
