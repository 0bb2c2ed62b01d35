"""Conditions as the API conventions want them: a transition time moves only when the status flips."""

from collections.abc import Iterable
from datetime import datetime

from modelward.api.common import Condition, ConditionStatus

NEVER = "1970-01-01T00:00:00Z"
"""What resources made under earlier CRDs carry until the operator has seen them."""


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def set_condition(
    conditions: Iterable[Condition],
    type_: str,
    status: ConditionStatus,
    reason: str,
    message: str,
    generation: int,
    now: datetime,
) -> list[Condition]:
    """The conditions with this one set, in their order; a new one goes last."""
    existing = list(conditions)
    before = next((c for c in existing if c.type == type_), None)
    since = before.last_transition_time if before and before.status == status else None
    after = Condition(
        type=type_,
        status=status,
        reason=reason,
        message=message[:4096],
        observed_generation=generation,
        last_transition_time=timestamp(now) if since in (None, NEVER) else since,
    )
    if before is None:
        return [*existing, after]
    return [after if c.type == type_ else c for c in existing]


def drop_condition(conditions: Iterable[Condition], type_: str) -> list[Condition]:
    return [c for c in conditions if c.type != type_]
