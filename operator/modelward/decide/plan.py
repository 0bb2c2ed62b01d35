"""What a decision asks for. An empty Plan means converged: acting on it writes nothing."""

from dataclasses import dataclass
from typing import Literal

from modelward.api.common import Status
from modelward.names import Manifest
from modelward_contracts.traffic import Traffic


@dataclass(frozen=True, order=True)
class Key:
    """One of our resources."""

    kind: str
    namespace: str
    name: str


@dataclass(frozen=True)
class Ref:
    """Any object in the key's namespace. `uid`: delete only this very object."""

    api_version: str
    kind: str
    name: str
    uid: str | None = None


@dataclass(frozen=True)
class Event:
    """Something happened; shown by `kubectl describe`. Only transitions make Events, never a repeated look."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


@dataclass(frozen=True)
class Push:
    """A traffic setting for one pod's admin port."""

    pod: str
    address: str
    """host:port of the admin port."""
    setting: Traffic


@dataclass(frozen=True)
class Plan:
    """Done in this order: urgent pushes · status that is memory · creates, applies, pushes, deletes · status ·
    keepsakes · Events.

    `status`: the whole desired status; None leaves it alone. `memory`: it holds something that was decided (a step, a
    verdict, a pinned version) and must be written before anything is done about it.
    `creates` are made once and never touched again (Jobs, versions); `applies` are held in this form.
    """

    status: Status | None = None
    memory: bool = False
    urgent: tuple[Push, ...] = ()
    """Towards stable only: pushed before the write, so that a dead API server delays no rollback."""
    creates: tuple[Manifest, ...] = ()
    applies: tuple[Manifest, ...] = ()
    pushes: tuple[Push, ...] = ()
    deletes: tuple[Ref, ...] = ()
    keepsakes: tuple[Manifest, ...] = ()
    """Created where that is possible: what nothing depends on, so that it holds nothing up."""
    events: tuple[Event, ...] = ()
    freed: int = 0
    """Bytes that were taken out of a store, for the metrics."""
    at_rest: bool = False
    """Nothing is under way: until something is named, what this look has read is enough."""
    requeue_after: float | None = None
