"""What is measured of a model, what it must reach, and what came out: TrainingRun and ModelVersion share it."""

from typing import Annotated, Literal

from pydantic import Field

from modelward_contracts.metrics import COSTS, METRICS

from .common import ApiModel, ColumnName, Digest, Name, rule, rules

Metrics = Annotated[dict[str, float], Field(max_length=64)]
MetricName = Annotated[str, Field(max_length=64)]
_KNOWN = [*METRICS["classification"], *METRICS["regression"], *COSTS]
_COSTS = ", ".join(f"'{name}'" for name in COSTS)
RESULTS = 200
"""Most gates that a run can have come to, each with all that serves."""


class GateSpec(ApiModel):
    model_config = rules(
        rule(
            "has(self.minimum) || has(self.maximum) || has(self.notWorseThan)",
            "a gate needs a bound: write `minimum:` or `maximum:` beside `metric:`, or `notWorseThan: Serving`",
        ),
        rule(
            "!has(self.minimum) || !has(self.maximum) || self.minimum <= self.maximum",
            "a gate's minimum must not be above its maximum: no value could pass",
        ),
        rule(
            "!has(self.notWorseThan) || !(has(self.minimum) || has(self.maximum))",
            "notWorseThan stands for itself: write another gate for minimum and maximum",
        ),
        rule(
            "has(self.notWorseThan) || !(has(self.margin) || has(self.onUnclear))",
            "margin and onUnclear are for notWorseThan: write `notWorseThan: Serving` beside them, or leave them out",
        ),
        rule(
            "!has(self.slice) || !has(self.notWorseThan)",
            "the worst slice has no counterpart to be compared with: write `minimum:` or `maximum:` in place of "
            "notWorseThan",
        ),
        rule(
            f"!(self.metric in [{_COSTS}]) || !(has(self.slice) || has(self.notWorseThan))",
            "size and latency are compared with nothing and have no slices: write `maximum:`",
        ),
        rule(
            "!has(self.margin) || self.margin < 0.0 || self.margin > 0.0",
            "a margin of 0 leaves no room for chance: write 0.01, or -0.01 where it must be better by so much",
        ),
    )
    metric: Annotated[str, Field(max_length=64, json_schema_extra={"enum": _KNOWN})]
    """Of classifications, of regressions, or what the model costs."""
    minimum: float | None = None
    """The least value that passes."""
    maximum: float | None = None
    """The greatest value that passes."""
    slice: Literal["Worst"] | None = None
    """The bounds hold for the slice of evaluation.slices where the metric is worst."""
    not_worse_than: Literal["Serving", "Baseline"] | None = None
    """Serving: each version that ModelDeployments of this model serve when the run starts, on the same test rows.
    Baseline: the one of evaluation.baseline."""
    margin: Annotated[float, Field(ge=-1, le=1)] | None = None
    """How much worse the metric may be: of log_loss, brier, rmse and mae a share of the other's value, of all else as
    it is. Negative: how much better it must be. None: 0.01."""
    on_unclear: Literal["Pass", "Fail"] | None = None
    """Where test rows are too few to tell, or it cannot be compared. None: Fail, and what serves goes on serving."""


class SliceSpec(ApiModel):
    column: ColumnName
    """Of text, booleans or whole numbers: by value. Of other numbers: by fifths of the training rows."""
    minimum_rows: Annotated[int, Field(ge=1)] = 100
    """A slice with less test rows is measured, but no gate looks at it."""


class ImportanceSpec(ApiModel):
    rows: Annotated[int, Field(ge=100, le=100_000)] = 2000
    """Most test rows that are shuffled."""


class EvaluationSpec(ApiModel):
    """What is measured on the test rows besides the metrics of all."""

    slices: Annotated[list[SliceSpec], Field(max_length=16)] = []
    """Groups of test rows that are measured on their own."""
    baseline: Literal["Trivial", "Linear"] = "Trivial"
    """Trivial: the most frequent class with the shares of all, or the mean. Linear: a logistic or ridge regression on
    the model's own inputs too, fitted to the training rows."""
    importance: ImportanceSpec | None = None
    """`{}`: how much worse the model is where a column's values are shuffled, column by column."""


class GateResult(ApiModel):
    metric: MetricName
    value: float | None = None
    bound: Annotated[str, Field(max_length=512)]
    passed: bool
    result: Literal["Passed", "Failed", "Unclear"] | None = None
    """Unclear: `passed` is what the gate's onUnclear says."""
    message: Annotated[str, Field(max_length=512)] | None = None
    """All of it in a sentence."""
    slice: Annotated[str, Field(max_length=512)] | None = None
    """Where the value was measured."""
    against: Annotated[str, Field(max_length=253)] | None = None
    """The ModelVersion or the baseline that it is compared with."""
    other: float | None = None
    """Its value on the same test rows."""
    difference: float | None = None
    low: float | None = None
    """Of the difference's 95 % interval."""
    high: float | None = None


class SliceResult(ApiModel):
    column: ColumnName
    value: Annotated[str, Field(max_length=256)]
    rows: int
    share: float
    """Of all test rows."""
    counted: bool
    """Gates look at it: it has minimumRows."""
    metrics: Metrics = {}


class BaselineResult(ApiModel):
    name: Annotated[str, Field(max_length=64)]
    metrics: Metrics = {}


class Importance(ApiModel):
    column: ColumnName
    metric: MetricName
    loss: float
    """How much worse the metric is where the column is shuffled, and its 95 % interval."""
    low: float
    high: float


class PinnedServing(ApiModel):
    """A version that was in service when the run started."""

    version: Name
    digest: Digest
