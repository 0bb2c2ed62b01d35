"""Dataset: where data comes from, how it is prepared, what it must look like, when to look again."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from modelward_contracts.tasks import PROTOCOLS

from .common import (
    AGE,
    MESSAGE,
    READY,
    REASON,
    ApiModel,
    Column,
    ColumnKind,
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
    list_map,
    rule,
    rules,
)
from .container import ContainerSpec
from .expectations import Checked, Expectation
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


_URL = rule(
    f"self.matches('^({'|'.join(PROTOCOLS)})://[^/]+/.+')",
    "source.url must name files behind one of these: "
    + ", ".join(f"{name}://" for name in PROTOCOLS)
    + "; write `s3://bucket/2013-*.csv` or `https://host/file.csv`, files of a volume as `pvc`",
)
_PASSWORD_IN_URL = rule(
    "!self.matches('^(s3|https?)://[^/]*@')",
    "source.url must hold no user and password: put them into a Secret as HTTP_USERNAME, HTTP_PASSWORD and HTTP_HOST, "
    "and name it in spec.secretName",
)


class SqlSource(ApiModel):
    """What a query of a PostgreSQL database answers. Where the database is and who asks says the Secret of
    `spec.secretName`: DATABASE_URL, or the variables that psql reads (PGHOST, PGUSER, PGPASSWORD, PGDATABASE …)."""

    query: Annotated[str, Field(min_length=1, max_length=32_768)]
    """One SELECT. It runs in a transaction that may only read, in UTC."""


_TABLES = "self.map(each, has(each.__as__) ? each.__as__ : each.name.replace('-', '_').replace('.', '_'))"


class ParentDataset(ApiModel):
    """Another Dataset of the namespace, in its newest valid version."""

    name: Name
    """Of the Dataset."""
    as_: Annotated[str, Field(max_length=63, pattern=r"^[a-z_][a-z0-9_]*$")] | None = Field(None, alias="as")
    """What prepare.sql calls its table. None: the name, with underscores for dashes."""

    @property
    def table(self) -> str:
        return self.as_ or self.name.replace("-", "_").replace(".", "_")


_PARENTS = Field(
    min_length=1,
    max_length=16,
    json_schema_extra=list_map("name")
    | {
        "x-kubernetes-validations": [
            rule(
                f"{_TABLES}.all(one, {_TABLES}.filter(other, other == one).size() == 1)",
                "two of source.datasets have the same table name: write `as:` beside one of them",
            )
        ]
    },
)


class Source(ApiModel):
    """Where data comes from: exactly one of these."""

    model_config = rules(
        rule(
            "[has(self.pvc), has(self.inline), has(self.url), has(self.sql), has(self.datasets)]"
            ".filter(x, x).size() == 1",
            "source needs exactly one of pvc, inline, url, sql or datasets: "
            "write `source: {pvc: {claimName: NAME, path: GLOB}}` or `source: {url: 's3://bucket/2013-*.csv'}`",
        )
    )
    pvc: PvcSource | None = None
    inline: InlineSource | None = None
    url: (
        Annotated[
            str,
            Field(
                min_length=1,
                max_length=4096,
                json_schema_extra={"x-kubernetes-validations": [_URL, _PASSWORD_IN_URL]},
            ),
        ]
        | None
    ) = None
    """Files of an object store, `s3://bucket/2013-*.csv` (`**` crosses folders), or one file of a web server."""
    sql: SqlSource | None = None
    datasets: Annotated[list[ParentDataset], _PARENTS] | None = None
    """Other Datasets of the namespace, each a table of prepare.sql with all its rows. A new valid version of any of
    them is a reason to look again."""


class Prepare(ApiModel):
    """What is done to the data before it is checked and split: exactly one of these. None: it is taken as it is."""

    model_config = rules(
        rule(
            "has(self.sql) != has(self.container)",
            "prepare needs exactly one of sql or container: write `prepare: {sql: SELECT …}` or "
            "`prepare: {container: {image: …}}`",
        ),
        rule(
            "!has(self.resources) || has(self.container)",
            "prepare.resources are the container's: write them as spec.resources",
        ),
    )
    sql: Annotated[str, Field(min_length=1, max_length=32_768)] | None = None
    """One DuckDB SELECT over the table `source`, or over those of `source.datasets`."""
    container: ContainerSpec | None = None
    """Reads the source's tables as Parquet files in $MODELWARD_INPUT, writes one or several of the same columns."""
    resources: Resources = Resources()
    """Of the container. Where it says nothing, the chart's values for a training do."""


Character = Annotated[str, Field(max_length=1)]
"""One, or none at all."""


class CsvFormat(ApiModel):
    """How CSV files are written, where reading them shows it wrong. What was chosen stands in the DatasetVersion."""

    model_config = rules(
        rule(
            "!has(self.decimal) || !has(self.thousands) || self.decimal != self.thousands",
            "csv.decimal and csv.thousands must be different characters",
        ),
        rule(
            "!has(self.delimiter) || self.delimiter != ''",
            "csv.delimiter must be a character: leave it out to have it found",
        ),
    )
    header: bool | None = None
    """The first record is the columns' names. False: they are called column1, column2, … None: true."""
    delimiter: Character | None = None
    """Between fields. None: the one of tab, `;`, `|` and `,` that all records agree on, file by file."""
    quote: Character | None = None
    """Around fields that hold delimiters or line breaks, doubled within. Empty: quotes mean nothing. None: `"`."""
    encoding: Annotated[str, Field(min_length=1, max_length=32)] | None = None
    """None: UTF-8, or what the file's byte order mark says. `windows-1252` is usual for Western Europe."""
    decimal: Literal[".", ","] | None = None
    """None: a point; a comma, if the numbers can mean nothing else."""
    thousands: Literal[",", ".", " ", "'", "_"] | None = None
    """Between groups of three digits. None: there is none."""
    null_values: Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=32)] = []
    """Missing in all columns, text too; NA, null, ? and alike are missing among numbers, dates and booleans anyway."""
    skip_lines: Annotated[int, Field(ge=0, le=10_000)] = 0
    """Before the header."""
    comment: Character | None = None
    """Lines that begin with it are left out. None: there are none."""


class Columns(ApiModel):
    """What the columns are for. All others are inputs of the model."""

    model_config = rules(
        rule(
            "!has(self.id) || !has(self.label) || self.id != self.label",
            "columns.id and columns.label must be different columns",
        ),
        rule(
            "!has(self.forbidden) || !has(self.label) || !(self.label in self.forbidden)",
            "columns.forbidden must not hold the label: the label is never an input anyway",
        ),
        rule(
            "!has(self.forbidden) || !((has(self.id) && self.id in self.forbidden)"
            " || (has(self.time) && self.time in self.forbidden))",
            "columns.forbidden must not hold columns.id or columns.time: take it out of one of them",
        ),
        rule(
            "!has(self.pii) || !((has(self.label) && self.label in self.pii)"
            " || (has(self.time) && self.time in self.pii))",
            "columns.pii must not hold columns.label or columns.time: a hash is neither an answer nor a time",
        ),
        rule(
            "!has(self.pii) || !has(self.id) || !(self.id in self.pii) || self.pii[self.id] == 'Hash'",
            "columns.pii must not drop columns.id: write `Hash`, which keeps rows apart and on their side of the split",
        ),
        rule(
            "!has(self.pii) || !has(self.types) || self.pii.all(name, !(name in self.types))",
            "columns.types must not hold columns of columns.pii: a hash is text",
        ),
        rule(
            "!has(self.group) || ((!has(self.label) || self.group != self.label)"
            " && (!has(self.id) || self.group != self.id) && (!has(self.time) || self.group != self.time))",
            "columns.group must be another column than columns.label, columns.id and columns.time",
        ),
        rule(
            "!has(self.group) || ((!has(self.forbidden) || !(self.group in self.forbidden))"
            " && (!has(self.pii) || !(self.group in self.pii) || self.pii[self.group] == 'Hash'))",
            "columns.group must be there: take it out of columns.forbidden, and write `Hash` for it in columns.pii",
        ),
    )
    label: ColumnName | None = None
    """What is to be predicted. None: nothing is; it is a table for other Datasets, and no row is held out."""
    id: ColumnName | None = None
    """Identifies a row; keeps a row on its side of the split. Without it the row's inputs do."""
    time: ColumnName | None = None
    """When a row happened; never an input."""
    group: ColumnName | None = None
    """Whose row it is, a customer's: all rows of one are on one side of the split. Never an input."""
    forbidden: Annotated[list[ColumnName], Field(max_length=256)] = []
    """Columns that would leak the label or must not be used: ingest fails if the prepared data holds one."""
    types: Annotated[dict[str, ColumnKind], Field(max_length=256)] = {}
    """Of columns of the source, where the type that is read off the data is not what they are: `{zip: string}`."""
    missing: Literal["Refused", "AsNull"] = "Refused"
    """Of a column that some files have and others lack. AsNull: no value there."""
    pii: Annotated[dict[str, Literal["Drop", "Hash"]], Field(max_length=64)] = {}
    """Columns of the source that tell who somebody is: `{email: Drop, customer: Hash}`, before anything is stored. Hash
    needs the Secret `modelward-pii` of this namespace, whose key `salt` nobody can guess."""


class Splits(ApiModel):
    """Which rows are held out. The others are for training."""

    model_config = rules(
        rule(
            "(has(self.validationPercent) ? self.validationPercent : 10) + "
            "(has(self.testPercent) ? self.testPercent : 20) < 100",
            "splits.validationPercent and splits.testPercent must leave rows to train on: together below 100",
        )
    )
    by: Literal["id", "group", "time"] | None = None
    """`id` and `group` draw lots, and a row never changes its side; `time` holds out the newest rows, validation before
    test. None: by columns.group where there is one, or else by id."""
    validation_percent: Annotated[int, Field(ge=1, le=98)] = 10
    test_percent: Annotated[int, Field(ge=1, le=98)] = 20
    salt: Annotated[str, Field(max_length=253)] | None = None
    """Which rows go where. None: the dataset's name, so that a rebuilt cluster splits alike."""


_MINUTE, _HOUR, _DAY = "[0-5]?[0-9]", "([01]?[0-9]|2[0-3])", "(0?[1-9]|[12][0-9]|3[01])"
_MONTH = "(0?[1-9]|1[0-2]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)"
_WEEKDAY = "([0-7]|SUN|MON|TUE|WED|THU|FRI|SAT)"


def _cron_field(value: str) -> str:
    item = f"([*]|{value}(-{value})?)(/[1-9][0-9]?)?"
    return f"{item}(,{item})*"


_CRON = " +".join(map(_cron_field, (_MINUTE, _HOUR, _DAY, _MONTH, _WEEKDAY)))
_SCHEDULE = rule(
    f"self.matches('^(@(hourly|daily|midnight|weekly|monthly|yearly|annually)|(?i:{_CRON}))$')",
    'schedule is not the five fields minute, hour, day of month, month, day of week: write "30 3 * * MON-FRI" or '
    "@hourly, @daily, @weekly, @monthly, @yearly; the zone stands in timeZone",
)
_ZONE = rule(
    "self.matches('^[A-Z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$') && self != 'Local'",
    "timeZone is no name of the time zone database: write Europe/Berlin or Etc/UTC",
)


Schedule = Annotated[
    str, Field(min_length=1, max_length=100, json_schema_extra={"x-kubernetes-validations": [_SCHEDULE]})
]
TimeZone = Annotated[str, Field(min_length=1, max_length=64, json_schema_extra={"x-kubernetes-validations": [_ZONE]})]


class DatasetSpec(ApiModel):
    model_config = rules(
        rule(
            "!has(self.csv) || !has(self.format) || self.format == 'csv'", "spec.csv is for `format: csv`: leave it out"
        ),
        rule(
            "has(self.columns.label) || (!has(self.task) && !has(self.splits))",
            "without columns.label nothing is predicted and no row held out: write the label, or leave spec.task and "
            "spec.splits out",
        ),
        rule(
            "!has(self.splits) || !has(self.splits.by) || self.splits.by != 'group' || has(self.columns.group)",
            "splits.by is group: write the column in columns.group",
        ),
        rule(
            "!has(self.splits) || !has(self.splits.by) || self.splits.by != 'time' || has(self.columns.time)",
            "splits.by is time: write the column in columns.time",
        ),
        rule(
            "!(has(self.source.sql) || has(self.source.datasets)) || (!has(self.format) && !has(self.csv))",
            "spec.format and spec.csv are for files: leave them out beside source.sql and source.datasets",
        ),
        rule(
            "!has(self.source.datasets) || self.source.datasets.size() == 1 || has(self.prepare)",
            "several source.datasets need `prepare: {sql: …}`, one SELECT that joins their tables, or a container",
        ),
        rule(
            "!has(self.source.datasets) || !has(self.columns.types)",
            "columns.types is for files and queries: write CAST(column AS type) in prepare.sql",
        ),
        rule(
            "!has(self.source.datasets) || !has(self.columns.pii)",
            "columns.pii is for files and queries: drop or hash in the Dataset that reads them",
        ),
        rule(
            "!has(self.source.sql) || has(self.secretName)",
            "source.sql needs spec.secretName: a Secret with DATABASE_URL, or with PGHOST, PGUSER, PGPASSWORD and "
            "PGDATABASE",
        ),
        rule(
            "!has(self.interval) || !has(self.schedule)",
            'spec has interval and schedule: write either `interval: 1h` or `schedule: "30 3 * * *"`',
        ),
        rule(
            "!has(self.timeZone) || has(self.schedule)",
            'spec.timeZone is for spec.schedule: write `schedule: "30 3 * * *"` beside it, or leave it out',
        ),
        rule(
            "!has(self.secretName) || has(self.source.url) || has(self.source.sql)",
            "spec.secretName is for source.url and source.sql: leave it out",
        ),
    )
    source: Source
    secret_name: Name | None = None
    """A Secret labelled `modelward.dev/use: source`: its keys are the environment of the ingest container alone."""
    format: Literal["csv", "parquet", "jsonl"] = "csv"
    csv: CsvFormat = CsvFormat()
    prepare: Prepare | None = None
    columns: Columns
    task: Literal["classification", "regression"] | None = None
    """None: classification if the label is text, boolean or whole numbers of at most 20 values."""
    expectations: Annotated[list[Expectation], Field(max_length=100)] = []
    """What the prepared data must look like. A version that does not is kept, and used by nobody unless named."""
    splits: Splits = Splits()
    resources: Resources = Resources()
    """Of the ingest. Where it says nothing, the chart's values do."""
    pod: JobPod = JobPod()
    """Where and how the ingest runs."""
    interval: Duration | None = None
    """How long after a look the next one comes. None, and no schedule: when the spec changes."""
    schedule: Schedule | None = None
    """Cron of when to look for changed files, `30 3 * * MON-FRI` or `@hourly`; instead of `interval`."""
    time_zone: TimeZone | None = None
    """Of the schedule: Europe/Berlin. None: UTC."""
    suspend: bool = False
    """Look for changed files no more, until this is false again."""
    history_limit: Annotated[int, Field(ge=1, le=1000)] = 10
    """How many DatasetVersions that nothing uses are kept: the newest."""


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
    parents: Annotated[list[Digest], Field(max_length=16)] | None = None
    """Of `source.datasets`, in their order: the versions that are read."""
    started: Timestamp
    finished: Timestamp | None = None
    reason: Reason | None = None
    """Once it is finished: what came of it."""
    message: Message | None = None
    failures: int | None = None
    """How many in a row, up to this one, the infrastructure failed."""
    retry: Timestamp | None = None
    """When it is tried again, if the infrastructure failed it."""


class Ticks(ApiModel):
    """When the source is looked at by itself."""

    of: Annotated[str, Field(max_length=200)]
    """What the spec said: `30 3 * * * Europe/Berlin`, `every 1h`."""
    next: Timestamp | None = None
    """None while an ingest of an `interval` is under way. In the past: as soon as that can be."""
    last: Timestamp | None = None
    """Of a schedule: the last that an ingest answered."""


class DatasetStatus(Status):
    latest_version: LatestVersion | None = None
    """The newest that meets its expectations."""
    ingest: Ingest | None = None
    checked: Checked | None = None
    """What came of the expectations when they were last checked."""
    ticks: Ticks | None = None


class Dataset(Resource):
    """Where data comes from, how it is prepared, what it must look like, when to look again."""

    NAMES: ClassVar[Names] = Names(kind="Dataset", plural="datasets", short="dset")
    NAME_LIMIT: ClassVar[int] = 40
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        READY,
        REASON,
        Column(name="Latest", path=".status.latestVersion.name"),
        Column(name="Rows", path=".status.latestVersion.rows", type="integer"),
        Column(name="Next", path=".status.ticks.next", priority=1),
        AGE,
        MESSAGE,
    )
    spec: DatasetSpec
    status: DatasetStatus = DatasetStatus()
