"""A search for a training's parameters, in Katib's words, and how far it is."""

from typing import Annotated, Literal

from pydantic import Field

from modelward_contracts.metrics import COSTS, ERRORS, METRICS

from .common import SCALAR, ApiModel, rule, rules

_QUALITY = [*METRICS["classification"], *METRICS["regression"]]
_ERRORS = ", ".join(f"'{name}'" for name in ERRORS)
Values = Annotated[
    dict[str, str | int | float | bool], Field(max_length=20, json_schema_extra={"additionalProperties": SCALAR})
]
"""Of parameters, by name."""
TEXT = 128
"""Letters of a value: the status holds those of many trials."""
SHOWN = 50
"""Trials that are over, in the status: the newest."""


class ObjectiveSpec(ApiModel):
    model_config = rules(
        rule(
            f"(self.type == 'minimize') == (self.metric in [{_ERRORS}])",
            "log_loss, brier, calibration_error, rmse and mae are better where they are less: write `type: minimize` "
            "with these, and `type: maximize` with all others",
        )
    )
    type: Literal["maximize", "minimize"]
    """What is better."""
    metric: Annotated[str, Field(max_length=64, json_schema_extra={"enum": _QUALITY})]
    """On the validation rows. Test rows are measured once, for the winner."""
    goal: float | None = None
    """Enough: no trial is begun after one that reaches it is known."""


class ConstraintSpec(ApiModel):
    model_config = rules(
        rule(
            "has(self.minimum) || has(self.maximum)",
            "a constraint needs a bound: write `minimum:` or `maximum:` beside `metric:`",
        ),
        rule(
            "!has(self.minimum) || !has(self.maximum) || self.minimum <= self.maximum",
            "a constraint's minimum must not be above its maximum: no trial could keep it",
        ),
    )
    metric: Annotated[str, Field(max_length=64, json_schema_extra={"enum": [*_QUALITY, *COSTS]})]
    """On the validation rows, or what the model costs."""
    minimum: float | None = None
    """The least value that keeps it."""
    maximum: float | None = None
    """The greatest value that keeps it."""


class FeasibleSpace(ApiModel):
    minimum: float | None = Field(None, alias="min")
    """Of double and int."""
    maximum: float | None = Field(None, alias="max")
    """Of double and int, itself included."""
    step: Annotated[float, Field(gt=0)] | None = None
    """Of int: 1 where it is left out. Of double: any value, where it is left out."""
    distribution: Literal["uniform", "logUniform"] | None = None
    """None: uniform. logUniform: as often between 0.001 and 0.01 as between 0.01 and 0.1."""
    values: (
        Annotated[
            list[str | int | float | bool],
            Field(min_length=1, max_length=100, json_schema_extra={"items": SCALAR | {"maxLength": TEXT}}),
        ]
        | None
    ) = Field(None, alias="list")
    """Of discrete (numbers, which have an order) and categorical."""


class ParameterSpec(ApiModel):
    model_config = rules(
        rule(
            "!(self.parameterType in ['double', 'int']) || (has(self.feasibleSpace.min) && "
            "has(self.feasibleSpace.max) && !dyn(self.feasibleSpace).?list.hasValue())",
            "the values of a double or int lie between two: write `feasibleSpace: {min: …, max: …}`, and no list",
        ),
        rule(
            "!(self.parameterType in ['discrete', 'categorical']) || (dyn(self.feasibleSpace).?list.hasValue() && "
            "![has(self.feasibleSpace.min), has(self.feasibleSpace.max), has(self.feasibleSpace.step), "
            "has(self.feasibleSpace.distribution)].exists(x, x))",
            "the values of a discrete or categorical parameter are listed: write `feasibleSpace: {list: […]}`, and "
            "nothing beside it",
        ),
        rule(
            "!has(self.feasibleSpace.min) || !has(self.feasibleSpace.max) || "
            "self.feasibleSpace.min <= self.feasibleSpace.max",
            "feasibleSpace is upside down: min must not be above max",
        ),
        rule(
            "!has(self.feasibleSpace.distribution) || self.feasibleSpace.distribution != 'logUniform' || "
            "(has(self.feasibleSpace.min) && self.feasibleSpace.min > 0.0 && !has(self.feasibleSpace.step))",
            "logUniform needs a min above 0, and no step: write min: 0.0001, or uniform",
        ),
        rule(
            "self.parameterType != 'int' || [has(self.feasibleSpace.min) ? self.feasibleSpace.min : 0.0, "
            "has(self.feasibleSpace.max) ? self.feasibleSpace.max : 0.0, "
            "has(self.feasibleSpace.step) ? self.feasibleSpace.step : 1.0].all(x, x == double(int(x)))",
            "min, max and step of an int are whole numbers: write parameterType: double for others",
        ),
        rule(
            "!dyn(self.feasibleSpace).?list.hasValue() || dyn(self.feasibleSpace).list.all(x, "
            "dyn(self.feasibleSpace).list.exists_one(y, dyn(x) == dyn(y)))",
            "feasibleSpace.list holds a value twice: name each once",
        ),
    )
    name: Annotated[str, Field(max_length=63, pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$")]
    """In params.json; with estimator one of its own."""
    parameter_type: Literal["double", "int", "discrete", "categorical"]
    """What its values are."""
    feasible_space: FeasibleSpace
    """Which values it may have."""


class AlgorithmSettings(ApiModel):
    startup_trials: Annotated[int, Field(ge=1, le=1000)] | None = None
    """Of tpe: trials at random before it. None: 10."""
    multivariate: bool | None = None
    """Of tpe: look at parameters together. None: one by one."""
    sigma: Annotated[float, Field(gt=0, le=1)] | None = None
    """Of cmaes: how far it looks at first, as a share of the space. None: a sixth."""


class AlgorithmSpec(ApiModel):
    model_config = rules(
        rule(
            "!has(self.settings) || ((self.name == 'tpe' || !(has(self.settings.startupTrials) || "
            "has(self.settings.multivariate))) && (self.name == 'cmaes' || !has(self.settings.sigma)))",
            "startupTrials and multivariate are settings of tpe, sigma is one of cmaes: leave out the others",
        )
    )
    name: Literal["random", "grid", "tpe", "cmaes"]
    """What suggests parameters. No point is tried twice."""
    settings: AlgorithmSettings | None = None
    """Its own."""


class SearchSpec(ApiModel):
    """Trials with other parameters, of which the best one's model is taken."""

    model_config = rules(
        rule(
            "self.parameters.all(p, self.parameters.exists_one(q, q.name == p.name))",
            "search.parameters names a parameter twice: name each once",
        ),
        rule(
            "self.algorithm.name != 'grid' || self.parameters.all(p, p.parameterType != 'double' || "
            "has(p.feasibleSpace.step) || !has(p.feasibleSpace.min) || p.feasibleSpace.min == p.feasibleSpace.max)",
            "a grid needs steps: write feasibleSpace.step for each double, or another algorithm",
        ),
        rule(
            "self.algorithm.name != 'cmaes' || self.parameters.all(p, p.parameterType != 'categorical')",
            "cmaes knows numbers alone: write algorithm: {name: tpe}, or leave categorical parameters out",
        ),
    )
    objective: ObjectiveSpec
    """What the winner is best at."""
    constraints: Annotated[list[ConstraintSpec], Field(max_length=8)] = []
    """What the winner keeps, latency or size for example."""
    algorithm: AlgorithmSpec
    """What to try next."""
    parameters: Annotated[list[ParameterSpec], Field(min_length=1, max_length=20)]
    """What is sought, each with its space."""
    parallel_trial_count: Annotated[int, Field(ge=1, le=50)] = 1
    """How many run at once. Trial n knows the results of those up to n less this."""
    max_trial_count: Annotated[int, Field(ge=1, le=1000)]
    """No more than there are points."""
    max_failed_trial_count: Annotated[int, Field(ge=0, le=100)] = 3
    """More that fail end the run."""


class Trial(ApiModel):
    number: int
    state: Literal["Running", "Complete", "Infeasible", "Failed"]
    """Infeasible: it breaks a constraint."""
    value: float | None = None
    """Of the objective."""
    parameters: Values = {}
    message: Annotated[str, Field(max_length=512)] | None = None
    """Why it failed, or what it breaks."""


class SearchStatus(ApiModel):
    since: Annotated[str, Field(max_length=40)] | None = None
    """Of activeDeadlineSeconds: when it began, or was resumed."""
    summary: Annotated[str, Field(max_length=64)] = ""
    """`12 of 30`."""
    begun: int = 0
    """Trials 1 to this one."""
    complete: int = 0
    infeasible: int = 0
    failed: Annotated[list[int], Field(max_length=200)] = []
    """Numbers of the trials that failed."""
    reached: int | None = None
    """The first trial that reached the goal."""
    best: Trial | None = None
    trials: Annotated[list[Trial], Field(max_length=SHOWN + 50)] = []
    """Those that run, and the newest that are over. All of them are in the store."""
