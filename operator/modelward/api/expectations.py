"""What a Dataset must look like, and what came of looking."""

from typing import Annotated

from pydantic import Field

from .common import ApiModel, ColumnKind, ColumnName, Duration, Name, int_or_string, rule, rules

Value = Annotated[int | str, Field(json_schema_extra=int_or_string(maxLength=256))]
_OF_COLUMN = ("type", "minimum", "maximum", "in", "matches", "unique", "maxMissing")
_SAID = ", ".join(f"has(self.{'__in__' if name == 'in' else name})" for name in _OF_COLUMN)


class RowsExpected(ApiModel):
    minimum: Annotated[int, Field(ge=1)]
    """Of rows, all splits together."""


class FreshExpected(ApiModel):
    column: ColumnName
    """Of timestamps, read as UTC."""
    max_age: Duration
    """Of the newest one when the source is looked at."""


class DriftExpected(ApiModel):
    maximum: Annotated[float, Field(gt=0, le=100)]
    """Population stability index of any column against the version before: 0.1 is a small shift, 0.25 a large one."""


class Expectation(ApiModel):
    """About one column, or `rows`, `fresh` or `drift`."""

    model_config = rules(
        rule(
            "[has(self.column), has(self.rows), has(self.fresh), has(self.drift)].filter(x, x).size() == 1",
            "an expectation is about one of column, rows, fresh or drift: write `{column: NAME, minimum: 0}`, "
            "`{rows: {minimum: 1000}}`, `{fresh: {column: NAME, maxAge: 24h}}` or `{drift: {maximum: 0.2}}`, each as "
            "an item of its own",
        ),
        rule(
            f"has(self.column) == [{_SAID}].exists(x, x)",
            "an expectation about a column says what is expected of it: write `column: NAME` with one or more of "
            "type, minimum, maximum, in, matches, unique, maxMissing",
        ),
        rule(
            "!has(self.minimum) || !has(self.maximum) || self.minimum <= self.maximum",
            "minimum must not be above maximum: exchange them",
        ),
        rule("!has(self.unique) || self.unique", "unique is true or left out"),
    )
    column: ColumnName | None = None
    """Of the prepared data. Missing values count for `maxMissing` alone."""
    type: ColumnKind | None = None
    """`number` is met by integers, too."""
    minimum: float | None = None
    """Of numbers; the bound itself is allowed."""
    maximum: float | None = None
    """Of numbers; the bound itself is allowed."""
    in_: Annotated[list[Value], Field(min_length=1, max_length=256)] | None = Field(None, alias="in")
    """The values that there may be. Fractions, dates, true and false in quotes: they are read as the column's type."""
    matches: Annotated[str, Field(min_length=1, max_length=1024)] | None = None
    """A regular expression (RE2) for the whole text of a value."""
    unique: bool | None = None
    """No value stands in two rows."""
    max_missing: Annotated[float, Field(ge=0, le=1)] | None = None
    """Share of the rows without a value, or with empty text: 0 for none, 0.05 for one of twenty."""
    rows: RowsExpected | None = None
    """How many there must be."""
    fresh: FreshExpected | None = None
    """How new the newest row must be."""
    drift: DriftExpected | None = None
    """How far columns may move from one version to the next."""


class Failure(ApiModel):
    expectation: Annotated[str, Field(max_length=512)]
    """As one would write it: `column age, minimum 0`."""
    message: Annotated[str, Field(max_length=1024)]
    """What was found instead: how often, and up to five examples."""


class Check(ApiModel):
    """What came of the expectations."""

    expectations: int = 0
    """How many were checked."""
    failed: int = 0
    failures: Annotated[list[Failure], Field(max_length=50)] = []
    """At most 50 of them."""


class Checked(Check):
    version: Name
    """Of which DatasetVersion this is told."""
