"""ModelDeployment: which version serves, how wide, how a new one is rolled out, judged and rolled back."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from .common import (
    AGE,
    ALIAS,
    MESSAGE,
    READY,
    REASON,
    SERVICE_NAME,
    ApiModel,
    Column,
    Digest,
    Duration,
    Message,
    Name,
    NameForm,
    Names,
    Person,
    Reason,
    Resource,
    ShortName,
    Status,
    Timestamp,
    condition_column,
    int_or_string,
    rule,
    rules,
    server_default,
)
from .pod import ScoringPod
from .resources import Resources

Phase = Literal["Pending", "Stable", "Canary", "Paused", "Promoting", "Baking", "RollingBack"]
Batching = Annotated[Literal["Auto", "Off"], BeforeValidator(lambda said: "Off" if said is False else said)]
OPAQUE = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
OFF_IS_FALSE = {"x-kubernetes-preserve-unknown-fields": True, "enum": ["Auto", "Off", False]}
"""YAML 1.1 reads an unquoted Off as false."""
ByteSize = Annotated[
    str, Field(max_length=16, pattern=r"^([1-9][0-9]{0,8}(Ki)?|[1-9][0-9]{0,2}Mi|1[0-9]{3}Mi|[12]Gi)$")
]
"""512Ki, 64Mi, up to 2Gi."""
HeaderName = Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]
Revision = Annotated[str, Field(max_length=16, pattern=r"^[0-9a-f]+$")]
Why = Annotated[str, Field(max_length=512)]


_VERSION = rule(
    "type(self) == int ? self >= 1 : self != 'latest' && "
    f"self.matches('^(Latest|[1-9][0-9]*|sha256:[0-9a-f]{{64}}|{ALIAS[1:-1]})$')",
    "modelRef.version must be Latest, a number such as 3, a digest sha256:…, or an alias such as champion",
)


_UNAVAILABLE = rule(
    "type(self) == int ? self >= 1 : self.matches('^([1-9]|[1-9][0-9]|100)%$')",
    "disruptionBudget.maxUnavailable must be a number from 1, or a share such as 25%; "
    "a budget of 0 would hold up every drain",
)


class ModelRef(ApiModel):
    """Which version is to serve."""

    name: ShortName
    """Of the model: modelName of its ModelVersions."""
    version: Annotated[
        int | str,
        Field(json_schema_extra=int_or_string(maxLength=71) | {"x-kubernetes-validations": [_VERSION]}),
    ] = "Latest"
    """`Latest`, a number, a model manifest's digest `sha256:…`, or an alias, which may move to another version."""


class Pause(ApiModel):
    duration: Duration | None = None
    """Without it: until a person promotes the version."""


class Step(ApiModel):
    """A weight, or a pause at the weight before (none before the first)."""

    model_config = rules(
        rule(
            "has(self.weight) != has(self.pause)",
            "a step has a weight or a pause: write `weight: 10`, `pause: {}` or `pause: {duration: 10m}`",
        ),
        rule(
            "!has(self.pause) || !has(self.duration)",
            "a step's duration is the least time at its weight: write `pause: {duration: 10m}`",
        ),
    )
    weight: Annotated[int, Field(ge=1, le=100)] | None = None
    """Percent of requests to the candidate."""
    duration: Duration = "30s"
    """The least time at this weight; evidence must be there as well."""
    minimum_requests: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Answers of the candidate that this step needs. analysis.minRequests unless said otherwise."""
    pause: Pause | None = None
    """At the weight of the step before."""


class HeaderMatch(ApiModel):
    header: HeaderName
    """Its name, in any case."""
    value: Annotated[str, Field(max_length=256, pattern=r"^[!-~]([ -~]*[!-~])?$")]
    """The whole of it, to the letter."""


class Sticky(ApiModel):
    header: HeaderName
    """Its name, in any case."""


class Routing(ApiModel):
    """What decides, before the weight does, whether a request goes to the version on trial."""

    matches: Annotated[list[HeaderMatch], Field(max_length=16)] = []
    sticky: Sticky | None = None


_PLACEHOLDERS = rule(
    "self.matches('^([^{]|[{][^{]|[{][{] *(namespace|name|candidate|stable) *[}][}])*$')",
    "a query's placeholders are namespace, name, candidate and stable, each within two pairs of braces",
)
_OWN_NAMES = rule(
    "self.all(a, !has(a.name) || self.exists_one(b, has(b.name) && b.name == a.name))",
    "each check of analysis.promql needs a name of its own",
)


class PromqlCheck(ApiModel):
    """A number that a Prometheus-compatible server knows of the version on trial."""

    model_config = rules(
        rule(
            "has(self.maximum) || has(self.minimum)",
            "a check of analysis.promql has a limit: write `maximum: 0.01`, `minimum: 0.9`, or both",
        ),
        rule(
            "!has(self.maximum) || !has(self.minimum) || self.minimum <= self.maximum",
            "minimum must not be above maximum: between them is what is allowed",
        ),
    )
    name: Annotated[str, Field(max_length=40, pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")] | None = None
    """Shown where the check is told of. `promql[0]` and so on unless said otherwise."""
    query: Annotated[
        str, Field(min_length=1, max_length=2000, json_schema_extra={"x-kubernetes-validations": [_PLACEHOLDERS]})
    ]
    """Gives one number. Within two pairs of braces, namespace and name stand for this resource's, candidate and stable
    for the revisions that are compared."""
    maximum: float | None = None
    """What is above it is too much."""
    minimum: float | None = None
    """What is below it is too little."""
    dry_run: bool = False
    """Only told, never decided upon."""
    server: ShortName | None = None
    """One of those that the chart's prometheus.servers names. Its first unless said otherwise."""


class Analysis(ApiModel):
    """When a candidate is harmful, always in comparison with the version in service at the same time."""

    min_requests: Annotated[int, Field(ge=1, le=1_000_000)] = 300
    """Answers of the candidate that each step needs before it may pass."""
    max_error_increase_percent: Annotated[float, Field(gt=0, le=100)] = 1.0
    """Share of requests that may fail beyond stable's. The more is allowed, the sooner it is proven."""
    max_latency_ratio: Annotated[float, Field(gt=1, le=1000)] = 1.45
    """By how much slower answers may be than stable's."""
    max_drift_increase: Annotated[float, Field(gt=0, le=100)] = 0.2
    """PSI of the candidate against its own reference, above stable's against its own."""
    on_no_evidence: Literal["BySight", "Hold", "Rollback"] = "BySight"
    """At the deadline: `BySight` promotes the candidate unless what was seen would surprise of an equal version."""
    false_rollbacks: Annotated[float, Field(ge=0.0001, le=0.2)] = 0.01
    """Probability that a version equal to the one in service is called harmful, over the whole rollout."""
    promql: Annotated[
        list[PromqlCheck], Field(max_length=10, json_schema_extra={"x-kubernetes-validations": [_OWN_NAMES]})
    ] = []
    """Checks of your own: three answers in a row beyond a limit are harm, and a step waits for an answer within it."""


class Rollout(ApiModel):
    """How a new version takes over from the one in service."""

    model_config = rules(
        rule(
            "!has(self.steps) || self.steps.filter(step, has(step.weight)).map(step, step.weight).isSorted()",
            "rollout.steps must not fall: write the weights from the smallest to the largest",
        )
    )
    steps: Annotated[list[Step], Field(min_length=1, max_length=20)] = [Step(weight=10), Step(weight=50)]
    matches: Annotated[list[HeaderMatch], Field(max_length=16)] = []
    """Requests with one of these headers go to the version on trial whatever the weight."""
    sticky: Sticky | None = None
    """Requests with the same value of this header go to the same side; a growing weight only ever adds values."""
    approval: Literal["Automatic", "Required"] = "Automatic"
    """Required: a version on trial gets no request until a person approves it (annotation modelward.dev/action)."""
    bake_time: Duration = "30m"
    """How long the replaced version stays warm, and a promoted one is still rolled back at once."""
    keep_replicas: Annotated[int, Field(ge=1, le=1000)] | None = None
    """So many pods of the replaced version stay warm. All, unless said otherwise."""
    progress_deadline_seconds: Annotated[int, Field(ge=10, le=604_800)] = 3600
    """A rollout that comes to no conclusion in this time ends as analysis.onNoEvidence says."""
    undo: Literal["Immediate", "Steps"] = "Immediate"
    """Whether a version that served well before takes over at once, or is tried like a new one."""
    accept_signature: bool = False
    """Try a version although requests to the one in service do not fit it, or its answers differ in form."""
    retry: Annotated[int, Field(ge=0)] = 0
    """Raise it to try a rejected revision again."""


class DisruptionBudget(ApiModel):
    """The PodDisruptionBudget of each version with two or more replicas. A budget of your own that selects the same
    pods takes its place: Kubernetes evicts no pod that has two."""

    enabled: bool = True
    """False: none is made."""
    max_unavailable: Annotated[
        int | str, Field(json_schema_extra=int_or_string(maxLength=4) | {"x-kubernetes-validations": [_UNAVAILABLE]})
    ] = 1
    """A number, or a share such as 25%."""


class Limits(ApiModel):
    """What one request may hold. What is left out is as the server has it."""

    json_size: ByteSize | None = None
    """Of its JSON. 8Mi unless said otherwise."""
    body_size: ByteSize | None = None
    """Of its body, tensors as raw bytes included. 64Mi unless said otherwise."""
    receive_seconds: Annotated[int, Field(ge=1, le=3600)] | None = None
    """From its first byte to its last. 30 unless said otherwise."""
    rows: Annotated[int, Field(ge=1, le=10_000_000)] | None = None
    """Of a request to /predict. 10000 unless said otherwise."""


ImageReference = Annotated[str, Field(max_length=1024, pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@-]*$")]


class Runtime(ApiModel):
    """The server that runs the model."""

    image: ImageReference | None = None
    """Of the scoring server, from a repository that the installation allows. Left out: what serves keeps its image, and
    a new version gets the installation's. Another one is a rollout like any other."""


class ModelDeploymentSpec(ApiModel):
    model_ref: ModelRef
    replicas: Annotated[int, Field(ge=0, le=1000, json_schema_extra=server_default(1))] = 1
    """Of the version in service. Leave it out where an autoscaler owns it."""
    rollout: Rollout = Rollout()
    analysis: Analysis = Analysis()
    runtime: Runtime = Runtime()
    resources: Resources = Resources()
    """Of each scoring server, and of the fetch before it. None: by the size of the model."""
    limits: Limits = Limits()
    batching: Annotated[Batching, WithJsonSchema(OFF_IS_FALSE)] = "Auto"
    """Auto: rows of several requests run together where a row's answer is proven to be its own. Off: never."""
    pod: ScoringPod = ScoringPod()
    """Where and how the scoring servers run."""
    disruption_budget: DisruptionBudget = DisruptionBudget()
    paused: bool = False
    """Hold the rollout where it is. Harm still rolls back."""


class ServingRevision(ApiModel):
    """All that is needed to run a revision, kept here so that what serves depends on no other object."""

    revision: Revision
    model_version: Name
    version: int
    digest: Digest
    """Of the model manifest."""
    image: Annotated[str, Field(max_length=1024)]
    resources: Resources = Resources()
    limits: Limits = Limits()
    batching: Batching = "Auto"
    memory_bytes: Annotated[int, Field(ge=0)] = 0
    """Of the loaded model: what it gets where the spec names no resources."""
    retry: int = 0
    """spec.rollout.retry when it was first asked for: what its pods hold against a stored verdict."""
    since: Timestamp


class Verdict(ApiModel):
    """Why a revision was rolled back. Bound to (deployment, revision, retry)."""

    revision: Revision
    model_version: Name
    digest: Digest
    image: Annotated[str, Field(max_length=1024)]
    resources: Resources = Resources()
    limits: Limits = Limits()
    batching: Batching = "Auto"
    retry: int
    reason: Reason
    message: Message
    time: Timestamp
    stored: bool = False
    """It lies in the store as well, where it outlives this object."""
    lifted: bool | None = None
    """A person has asked for another try."""

    def binds(self, retry: int) -> bool:
        """`retry`: of spec.rollout, which lifts verdicts with a smaller number."""
        return not self.lifted and self.retry >= retry


class Transition(ApiModel):
    """What happened, when and why."""

    time: Timestamp
    from_: Annotated[str, Field(alias="from", max_length=64)]
    to: Annotated[str, Field(max_length=64)]
    cause: Reason
    message: Message
    revision: Revision | None = None
    requested_by: Person | None = None
    verified: bool | None = None
    """Whether the API server has proven the name."""
    reason: Why | None = None
    """Of the person who asked for it."""
    evidence: Annotated[dict[str, float], Field(max_length=24)] | None = None
    """What was counted until then of the version on trial and of stable, bounds of the excess, and what is allowed."""


class Action(ApiModel):
    """What a person asked for by annotation, and what came of it. The same words never act twice."""

    id: Annotated[str, Field(max_length=16)]
    """Of its words."""
    verb: Annotated[str, Field(max_length=32)]
    revision: Annotated[str, Field(max_length=256)]
    """As it was written."""
    reason: Why | None = None
    requested_by: Person | None = None
    verified: bool = False
    """The API server has proven the name."""
    time: Timestamp
    done: bool
    message: Message
    """What was done, or why it was not and what to do."""


class CheckAnswer(ApiModel):
    """The newest answer to a check of spec.analysis.promql."""

    id: Annotated[str, Field(max_length=16)]
    """Of the question and its rollout."""
    name: Annotated[str, Field(max_length=64)]
    value: float | None = None
    reason: Reason | None = None
    """Why there is no value."""
    message: Annotated[str, Field(max_length=512)] = ""
    beyond: int = 0
    """Answers in a row beyond a limit, up to this one."""
    time: Timestamp | None = None


class ModelDeploymentStatus(Status):
    phase: Phase = "Pending"
    step: int | None = None
    """Index into spec.rollout.steps."""
    weight: int = 0
    """Percent of requests that the candidate is given."""
    routing: Routing | None = None
    """In force beside the weight."""
    step_started: Timestamp | None = None
    rollout_started: Timestamp | None = None
    epoch: int = 0
    """Of the newest traffic setting; grows with every change of traffic."""
    replicas: int | None = None
    selector: Annotated[str, Field(max_length=512)] | None = None
    stable: ServingRevision | None = None
    candidate: ServingRevision | None = None
    previous: ServingRevision | None = None
    """While baking: the replaced revision, still warm."""
    served: Annotated[list[ServingRevision], Field(max_length=10)] = []
    """Revisions that were in service until another one took their place, the newest last."""
    recorded: Revision | None = None
    """The revision that the store knows as the one in service."""
    trial: Annotated[dict[str, Any], WithJsonSchema(OPAQUE)] | None = None
    """What the judges remember of the candidate; not for people."""
    checks: Annotated[list[CheckAnswer], Field(max_length=10)] = []
    """Of the rollout under way, or the last."""
    set_aside: Verdict | None = None
    """A rollout that ended without proof of harm: not tried again until the spec asks for another revision or try."""
    target: Revision | None = None
    """The revision that the spec asks for, as last acted on."""
    paused: Revision | None = None
    """The revision on trial that a person has paused."""
    approved: Revision | None = None
    """The revision on trial that a person has approved."""
    rollback_to: Revision | None = None
    """One of `served` that a person asked back into service, until it is there."""
    actions: Annotated[list[Action], Field(max_length=20)] = []
    verdicts: Annotated[list[Verdict], Field(max_length=20)] = []
    history: Annotated[list[Transition], Field(max_length=20)] = []

    @property
    def revisions(self) -> list[ServingRevision]:
        """Those that run."""
        return [each for each in (self.stable, self.candidate, self.previous) if each]


class ModelDeployment(Resource):
    """Which model version serves, how wide, how a new one is rolled out, judged and rolled back."""

    NAMES: ClassVar[Names] = Names(kind="ModelDeployment", plural="modeldeployments", short="mdep")
    NAME_LIMIT: ClassVar[int] = 40
    NAME_FORM: ClassVar[NameForm] = SERVICE_NAME
    SCALE: ClassVar[bool] = True
    COLUMNS: ClassVar[tuple[Column, ...]] = (
        READY,
        REASON,
        Column(name="Phase", path=".status.phase"),
        Column(name="Serving", path=".status.stable.modelVersion"),
        Column(name="Candidate", path=".status.candidate.modelVersion"),
        Column(name="Weight", path=".status.weight", type="integer"),
        Column(name="Revision", path=".status.candidate.revision", priority=1),
        condition_column("Drifted"),
        AGE,
        MESSAGE,
    )
    spec: ModelDeploymentSpec
    status: ModelDeploymentStatus = ModelDeploymentStatus()
