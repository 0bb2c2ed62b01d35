"""What all kinds share: metadata as far as we read it, conditions, references, bounded texts.

Optional fields have their defaults here and not in the CRD: an API server that fills in a user's spec makes every
GitOps tool see a difference.
"""

from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

GROUP = "modelward.dev"
VERSION = "v1alpha1"

ConditionStatus = Literal["True", "False", "Unknown"]


class ApiModel(BaseModel):
    """camelCase on the wire, snake_case in Python, frozen. Unknown fields are dropped, as the API server does."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, frozen=True, use_attribute_docstrings=True
    )

    def wire(self) -> dict[str, Any]:
        """As it is sent to the API server: camelCase, unset optional fields left out."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)


def rule(expression: str, message: str) -> dict[str, str]:
    """One CEL rule; the message says what to write instead."""
    return {"rule": expression, "message": message}


def rules(*entries: dict[str, str]) -> ConfigDict:
    """CEL rules of a model, as `x-kubernetes-validations` of its schema."""
    return ConfigDict(json_schema_extra={"x-kubernetes-validations": [dict(entry) for entry in entries]})


def immutable_but(mutable: str, message: str, *entries: dict[str, str]) -> ConfigDict:
    """CEL rules of a model of which one field alone may change.

    The others are compared as a list, by names that are looked up at run time: CEL's compiler knows no field of untyped
    values (`parameters`), and takes whatever has no bounded size for too costly.
    """

    def add(schema: dict[str, Any]) -> None:
        held = [_in_cel(name) for name in schema["properties"] if name != mutable]
        new, old = (", ".join(f"dyn({of}).?{name}" for name in held) for of in ("self", "oldSelf"))
        schema["x-kubernetes-validations"] = [rule(f"[{new}] == [{old}]", message), *map(dict, entries)]

    return ConfigDict(json_schema_extra=add)


def _in_cel(name: str) -> str:
    """A property's name, where it is a word of CEL's own."""
    return f"__{name}__" if name in ("import", "in", "namespace", "package") else name


def int_or_string(**bounds: Any) -> dict[str, Any]:
    """Schema of `int | str`; the bounds hold for strings."""
    return {"x-kubernetes-int-or-string": True, **bounds}


def list_map(key: str) -> dict[str, Any]:
    """Schema of a list that holds each value of `key` once, and that server-side apply merges by it."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]}


def server_default(value: Any) -> dict[str, Any]:
    """Schema of a field that the API server fills in: only where another client reads it."""
    return {SERVER_DEFAULT: value}


SERVER_DEFAULT = "x-modelward-server-default"
SCALAR = {"x-kubernetes-preserve-unknown-fields": True, "maxLength": 4096, "maxProperties": 0, "maxItems": 0}
"""Schema of text, a number or a boolean: structural schemas know no such type, so maps and lists are shut out."""

# Names and texts. Every string and list has a bound, so that CEL's cost stays in budget and no object outgrows etcd.
Name = Annotated[str, Field(max_length=253, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]
ShortName = Annotated[str, Field(max_length=40, pattern=r"^[a-z]([-a-z0-9]*[a-z0-9])?$")]
"""Of resources whose name becomes part of children's names and labels."""
ColumnName = Annotated[str, Field(min_length=1, max_length=256)]
ColumnKind = Literal["boolean", "integer", "number", "string", "timestamp"]
Digest = Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$", max_length=71)]
Duration = Annotated[str, Field(pattern=r"^([0-9]+(s|m|h))+$", max_length=32)]
"""As in Flux: 30s, 5m, 1h30m."""
Timestamp = Annotated[str, Field(json_schema_extra={"format": "date-time"}, max_length=40)]
Message = Annotated[str, Field(max_length=4096)]
Reason = Annotated[str, Field(max_length=128)]
Person = Annotated[str, Field(max_length=256)]
"""As annotation modelward.dev/requested-by says it."""
ALIAS = "^[a-z]([-a-z0-9]{0,30}[a-z0-9])?$"
"""Of a model's version: never a number, a digest or `Latest`."""


class Condition(ApiModel):
    """`metav1.Condition`."""

    type: Annotated[str, Field(max_length=64)]
    status: ConditionStatus
    reason: Reason
    message: Message = ""
    observed_generation: int | None = None
    last_transition_time: Timestamp | None = None
    """None only until the operator has seen the resource."""


Conditions = Annotated[
    list[Condition],
    Field(max_length=16, json_schema_extra=list_map("type")),
]


class OwnerReference(ApiModel):
    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool | None = None


class Metadata(ApiModel):
    """The part of ObjectMeta that decisions read."""

    name: str
    namespace: str = ""
    uid: str = ""
    generation: int = 0
    resource_version: str = ""
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    owner_references: list[OwnerReference] = []


class Status(ApiModel):
    observed_generation: int | None = None
    conditions: Conditions = []

    def condition(self, type_: str) -> Condition | None:
        return next((c for c in self.conditions if c.type == type_), None)

    def is_true(self, type_: str) -> bool:
        condition = self.condition(type_)
        return condition is not None and condition.status == "True"


class Column(ApiModel):
    """A printer column of `kubectl get`."""

    name: str
    path: str
    type: Literal["string", "integer", "number", "date"] = "string"
    priority: int = 0
    """1: only with `-o wide`."""


def condition_column(type_: str, name: str | None = None) -> Column:
    return Column(name=name or type_, path=f".status.conditions[?(@.type=='{type_}')].status")


READY = condition_column("Ready")
REASON = Column(name="Reason", path=".status.conditions[?(@.type=='Ready')].reason")
MESSAGE = Column(name="Message", path=".status.conditions[?(@.type=='Ready')].message", priority=1)
AGE = Column(name="Age", path=".metadata.creationTimestamp", type="date")


class Names(ApiModel):
    kind: str
    plural: str
    short: str

    @property
    def singular(self) -> str:
        return self.kind.lower()


class NameForm(NamedTuple):
    """What metadata.name may look like, for the API server and for people."""

    pattern: str
    words: str


LABEL_NAME = NameForm(
    "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "lower-case letters, digits and dashes, with a letter or digit at both ends"
)
SERVICE_NAME = NameForm(
    "^[a-z]([-a-z0-9]*[a-z0-9])?$",
    "lower-case letters, digits and dashes, starting with a letter and not ending with a dash, as of a Service",
)


class Resource(ApiModel):
    """One object of ours. Subclasses set NAMES, COLUMNS, and the types of spec and status."""

    NAMES: ClassVar[Names]
    COLUMNS: ClassVar[tuple[Column, ...]]
    SCALE: ClassVar[bool] = False
    NAME_LIMIT: ClassVar[int] = 63
    """Longest metadata.name: it becomes a label's value or part of children's names."""
    NAME_FORM: ClassVar[NameForm] = LABEL_NAME

    metadata: Metadata
