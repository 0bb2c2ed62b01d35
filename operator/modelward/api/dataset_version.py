"""DatasetVersion: one immutable, content-addressed snapshot of a Dataset. Written by the operator."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from .common import (
    AGE,
    MESSAGE,
    READY,
    ApiModel,
    Column,
    ColumnName,
    Digest,
    Name,
    Names,
    Resource,
    Status,
    rule,
    rules,
)


class DataColumn(ApiModel):
    name: ColumnName
    type: Literal["boolean", "integer", "number", "string", "timestamp"]
    nullable: bool


class SourceFile(ApiModel):
    path: Annotated[str, Field(max_length=1024)]
    bytes: int
    digest: Digest


class SplitRows(ApiModel):
    train: int
    validation: int
    test: int


class DatasetVersionSpec(ApiModel):
    model_config = rules(
        rule("self == oldSelf", "a DatasetVersion is immutable: change the Dataset, or make a new one")
    )
    dataset_name: Name
    digest: Digest
    """Of the manifest in the store."""
    parent: Name | None = None
    """The version before it."""
    task: Literal["classification", "regression"]
    rows: int
    bytes: int
    split_rows: SplitRows
    label: ColumnName
    id: ColumnName
    time: ColumnName | None = None
    classes: Annotated[list[Annotated[str, Field(max_length=256)]], Field(max_length=1000)] = []
    columns: Annotated[list[DataColumn], Field(max_length=1000)]
    sources: Annotated[list[SourceFile], Field(max_length=1000)]
    """The files it was read from; at most 1,000 are listed."""
    source_files: int


class DatasetVersionStatus(Status):
    pass


class DatasetVersion(Resource):
    """One immutable, content-addressed snapshot: digests, rows, schema, splits, source files."""

    NAMES: ClassVar[Names] = Names(kind="DatasetVersion", plural="datasetversions", short="dsver")
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        READY,
        Column(name="Dataset", path=".spec.datasetName"),
        Column(name="Rows", path=".spec.rows", type="integer"),
        Column(name="Digest", path=".spec.digest", priority=1),
        AGE,
        MESSAGE,
    )
    spec: DatasetVersionSpec
    status: DatasetVersionStatus = DatasetVersionStatus()
